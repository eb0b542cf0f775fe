/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a run of fi_pmem torture does: the same for the same parameters, with
 * which a failing run is repeated and made smaller.
 *
 * A run has rounds. In each a target serves the region, initiators operate on
 * it, and the target is ended; then the medium must be as the model says. Every
 * initiator has two areas of its own, the second for its successor when it is
 * killed: what is in flight on a connection whose initiator is gone may still
 * be stored, in no order with what another connection writes. All share words
 * on which only atomics operate.
 *
 *   words   512 bytes, at 0
 *   areas   from 4096 on, of equal length; in each 8 words for ordered writes
 *           and behind them data
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "number_set.hh"

namespace fi_pmem
{

/* Bits of TortureParameters::faults. */
enum TortureFault : uint32_t {
	kKillTarget = 1,    /* SIGKILL */
	kStopTarget = 2,    /* SIGTERM, while operations are in flight */
	kKillInitiator = 4, /* SIGKILL; another one takes its place */
	kFreezeTarget = 8   /* SIGSTOP, for some milliseconds */
};

/* kill-target,... or none, as of --faults. */
[[nodiscard]] std::string fault_names(uint32_t faults);

struct TortureParameters {
	uint64_t seed = 0;
	uint32_t initiators = 3;
	uint32_t rounds = 2;
	uint32_t ops = 60; /* of an initiator in a round */
	uint64_t size = 1 << 20;
	uint32_t faults =
		kKillTarget | kStopTarget | kKillInitiator | kFreezeTarget;
	bool atomics = false;
	/* Begins by a commit of every byte, as nobody knows what is there. */
	bool format = false;
};

/* What is wrong with them; empty if nothing is. */
[[nodiscard]] std::string check_parameters(const TortureParameters &parameters);

enum class TortureKind : uint8_t {
	write,	  /* nothing asked for */
	commit,	  /* FI_COMMIT_COMPLETE */
	fenced,	  /* FI_FENCE | FI_COMMIT_COMPLETE */
	ordered,  /* write_ordered() of 8 bytes */
	verified, /* FI_COMMIT_COMPLETE | FI_PMEM_VERIFY */
	flush,	  /* of a range */
	flush_region,
	drain,	   /* a fenced commit of 0 bytes */
	drain_all, /* of all peers */
	read,
	atomic,	       /* FI_BXOR of one bit */
	atomic_commit, /* FI_COMMIT_COMPLETE */
	atomic_fenced  /* FI_FENCE | FI_COMMIT_COMPLETE */
};

struct TortureOp {
	uint32_t number = 0; /* in the whole plan */
	TortureKind kind = TortureKind::write;
	uint64_t offset = 0; /* in the region */
	uint32_t length = 0;
	uint8_t bit = 0;   /* of an atomic: no other of the round has it */
	uint8_t polls = 0; /* looks for completions before the next one */

	[[nodiscard]] bool writes() const;
	[[nodiscard]] bool is_atomic() const;
	/* Its success says that its own bytes are durable. */
	[[nodiscard]] bool commits() const;
	/*
	 * Its success says so of all that its initiator did before, and it is
	 * not there unless that is.
	 */
	[[nodiscard]] bool fences() const;
	/* Makes durable what was before it, and writes nothing itself. */
	[[nodiscard]] bool flushes() const;
	[[nodiscard]] std::string text() const;
};

inline constexpr uint32_t kTortureMostBytes = 24000;
inline constexpr uint64_t kTortureWords = 64;
inline constexpr uint64_t kTortureFirstArea = 4096;
inline constexpr uint64_t kTorturePointers = 64; /* bytes */

/* One life of an initiator. */
struct TortureActor {
	uint32_t initiator = 0;
	uint32_t life = 0;  /* 1: after its death */
	uint64_t begin = 0; /* of its area */
	uint64_t length = 0;
	uint32_t depth = 1; /* operations in flight */
	std::vector<TortureOp> ops;
	/* Happen once an operation of this number, or a later, is posted. */
	std::optional<uint32_t> ends_target;
	std::optional<uint32_t> freezes_target;
	std::optional<uint32_t> dies;
};

struct TortureRound {
	std::vector<TortureActor> actors; /* a successor behind its elder */
	/* How the target ends if no actor does it: at the end of all. */
	int signal = 0;
};

struct TorturePlan {
	TortureParameters parameters;
	std::vector<TortureRound> rounds;
	uint32_t numbers = 0; /* all operations are below */

	/* Only these operations; rounds and actors without any are gone. */
	void keep(const NumberSet &numbers);

	[[nodiscard]] std::vector<uint32_t> all_numbers() const;
	/* A line for each operation and fault. */
	[[nodiscard]] std::string text() const;
};

[[nodiscard]] TorturePlan make_plan(const TortureParameters &parameters);

} // namespace fi_pmem
