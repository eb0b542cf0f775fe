/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A service of several threads: what they do beside each other, and what they
 * must not.
 */
#include "fixture/raw_peer.hh"
#include "fixture/raw_service.hh"

#include <condition_variable>
#include <future>
#include <set>
#include <thread>

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kThreads = 4;

/* Stops one thread of the service inside a call of a backend. */
class Stop
{
public:
	/* The next thread that comes here stops, and others pass, until
	 * release(). */
	void pass()
	{
		std::unique_lock lock(mutex_);
		if (!armed_)
			return;
		armed_ = false;
		stopped_ = true;
		changed_.notify_all();
		changed_.wait(lock, [this] { return !stopped_; });
	}
	void arm()
	{
		std::lock_guard lock(mutex_);
		armed_ = true;
	}
	void await_stopped()
	{
		std::unique_lock lock(mutex_);
		changed_.wait(lock, [this] { return stopped_; });
	}
	void release()
	{
		std::lock_guard lock(mutex_);
		stopped_ = armed_ = false;
		changed_.notify_all();
	}
	bool stopped()
	{
		std::lock_guard lock(mutex_);
		return stopped_;
	}

private:
	std::mutex mutex_;
	std::condition_variable changed_;
	bool armed_ = false;
	bool stopped_ = false;
};

class ServiceThreads : public PlaneFixture
{
protected:
	ServiceThreads() : PlaneFixture(kThreads) {}

	void SetUp() override
	{
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kRegionLen);
		medium_->after_call = [this] { stop_.pass(); };
		key_ = add_region(medium_);
	}
	void TearDown() override
	{
		stop_.release();
		PlaneFixture::TearDown();
	}

	/* Connects a peer, whom the thread with the fewest channels serves. */
	RawPeer &add_peer(uint64_t name = 0)
	{
		peers_.push_back(std::make_unique<RawPeer>(*transport_,
							   service_->port()));
		peers_.back()->greet(name);
		return *peers_.back();
	}

	/* A durable write of one word. */
	static std::vector<uint8_t> write_of(uint64_t key, uint64_t sequence,
					     uint64_t word)
	{
		auto write = wire::make<wire::Write>(
			sequence, sequence, wire::kFlush | wire::kCommit,
			sizeof(word));
		write.token = Key(key).token();
		auto bytes = bytes_of(write);
		auto payload = bytes_of(word);
		bytes.insert(bytes.end(), payload.begin(), payload.end());
		return bytes;
	}
	static void send_word(RawPeer *peer, uint64_t key, uint64_t sequence,
			      uint64_t word)
	{
		auto bytes = write_of(key, sequence, word);
		peer->send(bytes.data(), bytes.size());
	}
	/* Has one word incremented. */
	static void send_increment(RawPeer *peer, uint64_t key,
				   uint64_t sequence)
	{
		const uint64_t one = 1;
		auto atomic = wire::make<wire::Atomic>(sequence, sequence, 0,
						       sizeof(wire::Range) +
							       sizeof(one));
		atomic.datatype = FI_UINT64;
		atomic.op = FI_SUM;
		atomic.range_count = 1;
		wire::Range range{};
		range.token = Key(key).token();
		range.length = sizeof(one);
		auto bytes = bytes_of(atomic);
		for (const auto &part : {bytes_of(range), bytes_of(one)})
			bytes.insert(bytes.end(), part.begin(), part.end());
		peer->send(bytes.data(), bytes.size());
	}
	void expect_written(RawPeer *peer, uint64_t sequence)
	{
		send_word(peer, key_, sequence, sequence);
		EXPECT_EQ(peer->receive_ack().status, 0);
	}
	uint64_t word()
	{
		std::lock_guard guard(medium_->mutex);
		uint64_t value;
		std::memcpy(&value, medium_->visible.data(), sizeof(value));
		return value;
	}

	Stop stop_;
	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	std::deque<std::unique_ptr<RawPeer>> peers_;
};

} // namespace

TEST_F(ServiceThreads, EachServesSomeChannels)
{
	std::mutex mutex;
	std::set<std::thread::id> threads;
	medium_->after_call = [&] {
		std::lock_guard guard(mutex);
		threads.insert(std::this_thread::get_id());
	};
	for (size_t i = 0; i < 2 * kThreads; i++)
		expect_written(&add_peer(), 1);
	EXPECT_EQ(threads.size(), kThreads);
}

TEST_F(ServiceThreads, ThatIsBusyKeepsNoOtherWaiting)
{
	RawPeer &busy = add_peer();
	RawPeer &other = add_peer();
	stop_.arm();
	send_word(&busy, key_, 1, 1);
	stop_.await_stopped();
	for (uint64_t sequence = 1; sequence < 10; sequence++)
		expect_written(&other, sequence);
	EXPECT_TRUE(stop_.stopped());
	stop_.release();
	EXPECT_EQ(busy.receive_ack().status, 0);
}

