/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The files of which a sync failed in this process. The kernel tells of a lost
 * write once for each open file description, and calls the page clean from then
 * on (fsync(2), NOTES): who asks again, or asks through a duplicate of the same
 * descriptor, is told that all is well. So all regions of one file share what
 * happened to it, and it is remembered when all of them are closed.
 */
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace ofi_pmem
{

class FileFailures
{
public:
	/* Of the file that is open there, whatever its name. */
	static std::shared_ptr<FileFailures> of(int fd);

	/* How many there were: a region fails when that changes. */
	uint64_t count() const noexcept { return count_; }
	void add() noexcept { count_++; }

	/* Held while a file description is synced that others sync, too. */
	std::mutex &sync_lock() noexcept { return sync_lock_; }

private:
	std::atomic<uint64_t> count_{0};
	std::mutex sync_lock_;
};

/*
 * Makes the kernel write again what this memory shows, a shared mapping of a
 * file: pages that it calls clean may be those that it could not write. Stores
 * nothing, so that the application may store meanwhile. -FI_EIO when that
 * cannot be done (before Linux 5.14 never).
 */
[[nodiscard]] int write_again(const void *memory, size_t len) noexcept;

} // namespace ofi_pmem
