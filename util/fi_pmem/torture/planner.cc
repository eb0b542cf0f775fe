/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Makes a plan from a seed.
 */
#include "torture/content.hh"
#include "torture/plan.hh"

#include <algorithm>
#include <array>
#include <csignal>

namespace fi_pmem
{

namespace
{

constexpr uint32_t kMostInitiators = 64;
constexpr uint32_t kMostRounds = 100;
constexpr uint64_t kMostOps = 1000000;
constexpr uint64_t kLeastArea = 8192;
constexpr uint64_t kMostSize = uint64_t{1} << 30;

class Random
{
public:
	explicit Random(uint64_t seed) : state_(mix(seed)) {}

	/* [0, limit) */
	uint64_t below(uint64_t limit) { return mix(state_++) % limit; }
	/* [low, high] */
	uint64_t between(uint64_t low, uint64_t high)
	{
		return low + below(high - low + 1);
	}
	bool one_of(uint64_t number) { return !below(number); }

private:
	uint64_t state_;
};

uint64_t area_length(const TortureParameters &parameters)
{
	uint64_t areas = 2 * uint64_t{parameters.initiators};
	uint64_t rest = parameters.size < kTortureFirstArea
				? 0
				: parameters.size - kTortureFirstArea;
	return rest / areas / 4096 * 4096;
}

class Planner
{
public:
	explicit Planner(const TortureParameters &parameters)
		: parameters_(parameters), random_(parameters.seed),
		  area_(area_length(parameters))
	{
	}

	TorturePlan make();

private:
	TortureRound make_round();
	void add_initiator(TortureRound *round, uint32_t initiator);
	TortureActor make_actor(uint32_t initiator, uint32_t life);
	void add_format(TortureActor *actor);
	void add_ops(TortureActor *actor, uint64_t count);
	void choose_atomic(TortureOp *op);
	void choose_range(const TortureActor &actor, TortureOp *op);
	TortureOp choose(const TortureActor &actor);
	void add_faults(TortureRound *round);
	uint32_t some_number(const TortureActor &actor);
	bool has(TortureFault fault) const
	{
		return (parameters_.faults & fault) != 0;
	}

