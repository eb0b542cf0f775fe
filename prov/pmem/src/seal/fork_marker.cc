/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/fork_marker.hh"

#include "core/log.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace ofi_pmem
{

namespace
{

using Mark = std::atomic<uint64_t>;

/* It is never unmapped: threads of ours may run when the program exits. */
Mark *map_page() noexcept
{
	auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	void *page = mmap(nullptr, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || madvise(page, size, MADV_WIPEONFORK)) {
		PMEM_WARN(FI_LOG_CORE,
			  "nothing can be sealed: the kernel does not tell of "
			  "forks (madvise MADV_WIPEONFORK): %s",
			  strerror(errno));
		if (page != MAP_FAILED)
			munmap(page, size);
		return nullptr;
	}
	return new (page) Mark(0);
}

/*
 * A child inherits this count, so that its own mark is none that its parents
 * had when it was forked.
 */
Mark last_mark{0};

/* Only the first thread of a new process finds no mark. */
uint64_t mark_of(Mark *page) noexcept
{
	uint64_t mark = page->load();
	if (mark)
		return mark;
	uint64_t next = ++last_mark;
	return page->compare_exchange_strong(mark, next) ? next : mark;
}

} // namespace

bool ForkMarker::open() noexcept
{
	static Mark *const page = map_page();
	if (!page)
		return false;
	page_ = page;
	mark_ = mark_of(page);
	return true;
}

} // namespace ofi_pmem
