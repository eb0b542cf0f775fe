/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Guards a backend that stores into the mapping of a file (MAP_SYNC, or
 * forced). Such memory can go: the file shrinks, the disk is full when a hole
 * is stored to, a block is bad. Touching it then raises SIGBUS (mmap(2)), for
 * which a library has no handler. So this asks the kernel first to make the
 * pages accessible. A file that shrinks between that and the access still
 * raises the signal.
 *
 * One-sided access does not go through here. It finds no holes, because opening
 * the region allocates them.
 */
#pragma once

#include "persist/backend_decorator.hh"

#include <atomic>

namespace ofi_pmem
{

class GuardedBackend final : public BackendDecorator
{
public:
	/* `base` is the region's memory. */
	GuardedBackend(std::unique_ptr<Backend> real, void *base)
		: BackendDecorator(std::move(real)),
		  base_(static_cast<char *>(base))
	{
	}

	int flush(uint64_t offset, size_t len) noexcept override;
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override;
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override;
	int load(uint64_t offset, void *target, size_t len) noexcept override;

private:
	[[nodiscard]] int touch(uint64_t offset, size_t len,
				int advice) noexcept;

	char *base_;
	std::atomic<bool> logged_{false};
};

/*
 * Allocates the holes in these bytes of the file. Returns -FI_ENOSPC if the
 * disk has no room for them, and 0 also if the file system cannot do this
 * (fallocate(2), EOPNOTSUPP).
 */
[[nodiscard]] int allocate_holes(int fd, uint64_t offset, size_t len) noexcept;

} // namespace ofi_pmem
