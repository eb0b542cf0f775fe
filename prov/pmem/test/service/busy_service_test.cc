/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A service that is never idle, and of which every drain takes long, as of a
 * file on a busy disk: new channels are accepted all the same.
 */
#include "fixture/plane_fixture.hh"

#include <atomic>
#include <thread>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

constexpr auto kSync = std::chrono::milliseconds(4);

class BusyService : public PlaneFixture
{
protected:
	/* One fenced commit after the other, two at a time. */
	void keep_busy(uint64_t key)
	{
		static uint64_t word = 1;
		while (posted_ - owner_.results.size() < 2) {
			ssize_t ret = try_submit(kFencedCommit, &word,
						 sizeof(word), 0, key);
			if (ret == -FI_EAGAIN)
				break;
			ASSERT_EQ(ret, 0);
			posted_++;
		}
		initiator_->progress();
	}

	/* A second initiator writes once, over a channel of its own. */
	void write_by_another(uint64_t key)
	{
		Initiator another(*transport_, initiator_key());
		ASSERT_EQ(another.open(false), 0);
		RecordingOwner owner;
		auto channels =
			std::make_unique<ChannelTable>(&another, &owner);
		channels->open(16);
		uint64_t value = 2;
		iovec iov{&value, sizeof(value)};
		fi_rma_iov rma{kBase + 4096, sizeof(value), key};
		fi_msg_rma msg{};
		msg.msg_iov = &iov;
		msg.iov_count = 1;
		msg.rma_iov = &rma;
		msg.rma_iov_count = 1;
		OpRequest request =
			OpRequest::write(msg).at(Level::delivery).report();
		bool taken = false;
		auto deadline = Clock::now() + kPatience;
		while (owner.results.empty() && Clock::now() < deadline) {
			ssize_t ret = taken ? 0 : channels->submit(request, 0);
			taken = !ret;
			ASSERT_TRUE(taken || ret == -FI_EAGAIN) << ret;
			another.progress();
			keep_busy(key);
		}
		EXPECT_EQ(owner.results.size(), 1u);
	}

	uint64_t posted_ = 0;
};

} // namespace

TEST_F(BusyService, AcceptsChannelsBetweenSlowDrains)
{
	constexpr int kChannels = 5;
	std::atomic<int> calls{0};
	media_.emplace_back(kRegionLen);
	media_.back().after_call = [&] {
		calls++;
		std::this_thread::sleep_for(kSync);
	};
	uint64_t key = add_region(&media_.back());
	while (owner_.results.empty())
		keep_busy(key);
	calls = 0;
	for (int i = 0; i < kChannels; i++)
		write_by_another(key);
	/*
	 * These are fewer than one in 64 rounds of the service, each of two
	 * calls or more.
	 */
	EXPECT_LT(calls, kChannels * 64);
	while (owner_.results.size() < posted_)
		initiator_->progress();
}
