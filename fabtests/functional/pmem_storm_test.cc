/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Same-address storms: one initiator mixes inline and one-sided writes,
 * commits, injects, reads and drains on a few small windows, many in flight.
 * With FI_ORDER_WAW and FI_ORDER_RAW the outcome must be that of a sequential
 * model. A write may overtake an earlier read (no FI_ORDER_WAR), so a read may
 * also see writes posted after it.
 *
 * PMEM_STORM_OPS (3000) and PMEM_STORM_SEED (random) choose other runs.
 */
#include "common/initiator.hh"
#include "common/random.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 64 << 10;
constexpr size_t kWindowLen = 12 << 10;
constexpr uint64_t kWindows[] = {5, 7000, 40001};
constexpr size_t kDepth = 32;

/* rxm's default, which main() would make smaller: then injects cross the
 * inline limit too. Before main(), as its processes inherit it. */
const int kRxmBuffer = setenv("FI_OFI_RXM_BUFFER_SIZE", "16384", 0);

struct Slot {
	fi_context2 context{}; /* first: completions carry its address */
	std::unique_ptr<LocalBuffer> buffer;
	bool busy = false;
	bool reading = false;
	uint64_t offset = 0;
	size_t len = 0;
	Bytes expected; /* of a read: the model when it was posted */
	/* Position and value of bytes that later writes may have put there. */
	std::vector<std::pair<uint64_t, uint8_t>> later;
};

class Storm
{
public:
	Storm(Initiator *initiator, const RemoteRegion &region, uint64_t seed)
		: initiator_(*initiator), region_(region), random_(seed),
		  model_(kRegionLen), slots_(kDepth)
	{
		for (Slot &slot : slots_)
			slot.buffer = std::make_unique<LocalBuffer>(
				initiator_.node(), kWindowLen);
	}

	void run(uint64_t ops);
	const Bytes &model() const { return model_; }

private:
	void step(Slot *slot);
	void choose_range(Slot *slot, size_t max_len);
	void fill(Slot *slot);
	void read(Slot *slot);
	void write(Slot *slot, uint64_t flags);
	void inject(Slot *slot);
	void drain(Slot *slot);
	void poll();
	void finish(Slot *slot);
	Slot *idle_slot();

	Initiator &initiator_;
	RemoteRegion region_;
	Random random_;
	Bytes model_;
	std::vector<Slot> slots_;
	uint64_t writes_ = 0;
};

void Storm::choose_range(Slot *slot, size_t max_len)
{
	size_t limit =
		random_.below(2) ? max_len : std::min<size_t>(max_len, 100);
	slot->len = random_.between(1, limit);
	slot->offset = kWindows[random_.below(3)] +
		       random_.below(kWindowLen - slot->len + 1);
}

/* Puts new contents into the buffer and the model. */
void Storm::fill(Slot *slot)
{
	Bytes contents = pattern(++writes_, slot->len);
	std::copy(contents.begin(), contents.end(), slot->buffer->data());
	std::copy(contents.begin(), contents.end(),
		  model_.begin() + static_cast<long>(slot->offset));
	for (Slot &other : slots_) {
		if (!other.busy || !other.reading)
			continue;
		uint64_t low = std::max(other.offset, slot->offset);
		uint64_t high = std::min(other.offset + other.len,
					 slot->offset + slot->len);
		for (uint64_t at = low; at < high; at++)
			other.later.emplace_back(at, model_[at]);
	}
}

void Storm::read(Slot *slot)
{
	choose_range(slot, kWindowLen);
	auto begin = model_.begin() + static_cast<long>(slot->offset);
	slot->expected.assign(begin, begin + static_cast<long>(slot->len));
	slot->later.clear();
	slot->reading = true;
	slot->busy = true;
	LocalBuffer &buffer = *slot->buffer;
	std::fill(buffer.bytes.begin(), buffer.bytes.end(), uint8_t{0xee});
	check(initiator_.post([&] {
		return fi_read(initiator_.ep(), buffer.data(), slot->len,
			       buffer.desc(), initiator_.peer(),
			       region_.base + slot->offset, region_.key,
			       &slot->context);
	}),
	      "fi_read");
}

