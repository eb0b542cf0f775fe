/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The one descriptor that this process has of a file with regions, however many
 * they are and by whatever name they were mapped; it is closed with the last of
 * them. What counts is the open file description behind it: the kernel tells of
 * a lost write once for each, and calls the page clean from then on (fsync(2),
 * NOTES). Who asks again is told that all is well. So a failed sync is a
 * failure of every region of that file, also of one that is registered later,
 * as long as the description lives; and that it happened is remembered when it
 * is closed.
 *
 * Any thread.
 */
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <sys/types.h>

#include "core/fork.hh"
#include "persist/owned_fd.hh"

namespace ofi_pmem
{

class SharedFile
{
public:
	/* fdatasync(2), or what a test puts in its place. */
	using Sync = int (*)(int fd);
	using Ptr = std::shared_ptr<SharedFile>;

	/*
	 * The file that `found` is open of, with O_PATH or otherwise, opened
	 * anew unless it is open already. `mode` is O_RDONLY, which suffices to
	 * read and to sync, or O_RDWR; the strongest that was asked for holds.
	 * Negative fi_errno of what kept it from being opened.
	 */
	[[nodiscard]] static int open(const OwnedFd &found, int mode,
				      Ptr *file);

	/*
	 * Likewise, and if it is not open yet takes over `opened`, which need
	 * not be a description of our own.
	 */
	[[nodiscard]] static int adopt(OwnedFd opened, Ptr *file);

	SharedFile(const SharedFile &) = delete;
	SharedFile &operator=(const SharedFile &) = delete;

	int fd() const noexcept { return fd_.get(); }

	/*
	 * Syncs all that was written before, by this call or by one that others
	 * wait for as well. The first failure is that of every later call;
	 * it is logged.
	 */
	[[nodiscard]] int sync(Sync sync_fn) noexcept;

	/* A write-back failed with this errno: as if a sync had. */
	void fail(int error) noexcept;

	/* 0, or the negative fi_errno of the sync that failed. */
	int failure() const noexcept { return failure_; }

	/*
	 * A sync failed before the file was opened here: pages that the kernel
	 * calls clean may be those that it could not write.
	 */
	bool suspect() const noexcept { return suspect_; }

private:
	using Id = std::pair<dev_t, ino_t>;
	struct Entry;
	struct Registry;

	SharedFile(OwnedFd fd,
		   std::shared_ptr<std::atomic<bool>> failed_ever) noexcept;

	static int join(const Id &id, OwnedFd opened, Ptr *file);
	int upgrade(const OwnedFd &opened) noexcept;

	const Origin origin_;
	/* Its number stays; what it is open of is exchanged by upgrade(). */
	const OwnedFd fd_;
	/* Outlives this. */
	const std::shared_ptr<std::atomic<bool>> failed_ever_;
	const bool suspect_;

	std::mutex mutex_;
	std::condition_variable changed_;
	/* Syncs that were asked for, and that were done; under the mutex. */
	uint64_t asked_ = 0;
	uint64_t done_ = 0;
	bool syncing_ = false;
	std::atomic<int> failure_{0};
};

/* A shared file as a descriptor, where only that is needed. */
class SharedFd
{
public:
	SharedFd() noexcept = default;
	SharedFd(SharedFile::Ptr file) noexcept : file_(std::move(file)) {}
	/* Empty if the file cannot be adopted. */
	SharedFd(OwnedFd fd)
	{
		static_cast<void>(SharedFile::adopt(std::move(fd), &file_));
	}

	int get() const noexcept { return file_ ? file_->fd() : -1; }
	explicit operator bool() const noexcept { return file_ != nullptr; }
	SharedFile *operator->() const noexcept { return file_.get(); }

private:
	/* Owned by everything that serves a region of the file. */
	SharedFile::Ptr file_;
};

/*
 * Opens anew what a descriptor stands for, as of O_PATH (open(2), O_PATH).
 * Empty on failure, and errno says why.
 */
OwnedFd reopen(const OwnedFd &fd, int flags);

/*
 * Makes the kernel write again what this memory shows, a shared mapping of a
 * file: pages that it calls clean may be those that it could not write. Stores
 * nothing, so that the application may store meanwhile. -FI_EIO when that
 * cannot be done (before Linux 5.14 never).
 */
[[nodiscard]] int write_again(const void *memory, size_t len) noexcept;

} // namespace ofi_pmem