TEST_F(ServiceThreads, FinishWithARegionBeforeItIsRemoved)
{
	add_peer();
	RawPeer &busy = add_peer();
	stop_.arm();
	send_word(&busy, key_, 1, 1);
	stop_.await_stopped();
	auto removal = std::async(std::launch::async, [this] {
		auto removed = table_.remove(Key(key_).token());
		return !stop_.stopped();
	});
	EXPECT_EQ(removal.wait_for(std::chrono::milliseconds(50)),
		  std::future_status::timeout);
	stop_.release();
	EXPECT_TRUE(removal.get());
}

/* An initiator that has connected again may write the same bytes again. */
class ReplacedChannel : public ServiceThreads
{
protected:
	/* The thread of the earlier channel is amid its first write. */
	void SetUp() override
	{
		ServiceThreads::SetUp();
		add_peer(); /* of the thread that accepts */
		earlier_ = &add_peer(7);
		stop_.arm();
	}

	/* The same initiator writes on a channel of another thread. */
	void write_again()
	{
		RawPeer &again = add_peer(7);
		auto release = std::async(std::launch::async, [this] {
			std::this_thread::sleep_for(
				std::chrono::milliseconds(20));
			stop_.release();
		});
		expect_written(&again, 1);
		while (!earlier_->receive().empty())
			;
	}

	RawPeer *earlier_ = nullptr;
};

TEST_F(ReplacedChannel, HasEndedWhatItExecutesBeforeTheOtherBegins)
{
	auto bytes = write_of(key_, 1, 101);
	auto second = write_of(key_, 2, 102);
	bytes.insert(bytes.end(), second.begin(), second.end());
	earlier_->send(bytes.data(), bytes.size());
	stop_.await_stopped();
	write_again();
	EXPECT_EQ(medium_->count("store"), 3U);
	EXPECT_EQ(word(), 1U);
}

TEST_F(ReplacedChannel, ExecutesNothingMore)
{
	send_word(earlier_, key_, 1, 101);
	stop_.await_stopped();
	for (uint64_t sequence = 2; sequence < 5; sequence++)
		send_word(earlier_, key_, sequence, 100 + sequence);
	write_again();
	EXPECT_EQ(medium_->count("store"), 2U);
	EXPECT_EQ(word(), 1U);
}

/* Also through two registrations of the same memory. */
TEST_F(ServiceThreads, AtomicsOfAllAddUp)
{
	const uint64_t keys[] = {key_, add_region(medium_)};
	constexpr uint64_t kEach = 200;
	medium_->after_call = [] { std::this_thread::yield(); };
	for (size_t i = 0; i < kThreads; i++)
		add_peer();
	for (uint64_t sequence = 1; sequence <= kEach; sequence++) {
		for (size_t i = 0; i < kThreads; i++)
			send_increment(peers_[i].get(), keys[i % 2], sequence);
		for (auto &peer : peers_)
			EXPECT_EQ(peer->receive_ack().status, 0);
	}
	EXPECT_EQ(word(), kThreads * kEach);
}

TEST_F(ServiceThreads, FailureOfOneIsTheFailureOfAll)
{
	RawPeer &first = add_peer();
	RawPeer &second = add_peer();
	expect_written(&second, 1);
	medium_->flush_result = -FI_EIO;
	send_word(&first, key_, 1, 1);
	EXPECT_EQ(first.receive_ack().status, FI_EIO);
	medium_->flush_result = 0;
	send_word(&second, key_, 2, 2);
	auto ack = second.receive_ack();
	EXPECT_EQ(ack.status, FI_EIO);
	EXPECT_EQ(ack.cause, static_cast<uint16_t>(Cause::region_poisoned));
	uint64_t token = 0;
	Failure poison;
	EXPECT_TRUE(table_.take_poisoned(&token, &poison));
	EXPECT_EQ(token, Key(key_).token());
	EXPECT_FALSE(table_.take_poisoned(&token, &poison));
}

class LimitedService : public ServiceThreads
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_MAX_CHANNELS", "3");
		ServiceThreads::SetUp();
	}
};

TEST_F(LimitedService, CountsTheChannelsOfAllThreads)
{
	for (int i = 0; i < 3; i++)
		add_peer();
	RawPeer refused(*transport_, service_->port());
	refused.send(RawPeer::hello(wire::kVersion, wire::kVersion));
	EXPECT_TRUE(refused.receive().empty());
	EXPECT_EQ(table_.events().take(DomainEvents::channels), 1U);
	for (auto &peer : peers_)
		expect_written(peer.get(), 1);
}

/* Where the channel of one thread has ended, there is room again. */
TEST_F(ServiceThreads, GiveTheNextChannelToTheThreadWithTheFewest)
{
	std::thread::id served_by;
	medium_->after_call = [&] { served_by = std::this_thread::get_id(); };
	for (size_t i = 0; i < kThreads; i++)
		expect_written(&add_peer(), 1);
	expect_written(peers_[2].get(), 2);
	std::thread::id third = served_by;
	peers_.erase(peers_.begin() + 2);
	/* The service learns of it at its own time. */
	auto deadline = Clock::now() + kPatience;
	std::thread::id next;
	do {
		expect_written(&add_peer(), 1);
		next = served_by;
		if (next != third)
			peers_.pop_back();
	} while (next != third && Clock::now() < deadline);
	EXPECT_EQ(next, third);
}

} // namespace ofi_pmem::test
