/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Targets and NICs that stop without a word: what is outstanding ends with an
 * error in time, whether the application polls, sleeps or does neither; what is
 * slow is let be; what was given up is not executed over what came later.
 */
#include "fixture/nic_fixture.hh"

#include <poll.h>

#include <condition_variable>

namespace ofi_pmem::test
{

namespace
{

using std::chrono::milliseconds;

constexpr milliseconds kTimeout{300};
constexpr const char *kTimeoutParam = "FI_OFI_PMEM_OPERATION_TIMEOUT_MS";

std::string text(milliseconds time)
{
	return std::to_string(time.count());
}

/* The service's thread passes this gate after each call of a backend. */
class Gate
{
public:
	/* Before the medium has a region. */
	void guard(FakeMedium *medium)
	{
		medium->after_call = [this] { pass(); };
	}

	void close() { set(true); }
	void open() { set(false); }

	/* Returns when the thread is held. */
	void wait()
	{
		std::unique_lock lock(mutex_);
		changed_.wait(lock, [this] { return held_; });
	}

	/* Each pass takes so long. */
	void slow_down(milliseconds pause)
	{
		std::lock_guard lock(mutex_);
		pause_ = pause;
	}

private:
	void set(bool closed)
	{
		std::lock_guard lock(mutex_);
		closed_ = closed;
		changed_.notify_all();
	}
	void pass()
	{
		std::unique_lock lock(mutex_);
		held_ = closed_;
		changed_.notify_all();
		changed_.wait(lock, [this] { return !closed_; });
		held_ = false;
		milliseconds pause = pause_;
		lock.unlock();
		std::this_thread::sleep_for(pause);
	}

	std::mutex mutex_;
	std::condition_variable changed_;
	bool closed_ = false;
	bool held_ = false;
	milliseconds pause_{};
};

/* The time that something takes. */
template <typename Work> milliseconds time_of(Work work)
{
	auto begin = std::chrono::steady_clock::now();
	work();
	return std::chrono::duration_cast<milliseconds>(
		std::chrono::steady_clock::now() - begin);
}

void expect_timed_out(const OpResult &result)
{
	EXPECT_EQ(result.failure.err, FI_ETIMEDOUT);
	EXPECT_EQ(result.failure.cause, Cause::timed_out);
}

class Timeout : public PlaneFixture
{
protected:
	void SetUp() override { open(kTimeout); }

	void open(milliseconds timeout)
	{
		set_param(kTimeoutParam, text(timeout));
		PlaneFixture::SetUp();
		gate_.guard(&medium_);
		key_ = add_region(&medium_);
		ASSERT_EQ(submit(kCommit, &value_, 8, 0, key_), 0);
		ASSERT_FALSE(wait().failure);
	}

	void TearDown() override
	{
		gate_.open();
		PlaneFixture::TearDown();
	}

	/*
	 * Waits as an application does that reads its queue when the descriptor
	 * says so.
	 */
	OpResult sleep_for_result()
	{
		auto deadline = Clock::now() + kPatience;
		pollfd readable{initiator_->wait_fd(), POLLIN, 0};
		while (Clock::now() < deadline) {
			initiator_->progress();
			if (!owner_.results.empty())
				break;
			sleeps_++;
			if (!initiator_->trywait())
				poll(&readable, 1, 20000);
		}
		return wait();
	}

