/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reading what a region holds, to digest it. Memory may be poisoned, or gone
 * because its file was shrunk, and the process and its signal handlers are the
 * application's: so it is the kernel that copies, whose copying from user
 * memory ends with EFAULT where our own load would be a SIGBUS (on x86 also
 * where it meets poison that nobody knew of, since Linux 5.10).
 */
#pragma once

#include <cstddef>
#include <cstdint>

#include "persist/owned_fd.hh"

namespace ofi_pmem
{

/* One thread at a time. */
class ReadBackBuffer
{
public:
	/* A slice: fits into a core's own caches. */
	static constexpr size_t kSize = 64 << 10;

	ReadBackBuffer() noexcept = default;
	~ReadBackBuffer();
	ReadBackBuffer(const ReadBackBuffer &) = delete;
	ReadBackBuffer &operator=(const ReadBackBuffer &) = delete;

	/* Before anything else; again does nothing. Negative fi_errno. */
	[[nodiscard]] int open() noexcept;

	/* kSize bytes. */
	uint8_t *data() const noexcept { return data_; }

	/*
	 * Copies `len` bytes, at most kSize, from memory that may not be
	 * readable: -FI_EIO then.
	 */
	[[nodiscard]] int copy_from(const void *memory, size_t len) noexcept;

	/*
	 * The same of memory that is behind the CPU's caches: their lines are
	 * evicted first, dirty ones written back. Only where can_evict_lines().
	 */
	[[nodiscard]] int copy_evicted(const void *memory, size_t len) noexcept;

private:
	[[nodiscard]] bool readable(const void *memory, size_t len) noexcept;

	OwnedFd fd_;
	uint8_t *data_ = nullptr;
};

/* Whether we know this CPU's instructions to evict lines. */
bool can_evict_lines() noexcept;

} // namespace ofi_pmem
