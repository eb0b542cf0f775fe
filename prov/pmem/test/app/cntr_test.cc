/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/cntr.hh"

#include "fixture/app_fixture.hh"

#include <atomic>
#include <thread>

namespace ofi_pmem
{

namespace
{

class CounterTest : public AppTest
{
protected:
	void open(uint64_t caps)
	{
		open_domain(caps);
		fi_cntr_attr attr{};
		ASSERT_EQ(fi_cntr_open(domain, &attr, &cntr, nullptr), 0);
		inner = inner_domain->cntr;
	}

	void TearDown() override
	{
		if (cntr) {
			EXPECT_EQ(fi_close(&cntr->fid), 0);
		}
		AppTest::TearDown();
	}

	Counter *outer() { return static_cast<Counter *>(cntr); }

	void expect_inner_untouched()
	{
		EXPECT_EQ(fake::Recorded<&fi_ops_cntr::add>::calls, 0);
		EXPECT_EQ(fake::Recorded<&fi_ops_cntr::set>::calls, 0);
		EXPECT_EQ(fake::Recorded<&fi_ops_cntr::adderr>::calls, 0);
		EXPECT_EQ(fake::Recorded<&fi_ops_cntr::seterr>::calls, 0);
		EXPECT_EQ(fake::Recorded<&fi_ops_cntr::wait>::calls, 0);
	}

	fid_cntr *cntr = nullptr;
	fake::Counter *inner = nullptr;
};

TEST_F(CounterTest, ValueIsTheSumOfBothPlanes)
{
	open(kPersistent);
	inner->value = 5;
	outer()->plane().add_own(2);
	EXPECT_EQ(fi_cntr_read(cntr), 7u);
	inner->errors = 1;
	outer()->plane().add_own_error(3);
	EXPECT_EQ(fi_cntr_readerr(cntr), 4u);
}

TEST_F(CounterTest, SettingLeavesTheInnerCounterAlone)
{
	open(kPersistent);
	inner->value = 5;
	EXPECT_EQ(fi_cntr_set(cntr, 2), 0);
	EXPECT_EQ(fi_cntr_read(cntr), 2u);
	inner->value = 6;
	EXPECT_EQ(fi_cntr_read(cntr), 3u);
	EXPECT_EQ(fi_cntr_add(cntr, 10), 0);
	EXPECT_EQ(fi_cntr_read(cntr), 13u);

	inner->errors = 4;
	EXPECT_EQ(fi_cntr_seterr(cntr, 0), 0);
	EXPECT_EQ(fi_cntr_readerr(cntr), 0u);
	EXPECT_EQ(fi_cntr_adderr(cntr, 1), 0);
	EXPECT_EQ(fi_cntr_readerr(cntr), 1u);
	expect_inner_untouched();
}

TEST_F(CounterTest, WaitReturnsWhenTheSumIsReached)
{
	open(kPersistent);
	inner->value = 1;
	std::thread adder([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
		outer()->plane().add_own(1);
	});
	EXPECT_EQ(fi_cntr_wait(cntr, 2, -1), 0);
	adder.join();
	expect_inner_untouched();
}

TEST_F(CounterTest, WaitTimesOut)
{
	open(kPersistent);
	Deadline deadline(20);
	EXPECT_EQ(fi_cntr_wait(cntr, 1, 20), -FI_ETIMEDOUT);
	EXPECT_EQ(deadline.left_ms(), 0);
	EXPECT_EQ(fi_cntr_wait(cntr, 1, 0), -FI_ETIMEDOUT);
	EXPECT_EQ(fi_cntr_wait(cntr, 0, 0), 0);
}

TEST_F(CounterTest, ErrorEndsTheWait)
{
	open(kPersistent);
	outer()->plane().add_own_error(1);
	std::atomic<bool> ended{false};
	/* More than once: the first may come before the wait has begun. */
	std::thread adder([&] {
		while (!ended) {
			std::this_thread::sleep_for(
				std::chrono::milliseconds(20));
			outer()->plane().add_own_error(1);
		}
	});
	EXPECT_EQ(fi_cntr_wait(cntr, 1, -1), -FI_EAVAIL);
	ended = true;
	adder.join();
}

TEST_F(CounterTest, PlainCounterIsTheInnerCounter)
{
	open(kPlain);
	inner->value = 3;
	EXPECT_EQ(fi_cntr_read(cntr), 3u);
	EXPECT_EQ(fi_cntr_add(cntr, 1), 0);
	EXPECT_EQ(fake::Recorded<&fi_ops_cntr::add>::calls, 1);
	EXPECT_EQ(fi_cntr_wait(cntr, 9, 7), 0);
	EXPECT_EQ(fake::Recorded<&fi_ops_cntr::wait>::calls, 1);
}

/* The progress of this source finds a failed operation. */
class FailureFound : public ProgressSource
{
public:
	void progress() noexcept override
	{
		if (counter && !found_++)
			counter->plane().add_own_error(1);
	}
	int wait_fd() const noexcept override { return -1; }
	int trywait() noexcept override { return 0; }

	Counter *counter = nullptr;

private:
	int found_ = 0;
};

TEST_F(CounterTest, ReadingErrorsAloneMakesProgress)
{
	FailureFound source;
	open_domain(kPersistent);
	static_cast<Domain *>(domain)->set_progress_source(&source);
	fi_cntr_attr attr{};
	ASSERT_EQ(fi_cntr_open(domain, &attr, &cntr, nullptr), 0);
	source.counter = outer();
	EXPECT_EQ(fi_cntr_readerr(cntr), 1u);
}

/* With tcp, too, the counter can be waited for and has no descriptor. */
TEST_F(CounterTest, DescriptorIsAsGoodAsTheInnerProviders)
{
	open_domain(kPersistent);
	fi_cntr_attr attr{};
	attr.wait_obj = FI_WAIT_FD;
	ASSERT_EQ(fi_cntr_open(domain, &attr, &cntr, nullptr), 0);
	int fd = -1;
	EXPECT_EQ(fi_control(&cntr->fid, FI_GETWAIT, &fd), -FI_ENOSYS);
	EXPECT_EQ(fi_cntr_wait(cntr, 1, 5), -FI_ETIMEDOUT);
	outer()->plane().add_own(1);
	EXPECT_EQ(fi_cntr_wait(cntr, 1, -1), 0);
}

TEST_F(CounterTest, YieldingWaitersAreWhatTheyWaitAs)
{
	open_domain(kPersistent);
	fi_cntr_attr attr{};
	attr.wait_obj = FI_WAIT_YIELD;
	ASSERT_EQ(fi_cntr_open(domain, &attr, &cntr, nullptr), 0);
	EXPECT_EQ(fi_cntr_wait(cntr, 1, 5), -FI_ETIMEDOUT);
}

TEST_F(CounterTest, OtherWaitObjectsAreRefusedInPersistentDomains)
{
	open_domain(kPersistent);
	fi_cntr_attr attr{};
	attr.wait_obj = FI_WAIT_MUTEX_COND;
	EXPECT_EQ(fi_cntr_open(domain, &attr, &cntr, nullptr), -FI_ENOSYS);
}

} // namespace

} // namespace ofi_pmem
