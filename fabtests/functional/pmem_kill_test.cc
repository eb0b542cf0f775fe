/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Kill test: a target under simulated power failure is killed by SIGKILL while
 * writes, commits, fenced commits, flushes and drains are in flight. Every byte
 * whose commit or flush completed must be in the file. The moment is chosen by
 * operations posted and polled, not by the clock, so that a seed repeats a run.
 *
 * PMEM_KILL_ROUNDS (200), PMEM_KILL_SEED (random) and PMEM_KILL_MEMORY
 * (powerfail or disk; both) choose other runs. With a mutated plug-in this test
 * must fail: scripts/pmem_mutants_test.sh.
 */
#include "common/initiator.hh"
#include "common/random.hh"

#include <gtest/gtest.h>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 256 << 10;
constexpr size_t kMaxWrite = 24000;
constexpr size_t kMaxOps = 400;

struct Op {
	fi_context2 context{}; /* first: completions carry its address */
	uint64_t offset = 0;
	size_t len = 0;
	uint64_t flags = 0;
	fi_pmem_selectivity flush{}; /* 0: a write, or a drain if empty */
	bool drain_all = false;
	size_t slot = 0;
	bool outstanding = false;
	bool succeeded = false;

	bool writes() const { return !flush && !drain_all; }

	/* Makes durable what was written before. */
	bool flushes() const { return !writes() || flags == kFencedCommit; }
};

/* Detected, or declared by its file: as durable. */
RegionRequest declared(bool declared)
{
	RegionRequest request;
	request.declared = declared;
	return request;
}

Memory choose_memory(Random *random)
{
	bool disk = random->below(2);
	if (const char *only = getenv("PMEM_KILL_MEMORY"))
		disk = only == to_string(Memory::disk);
	return disk ? Memory::disk : Memory::powerfail;
}

class Round
{
public:
	Round(Stack stack, uint64_t seed)
		: random_(seed), seed_(seed), file_(kRegionLen),
		  target_(stack, choose_memory(&random_)),
		  region_(target_.add_file(file_.path(), kRegionLen,
					   declared(random_.below(2)))),
		  initiator_(stack),
		  depth_(random_.below(3) ? random_.between(2, 16) : 1),
		  buffer_(initiator_.node(), depth_ * kMaxWrite)
	{
		target_.connect(initiator_.node());
		ops_.reserve(kMaxOps);
		for (size_t slot = 0; slot < depth_; slot++)
			free_slots_.push_back(slot);
	}

	/* Operates, kills, and awaits the end of everything outstanding. */
	void run();

	/* Empty, or what was lost. */
	std::string lost() const;

	size_t commits() const { return commits_; }

private:
	void choose(Op *op);
	void post();
	void poll();
	ssize_t start(Op *op);
	std::vector<size_t> flushed() const;
	uint8_t value(size_t index, uint64_t position) const;
	bool may_hold(uint64_t position, size_t after, uint8_t found) const;

	Random random_;
	uint64_t seed_;
	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
	size_t depth_;
	LocalBuffer buffer_;
	std::vector<Op> ops_;
	std::vector<size_t> free_slots_;
	size_t commits_ = 0;
	bool killed_ = false;
};

/* Sizes on both sides of the inline limit; half of the writes commit. */
void Round::choose(Op *op)
{
	uint64_t kind = random_.below(24);
	if (!kind) {
		op->flags = kFencedCommit;
		return;
	}
	op->len = random_.below(3) ? random_.between(1, 4096)
				   : random_.between(4097, kMaxWrite);
	op->offset = random_.below(kRegionLen - op->len);
	if (kind > 20) {
		op->flush = kind == 21	 ? FI_PMEM_SELECT_REGIONS
			    : kind == 22 ? FI_PMEM_SELECT_RANGES
					 : fi_pmem_selectivity{};
		op->drain_all = kind == 23;
		return;
	}
	if (kind <= 10)
		op->flags = FI_COMMIT_COMPLETE;
	else if (kind <= 13)
		op->flags = kFencedCommit;
}

void Round::post()
{
	ops_.emplace_back();
	size_t index = ops_.size() - 1;
	Op &op = ops_.back();
	choose(&op);
	op.slot = free_slots_.back();
	free_slots_.pop_back();
	Bytes contents = pattern(seed_ + index, op.len, op.offset);
	std::copy(contents.begin(), contents.end(),
		  buffer_.bytes.begin() +
			  static_cast<long>(op.slot * kMaxWrite));
	op.outstanding = true;
	ssize_t ret = start(&op);
	if (ret < 0)
		throw FabricError("posting before the kill", ret);
}