	Gate gate_;
	FakeMedium medium_{kRegionLen};
	uint64_t key_ = 0;
	uint64_t value_ = 1;
	int sleeps_ = 0;
};

TEST_F(Timeout, EndsWhatIsOutstandingWhileTheApplicationPolls)
{
	gate_.close();
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	ASSERT_EQ(submit(kFencedCommit, nullptr, 0, 0, key_), 0);
	milliseconds taken = time_of([&] {
		for (int i = 0; i < 4; i++)
			expect_timed_out(wait());
	});
	EXPECT_GE(taken.count(), kTimeout.count() - 50);
}

TEST_F(Timeout, WakesAnApplicationThatSleeps)
{
	gate_.close();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	expect_timed_out(sleep_for_result());
	/* It slept, and did not spin. */
	EXPECT_LT(sleeps_, 100);
}

TEST_F(Timeout, LetsAnApplicationSleepWithNothingOutstanding)
{
	pollfd readable{initiator_->wait_fd(), POLLIN, 0};
	/* The timer may expire once more for what is done. */
	for (int i = 0; i < 3; i++) {
		initiator_->progress();
		if (!initiator_->trywait())
			static_cast<void>(
				poll(&readable, 1, int(kTimeout.count())));
	}
	initiator_->progress();
	ASSERT_EQ(initiator_->trywait(), 0);
	EXPECT_EQ(poll(&readable, 1, int(3 * kTimeout.count())), 0);
}

TEST_F(Timeout, LaterOperationsConnectAnew)
{
	gate_.close();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	expect_timed_out(wait());
	gate_.open();
	uint64_t newer = 7;
	ASSERT_EQ(submit(kCommit, &newer, 8, 128, key_), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(std::memcmp(&medium_.durable[128], &newer, 8), 0);
}

/* The old ones lie unread in the target's socket while it hangs. */
TEST_F(Timeout, WhatWasGivenUpIsNotExecutedOverWhatCameLater)
{
	gate_.close();
	uint64_t older = 5, newer = 6;
	ASSERT_EQ(submit(kCommit, &older, 8, 0, key_), 0);
	gate_.wait();
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(submit(kCommit, &older, 8, 64, key_), 0);
	for (int i = 0; i < 21; i++)
		expect_timed_out(wait());
	/* It begins to connect while the old requests still wait. */
	EXPECT_EQ(try_submit(kCommit, &newer, 8, 64, key_), -FI_EAGAIN);
	gate_.open();
	ASSERT_EQ(submit(kCommit, &newer, 8, 64, key_), 0);
	EXPECT_FALSE(wait().failure);
	/*
	 * When this is answered, everything else that might be under way is
	 * done.
	 */
	EXPECT_EQ(submit(kFencedCommit, nullptr, 0, 0, key_), -FI_ECONNABORTED);
	ASSERT_EQ(submit(kFencedCommit, nullptr, 0, 0, key_), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(std::memcmp(&medium_.durable[64], &newer, 8), 0);
}

TEST_F(Timeout, WritesThatWereNotCommittedAreReportedLost)
{
	ASSERT_EQ(submit(kWrite, &value_, 8, 256, key_), 0);
	ASSERT_FALSE(wait().failure);
	gate_.close();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	expect_timed_out(wait());
	gate_.open();
	EXPECT_EQ(submit(kFencedCommit, nullptr, 0, 0, key_), -FI_ECONNABORTED);
	ASSERT_EQ(submit(kFencedCommit, nullptr, 0, 0, key_), 0);
	EXPECT_FALSE(wait().failure);
}

/* The service answers these one by one, as no two are there at once. */
TEST_F(Timeout, LetsALongSequenceOfSlowOperationsBe)
{
	medium_.after_call = [] { std::this_thread::sleep_for(kTimeout / 20); };
	milliseconds taken = time_of([&] {
		ASSERT_EQ(submit(kFencedCommit, &value_, 8, 64, key_), 0);
		for (int i = 0; i < 15; i++) {
			ASSERT_EQ(submit(kFencedCommit, &value_, 8, 64, key_),
				  0);
			ASSERT_FALSE(wait().failure);
		}
		ASSERT_FALSE(wait().failure);
	});
	EXPECT_GT(taken.count(), 2 * kTimeout.count());
}

/* Arrivals while nobody looked are seen before anything is given up. */
TEST_F(Timeout, DoesNotCountAnApplicationThatWasAway)
{
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	std::this_thread::sleep_for(3 * kTimeout);
	EXPECT_FALSE(wait().failure);

	gate_.close();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	initiator_->progress();
	std::this_thread::sleep_for(3 * kTimeout);
	initiator_->progress();
	EXPECT_TRUE(owner_.results.empty());
	gate_.open();
	EXPECT_FALSE(wait().failure);
}

class NoTimeout : public Timeout
{
protected:
	void SetUp() override { open(milliseconds(0)); }
};

TEST_F(NoTimeout, ZeroIsNever)
{
	gate_.close();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	auto deadline = Clock::now() + 3 * kTimeout;
	while (Clock::now() < deadline)
		initiator_->progress();
	EXPECT_TRUE(owner_.results.empty());
	gate_.open();
	EXPECT_FALSE(wait().failure);
}

class ConnectTimeout : public Timeout
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_CONNECT_TIMEOUT_MS", "2000");
		Timeout::SetUp();
	}
};

/* A key that is never looked up: the call that waits for it must learn. */
TEST_F(ConnectTimeout, OfAKeyIsAnErrorAtTheCall)
{
	gate_.close();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	expect_timed_out(wait());
	/* Accepted by the kernel, and by nobody else. */
	EXPECT_EQ(submit(kCommit, &value_, 8, 64, key_), -FI_ETIMEDOUT);
	gate_.open();
	ASSERT_EQ(submit(kCommit, &value_, 8, 64, key_), 0);
	EXPECT_FALSE(wait().failure);
}

class AutomaticTimeout : public PlaneFixture
{
protected:
	void SetUp() override
	{
		set_param(kTimeoutParam, text(kTimeout));
		PlaneFixture::SetUp();
	}
	void TearDown() override
	{
		gate_.open();
		PlaneFixture::TearDown();
	}
	bool automatic() const override { return true; }

