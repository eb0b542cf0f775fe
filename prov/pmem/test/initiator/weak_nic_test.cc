/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a completion promises, on a NIC that is as weak as it
 * may be. Here a method that relies on more than InfiniBand and PCIe promise
 * loses data; on Soft-RoCE, which places everything at once, this would go
 * unnoticed.
 *
 * WEAK_NIC_SEEDS (50) is the number of runs of each, WEAK_NIC_SEED the first.
 */
#include "fixture/env_number.hh"
#include "fixture/nic_fixture.hh"

#include <atomic>
#include <unordered_map>

namespace ofi_pmem::test
{

namespace
{

/* A region, and how it was opened. */
struct Target {
	FakeMedium *medium;
	uint64_t key;
};

class WeakNic : public NicFixture
{
protected:
	/* Calls `run` on a new channel for each seed. */
	template <typename Run> void for_each_seed(Run run)
	{
		uint64_t first = env_number("WEAK_NIC_SEED", 1);
		uint64_t count = env_number("WEAK_NIC_SEEDS", 50);
		for (uint64_t seed = first; seed < first + count; seed++) {
			SCOPED_TRACE("WEAK_NIC_SEED=" + std::to_string(seed));
			random_.seed(seed);
			channels_ = std::make_unique<ChannelTable>(
				initiator_.get(), &owner_);
			channels_->open(256);
			nic_.be_weak(seed);
			run();
			if (HasFailure())
				return;
			channels_.reset();
			owner_.results.clear();
			kept_.clear();
		}
	}

	Target open_target(PersistenceDomain domain, Granularity granularity)
	{
		FakeMedium *medium = add_medium(domain);
		medium->granularity = granularity;
		open_key(medium);
		return {medium, key_};
	}

	uint64_t below(uint64_t bound) { return random_() % bound; }

	std::mt19937_64 random_;
};

/* Random operations against what has been promised of them. */
class WeakNicStorm : public WeakNic
{
protected:
	static constexpr size_t kArea = 1 << 16;

	struct Op {
		Call call;
		size_t target;
		uint64_t offset;
		Bytes data;
		size_t flushed = 0; /* length of a flush, which has no data */
		enum class State {
			running,
			succeeded,
			failed
		} state = State::running;
	};

	void storm(size_t count)
	{
		for (const Target &target : targets_)
			clear(target);
		ops_.clear();
		by_buffer_.clear();
		while (ops_.size() < count || running()) {
			if (ops_.size() < count && running() < 12)
				begin();
			initiator_->progress();
			take_results();
			if (HasFailure())
				return;
		}
	}

	Op random_op()
	{
		Op op;
		uint64_t kind = below(10);
		if (!below(6))
			return random_flush();
		op.call.level = kind < 4   ? Level::commit
				: kind < 5 ? Level::delivery
					   : Level::transmit;
		op.call.fence = !below(4);
		op.call.inject = !below(6);
		op.call.checked = !below(3);
		op.call.more = !below(3);
		op.target = below(targets_.size());
		size_t len = below(8) ? 1 + below(600) : 1 + below(20000);
		if (op.call.inject)
			len = 1 + below(64);
		op.offset = below(kArea - len);
		if (!below(3)) {
			len = 8;
			op.offset &= ~7ULL;
		}
		op.data.resize(len);
		for (uint8_t &byte : op.data)
			byte = static_cast<uint8_t>(1 + below(255));
		return op;
	}

	/* Covers a range, its region, or everything. */
	Op random_flush()
	{
		Op op;
		op.call.level = Level::commit;
		op.call.flush = static_cast<FlushScope>(1 + below(3));
		op.call.fence = op.call.flush == FlushScope::everything;
		op.call.checked = below(2);
		op.target = below(targets_.size());
		op.flushed = 1 + below(20000);
		op.offset = below(kArea - op.flushed);
		return op;
	}

	void begin()
	{
		if (failures_ && !below(40))
			nic_.fail_next(
				below(2) ? OneSided::Kind::flush_persistent
					 : OneSided::Kind::write);
		Op op = random_op();
		void *buffer = keep(op.data.empty() ? Bytes(1) : op.data);
		ssize_t ret = submit(op.call, buffer,
				     std::max(op.data.size(), op.flushed),
				     op.offset, targets_[op.target].key);
		/* A call that was refused is a failure that was reported. */
		if (ret) {
			op.state = Op::State::failed;
			EXPECT_TRUE(failures_) << "refused: " << ret;
		}
		by_buffer_[buffer] = ops_.size();
		ops_.push_back(std::move(op));
	}