	TortureParameters parameters_;
	Random random_;
	uint64_t area_;
	uint32_t next_ = 0;
	std::array<uint8_t, kTortureWords> bits_{}; /* used, of the round */
};

uint32_t Planner::some_number(const TortureActor &actor)
{
	return actor.ops[random_.below(actor.ops.size())].number;
}

/*
 * Lengths lie on both sides of what travels inside a request; offsets often in
 * the same few pages.
 */
void Planner::choose_range(const TortureActor &actor, TortureOp *op)
{
	uint64_t room = actor.length - kTorturePointers;
	uint64_t kind = random_.below(4);
	uint64_t most = !kind ? 64 : kind < 3 ? 4096 : kTortureMostBytes;
	op->length =
		static_cast<uint32_t>(random_.between(1, std::min(most, room)));
	uint64_t window =
		random_.one_of(2) ? std::max<uint64_t>(op->length, 8000) : room;
	window = std::min(window, room);
	op->offset = actor.begin + kTorturePointers +
		     random_.below(window - op->length + 1);
}

void Planner::choose_atomic(TortureOp *op)
{
	uint64_t word = random_.below(kTortureWords);
	if (bits_[word] == 64) { /* all are used: it reads instead */
		op->kind = TortureKind::drain;
		return;
	}
	op->offset = word * 8;
	op->length = 8;
	op->bit = bits_[word]++;
}

TortureOp Planner::choose(const TortureActor &actor)
{
	using Kind = TortureKind;
	static constexpr Kind kKinds[] = {
		Kind::write, Kind::write, Kind::write, Kind::write, Kind::write,
		Kind::write, Kind::commit, Kind::commit, Kind::commit,
		Kind::commit, Kind::commit, Kind::commit, Kind::fenced,
		Kind::fenced, Kind::ordered, Kind::ordered, Kind::ordered,
		Kind::verified, Kind::flush, Kind::flush, Kind::flush_region,
		Kind::drain, Kind::drain, Kind::drain_all, Kind::read,
		Kind::read, Kind::read,
		/* These need atomics: */
		Kind::atomic, Kind::atomic, Kind::atomic_commit,
		Kind::atomic_commit, Kind::atomic_fenced};
	uint64_t kinds = std::size(kKinds) - (parameters_.atomics ? 0 : 5);
	TortureOp op;
	op.number = next_++;
	op.kind = kKinds[random_.below(kinds)];
	op.polls = static_cast<uint8_t>(random_.one_of(3) ? random_.below(30)
							  : random_.below(3));
	if (op.is_atomic()) {
		choose_atomic(&op);
	} else if (op.kind == Kind::ordered) {
		op.offset = actor.begin + 8 * random_.below(8);
		op.length = 8;
	} else if (op.writes() || op.kind == Kind::read ||
		   op.kind == Kind::flush) {
		choose_range(actor, &op);
	}
	return op;
}

TortureActor Planner::make_actor(uint32_t initiator, uint32_t life)
{
	TortureActor actor;
	actor.initiator = initiator;
	actor.life = life;
	actor.length = area_;
	actor.begin = kTortureFirstArea + (2 * initiator + life) * area_;
	actor.depth = static_cast<uint32_t>(
		random_.one_of(3) ? 1 : random_.between(2, 16));
	return actor;
}

void Planner::add_format(TortureActor *actor)
{
	for (uint64_t done = 0; done < actor->length;) {
		TortureOp op;
		op.number = next_++;
		op.kind = TortureKind::commit;
		op.offset = actor->begin + done;
		op.length = static_cast<uint32_t>(std::min<uint64_t>(
			kTortureMostBytes, actor->length - done));
		done += op.length;
		actor->ops.push_back(op);
	}
}

void Planner::add_ops(TortureActor *actor, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		actor->ops.push_back(choose(*actor));
}

void Planner::add_initiator(TortureRound *round, uint32_t initiator)
{
	uint64_t ops = parameters_.ops;
	TortureActor first = make_actor(initiator, 0);
	if (parameters_.format)
		add_format(&first);
	if (!has(kKillInitiator) || ops < 2 || !random_.one_of(4)) {
		add_ops(&first, ops);
		round->actors.push_back(std::move(first));
		return;
	}
	uint64_t before = random_.between(1, ops - 1);
	add_ops(&first, before);
	first.dies = first.ops.back().number;
	round->actors.push_back(std::move(first));
	TortureActor second = make_actor(initiator, 1);
	add_ops(&second, ops - before);
	round->actors.push_back(std::move(second));
}

/* In one of five rounds the target ends after everything has completed. */
void Planner::add_faults(TortureRound *round)
{
	bool kills =
		has(kKillTarget) && (!has(kStopTarget) || !random_.one_of(5));
	round->signal = kills ? SIGKILL : SIGTERM;
	auto some_actor = [&]() -> TortureActor & {
		return round->actors[random_.below(round->actors.size())];
	};
	TortureActor &ending = some_actor();
	uint32_t end = some_number(ending);
	if ((kills || has(kStopTarget)) && !random_.one_of(5))
		ending.ends_target = end;
	TortureActor &freezing = some_actor();
	uint32_t freeze = some_number(freezing);
	if (has(kFreezeTarget) && random_.one_of(6))
		freezing.freezes_target = freeze;
}

TortureRound Planner::make_round()
{
	TortureRound round;
	bits_.fill(0);
	for (uint32_t i = 0; i < parameters_.initiators; i++)
		add_initiator(&round, i);
	add_faults(&round);
	return round;
}

TorturePlan Planner::make()
{
	TorturePlan plan;
	plan.parameters = parameters_;
	for (uint32_t i = 0; i < parameters_.rounds; i++)
		plan.rounds.push_back(make_round());
	plan.numbers = next_;
	return plan;
}

} // namespace

std::string check_parameters(const TortureParameters &parameters)
{
	if (!parameters.initiators || parameters.initiators > kMostInitiators)
		return "--initiators: must be 1 to 64";
	if (!parameters.rounds || parameters.rounds > kMostRounds)
		return "--rounds: must be 1 to 100";
	if (!parameters.ops || parameters.ops > kMostOps)
		return "--ops: must be 1 to 1000000";
	if (uint64_t{parameters.initiators} * parameters.rounds *
		    parameters.ops >
	    kMostOps)
		return "--initiators times --rounds times --ops must not "
		       "exceed 1000000";
	if (parameters.size > kMostSize || area_length(parameters) < kLeastArea)
		return "--size: must be 4K and 16K for each initiator, up to "
		       "1G";
	if (parameters.faults >= 2 * kFreezeTarget)
		return "no such faults";
	return "";
}

TorturePlan make_plan(const TortureParameters &parameters)
{
	return Planner(parameters).make();
}

} // namespace fi_pmem
