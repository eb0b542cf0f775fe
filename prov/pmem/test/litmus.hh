/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Persistency litmus tests: small programs of writes, flushes, fences and
 * commits on a few variables, and what no power failure may leave of them
 * (after "Persistency semantics of the Intel-x86 architecture", POPL 2020).
 *
 * At each step of the network, the service or the initiator every state is
 * looked at that a power failure at this moment can leave: each variable that
 * is not durable is kept or lost independently of the others, as caches write
 * back when they like, and lines tear at 8 bytes.
 */
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <string>
#include <vector>

#include "fake_backend.hh"

namespace ofi_pmem::test::litmus
{

inline constexpr size_t kVariables = 4;
inline constexpr size_t kMaxSteps = 12;

/* What a step does to its variable, a word of 8 bytes that is 0 at first. */
enum class Do {
	write,	 /* no completion level */
	inject,	 /* the same, by fi_inject_write() */
	visible, /* FI_DELIVERY_COMPLETE */
	commit,	 /* FI_COMMIT_COMPLETE */
	inject_commit,
	fenced_write,  /* FI_FENCE */
	fenced_commit, /* FI_FENCE | FI_COMMIT_COMPLETE */
	ordered,       /* write_ordered() */
	ordered_pair,  /* of this variable and the next, 16 bytes */
	drain,	       /* a fenced commit of 0 bytes */
	flush,	       /* its bytes */
	flush_region,
	flush_peer,
	flush_visible, /* its bytes, FI_PMEM_PLACE_VISIBLE */
	drain_all,
	wait, /* for the completion of the step `value` */
};

struct Step {
	Do what;
	size_t variable = 0;
	uint64_t value = 1;
	size_t endpoint = 0;
};

/* What a power failure left, and which steps' completions were read before. */
struct State {
	std::array<uint64_t, kVariables> variable{};
	std::bitset<kMaxSteps> done;
};

using Predicate = bool (*)(const State &);

/* Where the variables are: in lines of their own unless said otherwise. */
enum class Place { lines, one_line, two_regions };

struct Program {
	const char *name;
	std::vector<Step> steps;
	/* No power failure leaves this. */
	Predicate forbidden;
	/*
	 * What may be left, and must be found by the search: what one could
	 * take for promised and is not, or what shows that the search is wide.
	 */
	Predicate allowed = nullptr;
	Place place = Place::lines;
};

/* For parameterized tests. */
const std::vector<Program> &programs();

/* The variables of a running program in their media. */
class Search
{
public:
	struct Variable {
		FakeMedium *medium;
		size_t offset;
	};

	void start(const Program *program, std::vector<Variable> variables);
	void completed(size_t step) { done_ |= 1UL << step; }

	/* The power fails now: looks at everything it can leave. */
	void look();

	/* Empty, or a state that is forbidden. */
	std::string violation();

	/* Whether what is allowed was seen since the program was started. */
	bool seen() const { return seen_; }

private:
	using Words = std::vector<uint64_t>;

	static Words survivors(const Variable &variable);
	void judge(const State &state);

	const Program *program_ = nullptr;
	std::vector<Variable> variables_;
	std::vector<FakeMedium *> media_;
	std::atomic<unsigned long> done_{0};
	std::atomic<bool> seen_{false};
	std::mutex lock_;
	/* The last time, as most steps change nothing. */
	std::vector<Words> looked_at_;
	std::bitset<kMaxSteps> looked_at_done_;
	std::string violation_;
};

} // namespace ofi_pmem::test::litmus
