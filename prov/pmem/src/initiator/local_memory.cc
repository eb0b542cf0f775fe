/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/local_memory.hh"

#include <rdma/fi_domain.h>

#include <new>
#include <utility>

namespace ofi_pmem
{

namespace
{

/* A provider may store to memory with this access. */
constexpr uint64_t kStored = FI_READ | FI_RECV | FI_REMOTE_WRITE;

bool covers(const iovec &whole, const iovec &part) noexcept
{
	auto begin = static_cast<const uint8_t *>(whole.iov_base);
	auto from = static_cast<const uint8_t *>(part.iov_base);
	return from >= begin && part.iov_len <= whole.iov_len &&
	       from <= begin + (whole.iov_len - part.iov_len);
}

} // namespace

LocalMemory::LocalMemory(const Transport &transport) noexcept
	: transport_(transport)
{
}

void LocalMemory::add(const void *desc, Entry entry) noexcept
{
	if (!desc || !entry.buffer.iov_len ||
	    !transport_.traits().needs_local_memory)
		return;
	try {
		MutexLock guard(mutex_);
		entries_.insert_or_assign(desc, std::move(entry));
	} catch (const std::bad_alloc &) {
	}
}

LocalMemory::Entry LocalMemory::remove(const void *desc) noexcept
{
	MutexLock guard(mutex_);
	auto node = entries_.extract(desc);
	return node ? std::move(node.mapped()) : Entry{};
}

std::shared_ptr<LinkMemory> LocalMemory::find(const void *desc,
					      const iovec &buffer, bool write)
{
	MutexLock guard(mutex_);
	auto found = entries_.find(desc);
	if (found == entries_.end())
		return nullptr;
	Entry &entry = found->second;
	if (!covers(entry.buffer, buffer) || !(write || entry.access & kStored))
		return nullptr;
	if (!entry.memory) {
		uint64_t access =
			FI_WRITE | (entry.access & kStored ? FI_READ : 0);
		std::unique_ptr<LinkMemory> made;
		if (transport_.register_memory(entry.buffer.iov_base,
					       entry.buffer.iov_len, access,
					       false, &made))
			return nullptr;
		entry.memory = std::move(made);
	}
	return entry.memory;
}

} // namespace ofi_pmem
