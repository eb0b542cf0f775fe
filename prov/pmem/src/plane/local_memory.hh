/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The memory that an application has registered, by its descriptors: what the
 * channels send from and receive into without a copy. A descriptor is of the
 * inner provider, and says nothing to a transport that needs its own; so the
 * memory is registered there, too, when it is used first.
 *
 * Any thread.
 */
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include <sys/uio.h>

#include "transport/transport.hh"

namespace ofi_pmem
{

class LocalMemory
{
public:
	explicit LocalMemory(const Transport &transport) noexcept;

	/* One registration: its only buffer, and its access as of fi_mr(3). */
	struct Entry {
		iovec buffer{};
		uint64_t access = 0;
		std::shared_ptr<LinkMemory> memory; /* once it was used */
	};

	/*
	 * Does nothing for a null descriptor or a transport that needs none;
	 * nor without memory for it, as unknown buffers are only slower.
	 */
	void add(const void *desc, Entry entry) noexcept;

	/* Takes it out; gives what was added, an empty one if nothing was. */
	Entry remove(const void *desc) noexcept;

	/*
	 * For a local buffer of a write, or of a read that ends in it. Null
	 * when the descriptor is not known, does not cover the buffer or not
	 * that use, or the transport cannot register its memory.
	 */
	std::shared_ptr<LinkMemory> find(const void *desc, const iovec &buffer,
					 bool write);

private:
	const Transport &transport_;
	std::mutex mutex_;
	std::unordered_map<const void *, Entry> entries_;
};

} // namespace ofi_pmem
