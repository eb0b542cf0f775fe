/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Checks at run time that each thread takes mutexes in the order of their
 * levels. Builds with --enable-sanitizer check all of them; in other builds a
 * mutex has the empty UncheckedOrder, which costs nothing.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace ofi_pmem
{

/* A thread takes a mutex only if its level is above that of all it holds. */
struct LockRank {
	int level;
	const char *name; /* Class::member_ */
};

class UncheckedOrder
{
protected:
	explicit constexpr UncheckedOrder(const LockRank &) noexcept {}
	void before_lock() const noexcept {}
	void after_unlock() const noexcept {}
	void check_held() const noexcept {}
};

/*
 * Base of a mutex that is checked. A violation ends the process with the names
 * of both mutexes, on standard error as assert(3) does, whatever the log level
 * is.
 */
class CheckedOrder
{
protected:
	explicit constexpr CheckedOrder(const LockRank &rank) noexcept
		: rank_(rank)
	{
	}

	/* Called before it blocks, so that a deadlock is reported, too. */
	void before_lock() const noexcept
	{
		for (size_t i = 0; i < held_.count; i++) {
			if (held_.locks[i]->rank_.level >= rank_.level)
				fail("is taken by a thread that holds",
				     held_.locks[i]->rank_.name);
		}
		if (held_.count == held_.locks.size())
			fail("is one more than are checked, after",
			     held_.locks.back()->rank_.name);
		held_.locks[held_.count++] = this;
	}

	void after_unlock() const noexcept
	{
		size_t at = find();
		held_.locks[at] = held_.locks[--held_.count];
	}

	void check_held() const noexcept { find(); }

private:
	struct Held {
		std::array<const CheckedOrder *, 16> locks;
		size_t count;
	};

	size_t find() const noexcept
	{
		for (size_t i = 0; i < held_.count; i++) {
			if (held_.locks[i] == this)
				return i;
		}
		fail("is needed by a thread that does not hold", "it");
	}

	[[noreturn]] void fail(const char *how, const char *what) const noexcept
	{
		fprintf(stderr, "ofi_pmem: lock order: %s %s %s\n", rank_.name,
			how, what);
		abort();
	}

	const LockRank &rank_;
	static inline thread_local Held held_{};
};

} // namespace ofi_pmem