ssize_t Round::start(Op *op)
{
	if (op->drain_all)
		return initiator_.drain_all(&op->context);
	if (op->flush)
		return initiator_.flush(region_, op->offset, op->len, op->flush,
					&op->context);
	if (!op->len)
		return initiator_.drain(region_, &op->context);
	return initiator_.write(region_, op->offset, buffer_,
				op->slot * kMaxWrite, op->len,
				op->flags | FI_COMPLETION, &op->context);
}

void Round::poll()
{
	Completion completion;
	initiator_.completions().poll();
	while (initiator_.completions().take(&completion)) {
		auto op = static_cast<Op *>(completion.context);
		if (op < ops_.data() || op >= ops_.data() + ops_.size() ||
		    !op->outstanding)
			throw std::runtime_error("completion of nothing");
		op->outstanding = false;
		op->succeeded = !completion.err;
		free_slots_.push_back(op->slot);
		if (completion.err && !killed_)
			throw FabricError("before the kill: " + completion.text,
					  -completion.err);
		if (op->succeeded && (op->flags & FI_COMMIT_COMPLETE))
			commits_++;
	}
}

void Round::run()
{
	size_t wanted = random_.below(60);
	uint64_t more_steps = random_.below(30);
	Deadline deadline;
	while (commits_ < wanted || more_steps--) {
		if (!free_slots_.empty() && ops_.size() < kMaxOps)
			post();
		else
			poll();
		deadline.spin("commits before the kill");
	}
	target_.kill();
	killed_ = true;
	while (free_slots_.size() < depth_) {
		poll();
		deadline.spin("operations outstanding after the kill");
	}
}

/*
 * Returns, for each byte, up to which operation it is durable according to
 * fenced commits, drains and flushes.
 */
std::vector<size_t> Round::flushed() const
{
	std::vector<size_t> until(kRegionLen);
	for (size_t i = 0; i < ops_.size(); i++) {
		const Op &op = ops_[i];
		if (!op.succeeded || !op.flushes())
			continue;
		bool range = op.flush == FI_PMEM_SELECT_RANGES;
		auto begin = until.begin() +
			     static_cast<long>(range ? op.offset : 0);
		std::fill_n(begin, range ? op.len : kRegionLen, i);
	}
	return until;
}

uint8_t Round::value(size_t index, uint64_t position) const
{
	return pattern(seed_ + index, 1, position)[0];
}

/* One of the writes after `after` may have left `found`. */
bool Round::may_hold(uint64_t position, size_t after, uint8_t found) const
{
	for (size_t i = after; i < ops_.size(); i++) {
		const Op &op = ops_[i];
		if (op.writes() && position >= op.offset &&
		    position < op.offset + op.len &&
		    value(i, position) == found)
			return true;
	}
	return false;
}

std::string Round::lost() const
{
	std::vector<size_t> until = flushed();
	/* Bytes as the durable writes left them, and by which (0: none). */
	Bytes wanted(kRegionLen);
	std::vector<size_t> writer(kRegionLen);
	for (size_t i = 0; i < ops_.size(); i++) {
		const Op &op = ops_[i];
		if (!op.writes())
			continue;
		bool committed =
			op.succeeded && (op.flags & FI_COMMIT_COMPLETE);
		Bytes contents = pattern(seed_ + i, op.len, op.offset);
		for (size_t n = 0; n < op.len; n++) {
			uint64_t at = op.offset + n;
			if (!committed && i >= until[at])
				continue;
			wanted[at] = contents[n];
			writer[at] = i + 1;
		}
	}
	Bytes found = file_.read();
	size_t bad = 0;
	std::string first;
	for (size_t at = 0; at < kRegionLen; at++) {
		if (found[at] == wanted[at] ||
		    may_hold(at, writer[at], found[at]))
			continue;
		if (!bad++)
			first = "byte " + std::to_string(at) +
				" of operation " + std::to_string(writer[at]) +
				" of " + std::to_string(ops_.size());
	}
	if (!bad)
		return "";
	return "lost bytes: " + std::to_string(bad) + ", first " + first;
}

TEST(PmemKill, EveryCommittedByteIsInTheFile)
{
	uint64_t rounds = env_number("PMEM_KILL_ROUNDS", 200);
	uint64_t seed = choose_seed("PMEM_KILL_SEED");
	printf("PMEM_KILL_ROUNDS=%lu PMEM_KILL_SEED=%lu\n", rounds, seed);
	size_t commits = 0;
	for (uint64_t i = 0; i < rounds; i++) {
		SCOPED_TRACE("round " + std::to_string(i) + ", seed " +
			     std::to_string(seed));
		Round round(i % 2 ? Stack::rdm : Stack::msg, mix(seed) + i);
		round.run();
		commits += round.commits();
		ASSERT_EQ(round.lost(), "");
	}
	printf("%lu rounds, %zu commits, no byte lost\n", rounds, commits);
}

} // namespace
