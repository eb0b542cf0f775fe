/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes a plan as text, and makes it smaller. torture_planner.cc makes plans.
 */
#include "torture/plan.hh"

#include <algorithm>
#include <csignal>
#include <map>

namespace fi_pmem
{

namespace
{

const char *kind_name(TortureKind kind)
{
	switch (kind) {
	case TortureKind::write:
		return "write";
	case TortureKind::commit:
		return "commit";
	case TortureKind::fenced:
		return "fenced commit";
	case TortureKind::ordered:
		return "ordered write";
	case TortureKind::verified:
		return "verified commit";
	case TortureKind::flush:
		return "flush";
	case TortureKind::flush_region:
		return "flush of the region";
	case TortureKind::drain:
		return "drain";
	case TortureKind::drain_all:
		return "drain of all peers";
	case TortureKind::read:
		return "read";
	case TortureKind::atomic:
		return "atomic";
	case TortureKind::atomic_commit:
		return "atomic commit";
	case TortureKind::atomic_fenced:
		return "atomic fenced commit";
	}
	return "unknown";
}

template <typename Item, typename Drop>
void drop_if(std::vector<Item> &items, Drop drop)
{
	items.erase(std::remove_if(items.begin(), items.end(), drop),
		    items.end());
}

std::string actor_text(const TortureActor &actor, int signal)
{
	std::string text = "  initiator " + std::to_string(actor.initiator) +
			   (actor.life ? ", after its death" : "") +
			   ", bytes " + std::to_string(actor.begin) + "-" +
			   std::to_string(actor.begin + actor.length - 1) +
			   ", depth " + std::to_string(actor.depth) + "\n";
	auto fault = [&text](const char *what, std::optional<uint32_t> at) {
		if (at)
			text += "    after " + std::to_string(*at) + ": " +
				what + "\n";
	};
	for (const TortureOp &op : actor.ops)
		text += "    " + op.text() + "\n";
	fault("freezes the target", actor.freezes_target);
	fault(signal == SIGKILL ? "kills the target" : "stops the target",
	      actor.ends_target);
	fault("is killed", actor.dies);
	return text;
}

} // namespace

bool TortureOp::writes() const
{
	switch (kind) {
	case TortureKind::write:
	case TortureKind::commit:
	case TortureKind::fenced:
	case TortureKind::ordered:
	case TortureKind::verified:
		return true;
	default:
		return false;
	}
}

bool TortureOp::is_atomic() const
{
	return kind == TortureKind::atomic ||
	       kind == TortureKind::atomic_commit ||
	       kind == TortureKind::atomic_fenced;
}

bool TortureOp::commits() const
{
	switch (kind) {
	case TortureKind::commit:
	case TortureKind::fenced:
	case TortureKind::ordered:
	case TortureKind::verified:
	case TortureKind::atomic_commit:
	case TortureKind::atomic_fenced:
		return true;
	default:
		return false;
	}
}

bool TortureOp::fences() const
{
	switch (kind) {
	case TortureKind::fenced:
	case TortureKind::ordered:
	case TortureKind::drain:
	case TortureKind::drain_all:
	case TortureKind::atomic_fenced:
		return true;
	default:
		return false;
	}
}

bool TortureOp::flushes() const
{
	switch (kind) {
	case TortureKind::flush:
	case TortureKind::flush_region:
	case TortureKind::drain:
	case TortureKind::drain_all:
		return true;
	default:
		return false;
	}
}

std::string TortureOp::text() const
{
	std::string text = std::to_string(number) + ": " + kind_name(kind);
	if (is_atomic())
		return text + " of bit " + std::to_string(bit) + " at " +
		       std::to_string(offset);
	if (!length)
		return text;
	return text + " of " + std::to_string(length) + " bytes at " +
	       std::to_string(offset);
}

void TorturePlan::keep(const NumberSet &kept)
{
	for (TortureRound &round : rounds) {
		for (TortureActor &actor : round.actors)
			drop_if(actor.ops, [&](const TortureOp &op) {
				return !kept.contains(op.number);
			});
		drop_if(round.actors, [](const TortureActor &actor) {
			return actor.ops.empty();
		});
	}
	drop_if(rounds,
		[](const TortureRound &round) { return round.actors.empty(); });
}

std::vector<uint32_t> TorturePlan::all_numbers() const
{
	std::vector<uint32_t> all;
	for (const TortureRound &round : rounds)
		for (const TortureActor &actor : round.actors)
			for (const TortureOp &op : actor.ops)
				all.push_back(op.number);
	return all;
}

std::string TorturePlan::text() const
{
	std::string text;
	uint32_t number = 0;
	for (const TortureRound &round : rounds) {
		text += "round " + std::to_string(number++) +
			", target ends by " +
			(round.signal == SIGKILL ? "SIGKILL" : "SIGTERM") +
			"\n";
		for (const TortureActor &actor : round.actors)
			text += actor_text(actor, round.signal);
	}
	return text;
}

} // namespace fi_pmem