	size_t running() const
	{
		return static_cast<size_t>(std::count_if(
			ops_.begin(), ops_.end(), [](const Op &op) {
				return op.state == Op::State::running;
			}));
	}

	void take_results()
	{
		while (!owner_.results.empty()) {
			OpResult result = owner_.results.front();
			owner_.results.pop_front();
			size_t index = by_buffer_.at(result.context);
			Op &op = ops_[index];
			if (result.failure) {
				op.state = Op::State::failed;
				EXPECT_TRUE(failures_)
					<< "operation " << index << ": "
					<< cause_text(prov_errno_of(
						   result.failure.cause));
				continue;
			}
			op.state = Op::State::succeeded;
			if (op.call.level != Level::commit)
				continue;
			check(index);
			if (op.call.fence)
				check_before(index);
			else if (op.flushed)
				check_flushed(index);
		}
	}

	/* Up to the last fenced commit or flush that reported a loss. */
	void check_before(size_t fence)
	{
		for (size_t i = fence; i--;) {
			const Op &op = ops_[i];
			bool reports =
				op.flushed || (op.call.fence &&
					       op.call.level == Level::commit);
			if (op.state == Op::State::failed && reports)
				return;
			if (op.state == Op::State::succeeded)
				check(i);
		}
	}

	/*
	 * Checks the writes before the flush that it covers, in the same way.
	 */
	void check_flushed(size_t flush)
	{
		const Op &covers = ops_[flush];
		uint64_t begin = covers.offset;
		uint64_t end = begin + covers.flushed;
		if (covers.call.flush == FlushScope::regions) {
			begin = 0;
			end = kArea;
		}
		for (size_t i = flush; i--;) {
			const Op &op = ops_[i];
			if (op.state == Op::State::failed)
				return;
			if (op.target == covers.target &&
			    op.state == Op::State::succeeded)
				check(i, begin, end);
		}
	}

	/* Its bytes are durable, or those of a later operation. */
	void check(size_t index, uint64_t begin = 0, uint64_t end = kArea)
	{
		const Op &op = ops_[index];
		FakeMedium *medium = targets_[op.target].medium;
		std::lock_guard guard(medium->mutex);
		for (size_t i = 0; i < op.data.size(); i++) {
			uint64_t at = op.offset + i;
			if (at < begin || at >= end)
				continue;
			uint8_t found = medium->durable[at];
			if (found == op.data[i] ||
			    written_later(index, at, found))
				continue;
			ADD_FAILURE() << "operation " << index << " of "
				      << ops_.size() << ", byte " << i << " of "
				      << op.data.size();
			return;
		}
	}

	bool written_later(size_t index, uint64_t at, uint8_t value) const
	{
		for (size_t i = index + 1; i < ops_.size(); i++) {
			const Op &op = ops_[i];
			if (op.target == ops_[index].target &&
			    at >= op.offset &&
			    at - op.offset < op.data.size() &&
			    op.data[at - op.offset] == value)
				return true;
		}
		return false;
	}

	static void clear(const Target &target)
	{
		std::lock_guard guard(target.medium->mutex);
		for (auto *bytes :
		     {&target.medium->visible, &target.medium->durable})
			std::fill(bytes->begin(), bytes->begin() + kArea, 0);
	}

	std::vector<Target> targets_;
	bool failures_ = false;
	std::vector<Op> ops_;
	std::unordered_map<void *, size_t> by_buffer_;
};

/* Records, and pointers to them that must never be durable before them. */
class WeakNicLog : public WeakNic
{
protected:
	static constexpr size_t kRecord = 512;
	static constexpr size_t kRecords = 12;

	void log(const Target &records, const Target &pointers,
		 uint64_t pointer_at)
	{
		clear(records.medium);
		clear(pointers.medium);
		watch(records, pointers, pointer_at);
		for (uint64_t i = 1; i <= kRecords; i++) {
			write_record(records, i);
			Bytes pointer(8);
			std::memcpy(pointer.data(), &i, 8);
			ASSERT_EQ(submit({true, Level::commit, true, false},
					 keep(pointer), 8, pointer_at,
					 pointers.key),
				  0);
		}
		for (size_t left = 2 * kRecords; left; left--)
			ASSERT_FALSE(wait().failure);
		nic_.watch(nullptr);
		EXPECT_EQ(lost_, 0u) << "a pointer to record " << lost_
				     << " was durable before it";
	}

	void write_record(const Target &records, uint64_t i)
	{
		Call call;
		call.inject = !below(4);
		size_t len = call.inject ? 64 : kRecord;
		Bytes record(len, static_cast<uint8_t>(i));
		ASSERT_EQ(submit(call, keep(record), len, i * kRecord,
				 records.key),
			  0);
	}

