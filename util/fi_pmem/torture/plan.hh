/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A plan says what a run of fi_pmem torture does. The same parameters give the
 * same plan, so that a failing run can be repeated and made smaller.
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

#include "cli/number_set.hh"
#include "cli/torture_parameters.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fi_pmem
{

/* Returns "kill-target,..." or "none", as for --faults. */
[[nodiscard]] std::string fault_names(uint32_t faults);

/* Returns what is wrong with them; empty if nothing is. */
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
	uint32_t number = 0; /* unique in the whole plan */
	TortureKind kind = TortureKind::write;
	uint64_t offset = 0; /* position in the region */
	uint32_t length = 0;
	uint8_t bit = 0;   /* an atomic's: no other of the round has it */
	uint8_t polls = 0; /* looks at completions before the next one */

	[[nodiscard]] bool writes() const;
	[[nodiscard]] bool is_atomic() const;
	/* Its success says that its own bytes are durable. */
	[[nodiscard]] bool commits() const;
	/*
	 * Its success says the same of all that its initiator did before; and
	 * it is on the medium only if all that is.
	 */
	[[nodiscard]] bool fences() const;
	/* It makes durable what was before it, and writes nothing itself. */
	[[nodiscard]] bool flushes() const;
	[[nodiscard]] std::string text() const;
};

inline constexpr uint32_t kTortureMostBytes = 24000;
inline constexpr uint64_t kTortureWords = 64;
inline constexpr uint64_t kTortureFirstArea = 4096;
inline constexpr uint64_t kTorturePointers = 64; /* bytes */

/* Describes one life of an initiator. */
struct TortureActor {
	uint32_t initiator = 0;
	uint32_t life = 0;  /* 1: the one after its death */
	uint64_t begin = 0; /* where its area begins */
	uint64_t length = 0;
	uint32_t depth = 1; /* operations in flight */
	std::vector<TortureOp> ops;
	/*
	 * Each happens once an operation with this number, or a later one, is
	 * posted.
	 */
	std::optional<uint32_t> ends_target;
	std::optional<uint32_t> freezes_target;
	std::optional<uint32_t> dies;
};

struct TortureRound {
	std::vector<TortureActor>
		actors; /* a successor follows its predecessor */
	/*
	 * How the target ends, after all actors have, unless one of them ends
	 * it.
	 */
	int signal = 0;
};

struct TorturePlan {
	TortureParameters parameters;
	std::vector<TortureRound> rounds;
	uint32_t numbers = 0; /* above those of all operations */

	/*
	 * Keeps only these operations; rounds and actors without any disappear.
	 */
	void keep(const NumberSet &numbers);

	[[nodiscard]] std::vector<uint32_t> all_numbers() const;
	/* Returns a line for each operation and fault. */
	[[nodiscard]] std::string text() const;
};

[[nodiscard]] TorturePlan make_plan(const TortureParameters &parameters);

} // namespace fi_pmem
