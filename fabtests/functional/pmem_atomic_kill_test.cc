/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Kill test of atomics: a target under simulated power failure is killed while
 * base, fetch and compare atomics and drains are in flight. Each word of the
 * file must hold what its last committed operation left, or a later one. The
 * moment is chosen by operations posted and polled, so that a seed repeats a
 * run.
 *
 * PMEM_KILL_ROUNDS (200) and PMEM_KILL_SEED (random) choose other runs. With a
 * mutated plug-in this test must fail: scripts/pmem_mutants_test.sh.
 */
#include "common/atomics.hh"
#include "common/random.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 64 << 10;
constexpr size_t kWords = 96;
/* Some share a cache line, some do not. */
constexpr size_t kStride = 24;
constexpr size_t kMaxOps = 400;

enum class Kind { base, fetch, swap, drain };

struct Op {
	explicit Op(AtomicCall *call_to_make) : call(call_to_make) {}

	std::unique_ptr<AtomicCall> call;
	fi_context2 drain_context{};
	Kind kind = Kind::base;
	size_t word = 0;
	uint64_t flags = 0;
	uint64_t value = 0;
	uint64_t expected = 0;
	uint64_t before = 0; /* of the word, as posted */
	uint64_t after = 0;
	uint64_t was = 0; /* fetched */
	bool outstanding = true;
	bool succeeded = false;

	const void *context() const
	{
		return kind == Kind::drain
			       ? static_cast<const void *>(&drain_context)
			       : &call->context;
	}
};

uint64_t outcome_of(const Op &op)
{
	switch (op.call->msg.op) {
	case FI_SUM:
		return op.before + op.value;
	case FI_BXOR:
		return op.before ^ op.value;
	case FI_CSWAP:
		return op.before == op.expected ? op.value : op.before;
	default:
		return op.value;
	}
}

class Round
{
public:
	explicit Round(uint64_t seed)
		: random_(seed), file_(kRegionLen),
		  target_(Stack::rdm, Memory::powerfail),
		  region_(target_.add_file(file_.path(), kRegionLen)),
		  initiator_(atomic_options()), now_(kWords),
		  depth_(random_.below(3) ? random_.between(2, 16) : 1)
	{
		target_.connect(initiator_.node());
	}

	/* Operates, kills, and awaits the end of everything outstanding. */
	void run();

	/* Empty, or what was lost. */
	std::string lost() const;

	size_t commits() const { return commits_; }

private:
	void choose(Op *op);
	ssize_t post(Op *op);
	void post();
	void poll();
	bool may_hold(size_t word, size_t durable, uint64_t found) const;

	Random random_;
	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
	std::deque<Op> ops_; /* addresses stay */
	std::vector<uint64_t> now_;
	size_t depth_;
	size_t outstanding_ = 0;
	size_t commits_ = 0;
	bool killed_ = false;
};

/* Half of the atomics commit; half of the swaps find what they expect. */
void Round::choose(Op *op)
{
	constexpr fi_op kOps[] = {FI_SUM, FI_BXOR, FI_ATOMIC_WRITE};
	uint64_t kind = random_.below(20);
	op->kind = !kind       ? Kind::drain
		   : kind < 8  ? Kind::base
		   : kind < 14 ? Kind::fetch
			       : Kind::swap;
	op->value = random_.next() | 1;
	op->before = now_[op->word];
	op->expected = op->before + random_.below(2);
	op->call->msg.op =
		op->kind == Kind::swap ? FI_CSWAP : kOps[random_.below(3)];
	uint64_t level = random_.below(20);
	if (level < 10)
		op->flags = FI_COMMIT_COMPLETE;
	else if (level < 12)
		op->flags = kFencedCommit;
	if (op->kind == Kind::drain)
		op->flags = kFencedCommit;
	op->after = op->kind == Kind::drain ? op->before : outcome_of(*op);
	now_[op->word] = op->after;
}