	Gate gate_;
};

TEST_F(AutomaticTimeout, NeedsNobodyToLook)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	gate_.guard(&medium);
	uint64_t key = add_region(&medium);
	gate_.close();
	uint64_t value = 1;
	auto deadline = Clock::now() + kPatience;
	ssize_t ret;
	do
		ret = try_submit(kCommit, &value, 8, 0, key);
	while (ret == -FI_EAGAIN && Clock::now() < deadline);
	ASSERT_EQ(ret, 0);
	auto ended = [&] {
		std::lock_guard guard(initiator_->lock());
		return !owner_.results.empty();
	};
	while (!ended() && Clock::now() < deadline)
		std::this_thread::sleep_for(milliseconds(10));
	std::lock_guard guard(initiator_->lock());
	ASSERT_EQ(owner_.results.size(), 1u);
	expect_timed_out(owner_.results.front());
}

/* A NIC that stops, with every method. */
class NicTimeout : public NicFixture
{
protected:
	void prepare() override { set_param(kTimeoutParam, text(kTimeout)); }
	void TearDown() override
	{
		nic_.release();
		gate_.open();
		NicFixture::TearDown();
	}

	Gate gate_;
};

TEST_F(NicTimeout, EndsOperationsOfTheNic)
{
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(10000, 1);
	nic_.hold();
	ASSERT_EQ(submit(kCommit, data.data(), data.size(), 64, key_), 0);
	ASSERT_EQ(submit(kRead, data.data(), data.size(), 64, key_), 0);
	expect_timed_out(wait());
	expect_timed_out(wait());
	nic_.release();
	ASSERT_EQ(submit(kCommit, data.data(), data.size(), 64, key_), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(64, data.size()), data);
}

/* The NIC answers, and the service does not. */
TEST_F(NicTimeout, IsNotPutOffByWhatCompletesBehind)
{
	FakeMedium *medium = add_medium(kDmp);
	gate_.guard(medium);
	open_region(medium);
	uint64_t value = 3;
	std::vector<uint8_t> data(10000, 1);
	gate_.close();
	ASSERT_EQ(
		submit({true, Level::commit, false, true}, &value, 8, 0, key_),
		0);
	gate_.wait();
	auto deadline = Clock::now() + kPatience;
	bool given_up = false;
	while (!given_up && Clock::now() < deadline) {
		static_cast<void>(try_submit(kRead, data.data(), data.size(),
					     4096, key_));
		initiator_->progress();
		for (const OpResult &result : owner_.results)
			given_up |= result.failure.err == FI_ETIMEDOUT;
		owner_.results.clear();
	}
	EXPECT_TRUE(given_up);
}

} // namespace

} // namespace ofi_pmem::test