void Storm::write(Slot *slot, uint64_t flags)
{
	choose_range(slot, random_.below(2) ? kWindowLen : 4096);
	fill(slot);
	slot->busy = true;
	check(initiator_.write(region_, slot->offset, *slot->buffer, 0,
			       slot->len, flags | FI_COMPLETION,
			       &slot->context),
	      "fi_writemsg");
}

void Storm::inject(Slot *slot)
{
	size_t limit = initiator_.node().info->tx_attr->inject_size;
	choose_range(slot, std::min<size_t>(limit, kWindowLen));
	fill(slot);
	check(initiator_.post([&] {
		return fi_inject_write(initiator_.ep(), slot->buffer->data(),
				       slot->len, initiator_.peer(),
				       region_.base + slot->offset,
				       region_.key);
	}),
	      "fi_inject_write");
	std::fill_n(slot->buffer->data(), slot->len, uint8_t{0xdd});
}

void Storm::drain(Slot *slot)
{
	slot->busy = true;
	check(initiator_.drain(region_, &slot->context), "a drain");
}

void Storm::step(Slot *slot)
{
	slot->reading = false;
	uint64_t kind = random_.below(20);
	if (kind < 5)
		read(slot);
	else if (kind < 8)
		inject(slot);
	else if (kind < 14)
		write(slot, 0);
	else if (kind < 17)
		write(slot, FI_COMMIT_COMPLETE);
	else if (kind < 19)
		write(slot, kFencedCommit);
	else
		drain(slot);
}

void Storm::finish(Slot *slot)
{
	slot->busy = false;
	if (!slot->reading)
		return;
	const Bytes &got = slot->buffer->bytes;
	for (size_t i = 0; i < slot->len; i++) {
		std::pair<uint64_t, uint8_t> found(slot->offset + i, got[i]);
		if (got[i] == slot->expected[i] ||
		    std::count(slot->later.begin(), slot->later.end(), found))
			continue;
		throw std::runtime_error(
			"a read of " + std::to_string(slot->len) +
			" bytes at " + std::to_string(slot->offset) +
			" differs from the model at byte " + std::to_string(i));
	}
}

void Storm::poll()
{
	Completion completion;
	initiator_.completions().poll();
	while (initiator_.completions().take(&completion)) {
		check(-completion.err, completion.text.c_str());
		finish(static_cast<Slot *>(completion.context));
	}
}

Slot *Storm::idle_slot()
{
	for (Slot &slot : slots_) {
		if (!slot.busy)
			return &slot;
	}
	return nullptr;
}

void Storm::run(uint64_t ops)
{
	for (uint64_t i = 0; i < ops; i++) {
		Deadline deadline;
		Slot *slot;
		while (!(slot = idle_slot())) {
			poll();
			deadline.spin("no operation completes");
		}
		step(slot);
		/* Sometimes everything queues up, sometimes nothing does. */
		if (!random_.below(4))
			poll();
	}
	Deadline deadline;
	auto busy = [](const Slot &slot) { return slot.busy; };
	while (std::any_of(slots_.begin(), slots_.end(), busy)) {
		poll();
		deadline.spin("operations outstanding at the end");
	}
}

class PmemStorm : public testing::TestWithParam<Setup>
{
};

TEST_P(PmemStorm, AgreesWithASequentialModel)
{
	uint64_t seed = choose_seed("PMEM_STORM_SEED");
	SCOPED_TRACE("PMEM_STORM_SEED=" + std::to_string(seed));
	RegionFile file(kRegionLen);
	Target target(GetParam().stack, GetParam().memory);
	RemoteRegion region = target.add_file(file.path(), kRegionLen);
	NodeOptions options;
	options.stack = GetParam().stack;
	options.msg_order = FI_ORDER_RAW | FI_ORDER_WAW;
	Initiator initiator(options);
	target.connect(initiator.node());
	Storm storm(&initiator, region, seed);
	storm.run(env_number("PMEM_STORM_OPS", 3000));

	EXPECT_EQ(difference(initiator.read_and_wait(region, 0, kRegionLen),
			     storm.model()),
		  "");
	initiator.drain_and_wait(region);
	EXPECT_EQ(target.peek(region, 0, kRegionLen),
		  hash(storm.model().data(), kRegionLen));
	target.kill();
	EXPECT_EQ(difference(file.read(), storm.model()), "");
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemStorm, testing::ValuesIn(setups()),
			 CaseName());

} // namespace
