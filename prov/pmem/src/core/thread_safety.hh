/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The annotations of clang's thread-safety analysis, by which util/lint.sh
 * checks that guarded members are used under their lock. They are empty for
 * other compilers. The names are clang's own (Thread Safety Analysis).
 */
#pragma once

#ifdef __clang__
#define PMEM_THREAD_SAFETY(...) __attribute__((__VA_ARGS__))
#else
#define PMEM_THREAD_SAFETY(...)
#endif

/* These go on classes. */
#define PMEM_CAPABILITY(name) PMEM_THREAD_SAFETY(capability(name))
#define PMEM_SCOPED_CAPABILITY PMEM_THREAD_SAFETY(scoped_lockable)

/* On members. clang compares the order only of mutexes that it sees together.
 */
#define PMEM_GUARDED_BY(mutex) PMEM_THREAD_SAFETY(guarded_by(mutex))
#define PMEM_ACQUIRED_BEFORE(...)                                              \
	PMEM_THREAD_SAFETY(acquired_before(__VA_ARGS__))
#define PMEM_ACQUIRED_AFTER(...) PMEM_THREAD_SAFETY(acquired_after(__VA_ARGS__))

/* On functions whose caller holds the lock, or must not. */
#define PMEM_REQUIRES(...) PMEM_THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define PMEM_REQUIRES_SHARED(...)                                              \
	PMEM_THREAD_SAFETY(requires_shared_capability(__VA_ARGS__))
#define PMEM_EXCLUDES(...) PMEM_THREAD_SAFETY(locks_excluded(__VA_ARGS__))

/* On functions that take, release, check or return a lock. */
#define PMEM_ACQUIRE(...) PMEM_THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define PMEM_RELEASE(...) PMEM_THREAD_SAFETY(release_capability(__VA_ARGS__))
#define PMEM_ACQUIRE_SHARED(...)                                               \
	PMEM_THREAD_SAFETY(acquire_shared_capability(__VA_ARGS__))
#define PMEM_RELEASE_SHARED(...)                                               \
	PMEM_THREAD_SAFETY(release_shared_capability(__VA_ARGS__))
#define PMEM_ASSERT_SHARED PMEM_THREAD_SAFETY(assert_shared_capability(this))
#define PMEM_ASSERT_HELD PMEM_THREAD_SAFETY(assert_capability(this))
#define PMEM_RETURNS_LOCK(mutex) PMEM_THREAD_SAFETY(lock_returned(mutex))
