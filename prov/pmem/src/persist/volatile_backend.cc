/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Plain copies and a fence. */
#include "persist/volatile_backend.hh"

#include "persist/memory_copy.hh"
#include "persist/read_back.hh"

#include <cstring>

namespace ofi_pmem
{

int VolatileBackend::flush(uint64_t, size_t) noexcept
{
	return 0;
}

/*
 * CPUs without caches to flush still need this fence: stores are visible before
 * the commit is acknowledged. It is the builtin, because ThreadSanitizer does
 * not know std::atomic_thread_fence().
 */
int VolatileBackend::begin_drain(size_t, PendingDrain *) noexcept
{
	__sync_synchronize();
	return 0;
}

int VolatileBackend::store(uint64_t offset, const void *source,
			   size_t len) noexcept
{
	copy_in(base_ + offset, source, len);
	return 0;
}

int VolatileBackend::store_flush(uint64_t offset, const void *source,
				 size_t len, bool *stored) noexcept
{
	*stored = true;
	return store(offset, source, len);
}

int VolatileBackend::read_back(uint64_t offset, size_t len,
			       ReadBackBuffer *into) noexcept
{
	return into->copy_from(base_ + offset, len);
}

int VolatileBackend::load(uint64_t offset, void *target, size_t len) noexcept
{
	memcpy(target, base_ + offset, len);
	return 0;
}

} // namespace ofi_pmem
