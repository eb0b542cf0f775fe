/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fork(2) gives the child a copy of every object, but none of the threads that
 * serve it. What the objects stand for, such as connections, is shared with the
 * parent, which goes on using it. So a child that inherits a persistence plane
 * uses nothing that was open before the fork, and closing it has no effect: an
 * inner provider would end the parent's connections (shutdown(2)) and take its
 * sockets out of its epoll instances.
 *
 * Any thread may call these.
 */
#pragma once

#include <atomic>
#include <cstdint>

namespace ofi_pmem
{

/* Lives as long as something that a child must not touch. */
class ForkGuard
{
public:
	ForkGuard() noexcept { count_++; }
	~ForkGuard() { count_--; }
	ForkGuard(const ForkGuard &) = delete;
	ForkGuard &operator=(const ForkGuard &) = delete;

private:
	friend class Origin;
	static inline std::atomic<uint32_t> count_{0};
};

/* Records in which process an object was made. */
class Origin
{
public:
	/* True if that was another process, which had a ForkGuard when it
	 * forked. */
	bool inherited() const noexcept { return any_ && number_ < first_own_; }

	/*
	 * Returns -FI_EOPNOTSUPP, as calls on such an object do. The first time
	 * in a process a warning says why.
	 */
	[[nodiscard]] static int refuse() noexcept;

private:
	static void in_child() noexcept;
	static int watch_forks() noexcept;

	/* Processes are numbered by the forks that led to them. */
	static inline std::atomic<uint32_t> own_number_{1};
	/*
	 * Written while the child has one thread. any_ is what the path of
	 * every call looks at; as an atomic variable it would take a register.
	 */
	static inline bool any_ = false;
	static inline uint32_t first_own_ = 0;
	static inline std::atomic<uint32_t> told_{0}; /* an own_number_ */
	static const int watching_;

	uint32_t number_ = own_number_.load(std::memory_order_relaxed);
};

} // namespace ofi_pmem