ssize_t Round::post(Op *op)
{
	uint64_t flags = op->flags | FI_COMPLETION;
	switch (op->kind) {
	case Kind::base:
		return op->call->base(initiator_, &op->value, flags);
	case Kind::fetch:
		return op->call->fetch(initiator_, &op->value, &op->was, flags);
	case Kind::swap:
		return op->call->swap(initiator_, &op->value, &op->expected,
				      &op->was, flags);
	default:
		return initiator_.drain(region_, &op->drain_context);
	}
}

void Round::post()
{
	size_t word = random_.below(kWords);
	Op &op = ops_.emplace_back(new AtomicCall(
		initiator_, region_, word * kStride, FI_UINT64, FI_SUM));
	op.word = word;
	choose(&op);
	outstanding_++;
	ssize_t ret = post(&op);
	if (ret < 0)
		throw FabricError("posting before the kill", ret);
}

void Round::poll()
{
	Completion completion;
	initiator_.completions().poll();
	while (initiator_.completions().take(&completion)) {
		auto op = std::find_if(ops_.begin(), ops_.end(), [&](auto &o) {
			return o.outstanding &&
			       o.context() == completion.context;
		});
		if (op == ops_.end())
			throw std::runtime_error("completion of nothing");
		op->outstanding = false;
		op->succeeded = !completion.err;
		outstanding_--;
		if (completion.err && !killed_)
			throw FabricError("before the kill: " + completion.text,
					  -completion.err);
		if (!op->succeeded)
			continue;
		bool fetched =
			op->kind == Kind::fetch || op->kind == Kind::swap;
		if (fetched && op->was != op->before)
			throw std::runtime_error("a fetch found another value");
		if (op->flags & FI_COMMIT_COMPLETE)
			commits_++;
	}
}

void Round::run()
{
	size_t wanted = random_.below(60);
	uint64_t more_steps = random_.below(30);
	Deadline deadline;
	while (commits_ < wanted || more_steps--) {
		if (outstanding_ < depth_ && ops_.size() < kMaxOps)
			post();
		else
			poll();
		deadline.spin("commits before the kill");
	}
	target_.kill();
	killed_ = true;
	while (outstanding_) {
		poll();
		deadline.spin("operations outstanding after the kill");
	}
}

/*
 * Returns whether the word is that after the first `durable` operations, or
 * after later ones.
 */
bool Round::may_hold(size_t word, size_t durable, uint64_t found) const
{
	uint64_t value = 0;
	for (size_t i = 0; i < ops_.size(); i++) {
		if (i >= durable && value == found)
			return true;
		if (ops_[i].word == word)
			value = ops_[i].after;
	}
	return value == found;
}

std::string Round::lost() const
{
	/* Operations that are durable: of each word, and of all. */
	std::vector<size_t> durable(kWords);
	size_t fence = 0;
	for (size_t i = 0; i < ops_.size(); i++) {
		const Op &op = ops_[i];
		if (!op.succeeded || !(op.flags & FI_COMMIT_COMPLETE))
			continue;
		durable[op.word] = i + 1;
		if (op.flags == kFencedCommit)
			fence = i + 1;
	}
	Bytes file = file_.read();
	for (size_t word = 0; word < kWords; word++) {
		uint64_t found;
		memcpy(&found, &file[word * kStride], sizeof(found));
		if (!may_hold(word, std::max(fence, durable[word]), found))
			return "lost bytes: word " + std::to_string(word) +
			       " of " + std::to_string(ops_.size()) +
			       " operations";
	}
	return "";
}

TEST(PmemAtomicKill, EveryCommittedAtomicIsInTheFile)
{
	uint64_t rounds = env_number("PMEM_KILL_ROUNDS", 200);
	uint64_t seed = choose_seed("PMEM_KILL_SEED");
	printf("PMEM_KILL_ROUNDS=%lu PMEM_KILL_SEED=%lu\n", rounds, seed);
	size_t commits = 0;
	for (uint64_t i = 0; i < rounds; i++) {
		SCOPED_TRACE("round " + std::to_string(i) + ", seed " +
			     std::to_string(seed));
		Round round(mix(seed) + i);
		round.run();
		commits += round.commits();
		ASSERT_EQ(round.lost(), "");
	}
	printf("%lu rounds, %zu commits, no byte lost\n", rounds, commits);
}

} // namespace