	void watch(const Target &records, const Target &pointers,
		   uint64_t pointer_at)
	{
		lost_ = 0;
		nic_.watch([=] {
			uint64_t last = 0;
			{
				std::lock_guard guard(pointers.medium->mutex);
				std::memcpy(
					&last,
					&pointers.medium->durable[pointer_at],
					8);
			}
			std::lock_guard guard(records.medium->mutex);
			for (uint64_t i = 1; i <= last; i++) {
				if (records.medium->durable[i * kRecord] != i)
					lost_ = i;
			}
		});
	}

	static void clear(FakeMedium *medium)
	{
		std::lock_guard guard(medium->mutex);
		for (auto *bytes : {&medium->visible, &medium->durable})
			std::fill(bytes->begin(), bytes->end(), 0);
	}

	std::atomic<uint64_t> lost_{0};
};

constexpr auto kLine = Granularity::cache_line;
constexpr auto kPage = Granularity::page;

} // namespace

/* Tests the model itself: a NIC and the service write back the same line. */
TEST(FakeMedium, NewerBytesAreNotUndoneByTheDrainOfAnOlderFlush)
{
	FakeMedium medium(64);
	FakeBackend backend(&medium);
	ASSERT_EQ(backend.store(0, "older", 5), 0);
	ASSERT_EQ(backend.flush(0, 5), 0);
	ASSERT_EQ(backend.store(2, "NEW", 3), 0);
	medium.evict(2, 3);
	ASSERT_EQ(backend.drain(), 0);
	EXPECT_EQ(std::memcmp(medium.durable.data(), "olNEW", 5), 0);
}

TEST(FakeMedium, FlushByTheNicDoesNotReachTheCaches)
{
	FakeMedium medium(128);
	FakeBackend backend(&medium);
	medium.place(3, {'n', 'i', 'c'});
	medium.place(64, {'f', 'a', 'r'});
	/* The CPU stores into the line of the former. */
	ASSERT_EQ(backend.store(0, "cpu", 3), 0);
	medium.flush_by_nic(0, 128);
	EXPECT_EQ(std::memcmp(medium.durable.data(), "\0\0\0\0\0\0", 6), 0);
	EXPECT_EQ(std::memcmp(&medium.durable[64], "far", 3), 0);
	ASSERT_EQ(backend.flush(0, 3), 0);
	ASSERT_EQ(backend.drain(), 0);
	EXPECT_EQ(std::memcmp(medium.durable.data(), "cpunic", 6), 0);
	/* The NIC's own writes get it out of there. */
	ASSERT_EQ(backend.store(0, "CPU", 3), 0);
	medium.place(3, {'N', 'I', 'C'});
	medium.flush_by_nic(0, 6);
	EXPECT_EQ(std::memcmp(medium.durable.data(), "CPUNIC", 6), 0);
}

TEST_F(WeakNicStorm, Native)
{
	targets_ = {open_target(kDmp, kLine)};
	for_each_seed([&] { storm(60); });
}

TEST_F(WeakNicStorm, NativeAndMessage)
{
	targets_ = {open_target(kDmp, kLine), open_target(kDmp, kPage)};
	for_each_seed([&] { storm(60); });
}

TEST_F(WeakNicStorm, NativeWithFailures)
{
	failures_ = true;
	targets_ = {open_target(kDmp, kLine), open_target(kDmp, kPage)};
	for_each_seed([&] { storm(60); });
}

TEST_F(WeakNicStorm, ShortSendQueue)
{
	nic_.capacity = 3;
	nic_.traits.max_chain = 2;
	targets_ = {open_target(kDmp, kLine), open_target(kDmp, kPage)};
	for_each_seed([&] { storm(60); });
}

TEST_F(WeakNicLog, PointerByAtomicWrite)
{
	Target native = open_target(kDmp, kLine);
	for_each_seed([&] { log(native, native, 65536); });
}

TEST_F(WeakNicLog, PointerByRequest)
{
	nic_.traits.atomic_write = false;
	Target native = open_target(kDmp, kLine);
	for_each_seed([&] { log(native, native, 65536); });
}

TEST_F(WeakNicLog, RecordsAndPointersOfTwoMethods)
{
	Target native = open_target(kDmp, kLine);
	Target page = open_target(kDmp, kPage);
	for_each_seed([&] { log(native, page, 65536); });
	for_each_seed([&] { log(page, native, 65536); });
}

} // namespace ofi_pmem::test
