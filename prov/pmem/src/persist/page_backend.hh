/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The backend for files on ordinary file systems. All bytes go through a file
 * descriptor of our own, never through the mapping, so a full disk or a shrunk
 * file is an error code and not SIGBUS in the user's process. The mapping shows
 * the same page cache, so the application sees what is stored, and what it
 * stored itself becomes durable.
 *
 * Errors: store() and load() return -FI_ENOSPC on a full disk and -FI_EIO if
 * the file is now shorter than the bytes in question; a truncated file is never
 * extended again. After a failed fdatasync() every drain() fails, also those of
 * the other regions of that file, which share the descriptor (shared_file.hh):
 * the kernel reports a lost write only once, and a second fdatasync() may
 * succeed although the bytes are gone (fsync(2), NOTES).
 */
#pragma once

#include "core/lock.hh"
#include "persist/backend.hh"
#include "persist/file_bytes.hh"
#include "persist/mapping.hh"

namespace ofi_pmem
{

class PageBackend final : public Backend
{
public:
	/*
	 * These are fdatasync(2) and sync_file_range(2), or a test's functions.
	 */
	using Sync = SharedFile::Sync;
	using StartSync = int (*)(int fd, off64_t begin, off64_t bytes,
				  unsigned flags);

	/* Write-back begins after this many bytes are stored. */
	static constexpr uint64_t kWriteBehind = uint64_t{8} << 20;

	explicit PageBackend(FileMapping file, Sync fdatasync_fn = nullptr,
			     StartSync sync_file_range_fn = nullptr);

	/*
	 * Called before anything else; `memory` is the region. If a sync of
	 * another region of the file failed, this fails with the same error. If
	 * one failed before all regions were closed, flush() makes the kernel
	 * write pages that it may treat as clean without having written them;
	 * returns -FI_EIO if that cannot be done; for a read-only mapping
	 * only flush() does.
	 */
	[[nodiscard]] int open(const void *memory) noexcept;

	int flush(uint64_t offset, size_t len) noexcept override;
	int begin_drain(size_t commits,
			PendingDrain *pending) noexcept override;
	int end_drain(uint64_t ticket) noexcept override;
	int failure() const noexcept override
	{
		return bytes_.shared().failure();
	}
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override;
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override;
	int load(uint64_t offset, void *target, size_t len) noexcept override;
	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override;
	Coverage coverage() const noexcept override { return Coverage::cache; }

	Granularity granularity() const noexcept override
	{
		return Granularity::page;
	}
	PersistenceDomain domain() const noexcept override
	{
		return PersistenceDomain::device;
	}
	bool one_sided() const noexcept override { return false; }

private:
	/* The bytes stored since a write-back was begun, as file offsets. */
	struct Behind {
		uint64_t begin = UINT64_MAX;
		uint64_t end = 0;
		uint64_t bytes = 0;
	};

	void write_behind(uint64_t begin, size_t len) noexcept;
	[[nodiscard]] int outcome(uint64_t ticket) noexcept
		PMEM_REQUIRES(mutex_);

	FileBytes bytes_;
	uint64_t file_offset_;
	bool writable_; /* the mapping */
	/* The region, if its file's cache cannot be trusted. */
	const char *suspect_ = nullptr;
	Mutex mutex_{lock_rank::kPageBackend};
	/* Null if the file does not support it. */
	StartSync start_sync_ PMEM_GUARDED_BY(mutex_);
	/* Something was stored or flushed since the last drain was begun. */
	bool dirty_ PMEM_GUARDED_BY(mutex_) = false;
	/* The end, in the file, of what was flushed and is not known to be
	 * durable. */
	uint64_t flushed_end_ PMEM_GUARDED_BY(mutex_) = 0;
	/* Of the drain that was begun last. */
	uint64_t ticket_ PMEM_GUARDED_BY(mutex_) = 0;
	Behind behind_ PMEM_GUARDED_BY(mutex_);
	/* Keeps the first failure of a drain, or that of the next; it is never
	 * cleared. */
	int drain_error_ PMEM_GUARDED_BY(mutex_) = 0;
};

} // namespace ofi_pmem
