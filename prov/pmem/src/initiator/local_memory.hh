/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The memory that an application has registered, by its descriptors. Channels
 * send from it and receive into it without a copy. A descriptor is the inner
 * provider's and means nothing to a transport that needs its own, so the memory
 * is also registered there when it is first used.
 *
 * Any thread may call it.
 */
#pragma once

#include "core/lock.hh"
#include "transport/transport.hh"

#include <sys/uio.h>

#include <memory>
#include <unordered_map>

namespace ofi_pmem
{

class LocalMemory
{
public:
	explicit LocalMemory(const Transport &transport) noexcept;

	/*
	 * Describes a registration: its only buffer, and its access (fi_mr(3)).
	 */
	struct Entry {
		iovec buffer{};
		uint64_t access = 0;
		std::shared_ptr<LinkMemory> memory; /* null until first use */
	};

	/*
	 * Does nothing for a null descriptor, for a transport that needs none,
	 * or if memory is short: unknown buffers are only slower.
	 */
	void add(const void *desc, Entry entry) noexcept;

	/* Removes and returns what was added; returns an empty entry if nothing
	 * was. */
	Entry remove(const void *desc) noexcept;

	/*
	 * Finds the memory of a local buffer of a write, or of a read that ends
	 * in it. Returns null if the descriptor is unknown, does not cover the
	 * buffer or this use, or the transport cannot register its memory.
	 */
	std::shared_ptr<LinkMemory> find(const void *desc, const iovec &buffer,
					 bool write);

private:
	const Transport &transport_;
	Mutex mutex_{lock_rank::kLocalMemory};
	std::unordered_map<const void *, Entry>
		entries_ PMEM_GUARDED_BY(mutex_);
};

} // namespace ofi_pmem
