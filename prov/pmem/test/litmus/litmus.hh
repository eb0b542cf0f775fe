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

#include "fake/fake_backend.hh"

#include <rdma/fi_rma.h>

#include <array>
#include <atomic>
#include <bitset>
#include <random>
#include <string>
#include <vector>

namespace ofi_pmem::test::litmus
{

inline constexpr size_t kVariables = 4;
inline constexpr size_t kMaxSteps = 12;

/*
 * Says what a step does to its variable, a word of 8 bytes that is 0 at first.
 */
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

/* Says what a power failure left, and which steps' completions were read
 * before. */
struct State {
	std::array<uint64_t, kVariables> variable{};
	std::bitset<kMaxSteps> done;
};

using Predicate = bool (*)(const State &);

/* Where the variables lie: in lines of their own unless said otherwise. */
enum class Place { lines, one_line, two_regions };

struct Program {
	const char *name;
	std::vector<Step> steps;
	/* No power failure leaves this. */
	Predicate forbidden;
	/*
	 * A state that may be left, and that the search must find: one that
	 * looks as if it were forbidden and is not, or one that shows that the
	 * search is wide.
	 */
	Predicate allowed = nullptr;
	Place place = Place::lines;
};

/* The programs, for parameterized tests. */
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

	/*
	 * Returns whether the allowed state was seen since the program was
	 * started.
	 */
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
	/* This was looked at the last time; most steps change nothing. */
	std::vector<Words> looked_at_;
	std::bitset<kMaxSteps> looked_at_done_;
	std::string violation_;
};

/*
 * Runs programs, one step after the other, over what a fixture has opened.
 * Every run uses bytes of the media that the one before did not.
 */
class Execution
{
public:
	virtual ~Execution() = default;

	/*
	 * Every program, on as many schedules as LITMUS_SEEDS (8) says, the
	 * first that of LITMUS_SEED.
	 */
	void run_all();

	/* From now on half of the steps have FI_PMEM_VERIFY. */
	void check_half() { check_half_ = true; }

	/*
	 * Runs a schedule drawn from `seed`; returns false if a forbidden state
	 * was seen.
	 */
	[[nodiscard]] bool passes(const Program &program, uint64_t seed);

	/* Returns whether the last program left the allowed state. */
	bool seen() const { return search_.seen(); }

protected:
	struct Region {
		FakeMedium *medium;
		uint64_t key;
		uint64_t base;
	};

	/* Sets both regions, before the first program. */
	void use(const std::array<Region, 2> &regions);

	/* Returns the flags of fi_writemsg() for a step. */
	static uint64_t flags_of(Do what) noexcept;
	static bool is_ordered(Do what) noexcept;
	static bool is_flush(Do what) noexcept;

	/* Connects again. */
	virtual void begin(uint64_t seed) = 0;
	/* The power may fail at every step of the network, or no more. */
	virtual void watch_network(bool) {}
	/*
	 * Posts as fi_writemsg() does; flushes and drains have no local
	 * buffers.
	 */
	virtual ssize_t try_post(Do what, bool checked, size_t endpoint,
				 const fi_msg_rma &msg) = 0;
	/* Tells completed() of every completion that there is. */
	virtual void progress() = 0;
	void completed(const void *context);

	Search search_;

private:
	void run(const Program &program);
	void prepare(const Program &program);
	void post(const Step &step, size_t index);
	void await(unsigned long steps);
	const Region &region_of(size_t variable) const;
	size_t offset_of(size_t variable) const;

	std::array<Region, 2> regions_{};
	Place place_ = Place::lines;
	size_t start_ = 0; /* of the variables of this run */
	std::array<int, kMaxSteps> contexts_{};
	std::array<std::array<uint64_t, 2>, kMaxSteps> values_{};
	unsigned long completed_ = 0;
	bool check_half_ = false;
	std::mt19937_64 random_;
};

} // namespace ofi_pmem::test::litmus
