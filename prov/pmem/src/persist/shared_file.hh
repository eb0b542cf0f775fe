/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The one descriptor that this process has of a file with regions, however many
 * they are and by whatever name they were mapped; it is closed with the last of
 * them. The open file description behind it matters: the kernel reports a lost
 * write only once for each, and then treats the page as clean (fsync(2),
 * NOTES). A second sync succeeds. So a failed sync is a failure of every region
 * of that file, also of one that is registered later, as long as the
 * description lives; and the failure is remembered when it is closed.
 *
 * Any thread may call it.
 */
#pragma once

#include "core/fork.hh"
#include "core/lock.hh"
#include "core/owned_fd.hh"
#include "persist/device_sync.hh"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace ofi_pmem
{

class SharedFile final : public DeviceSync
{
public:
	/* This is fdatasync(2), or a test's function. */
	using Sync = int (*)(int fd);
	using Ptr = std::shared_ptr<SharedFile>;

	/*
	 * Gets the file behind `found`, which is open with O_PATH or otherwise,
	 * and opens it unless it is open already. `mode` is O_RDONLY, which
	 * suffices to read and to sync, or O_RDWR; the strongest mode that was
	 * requested holds. Returns 0, or a negative fi_errno if the file cannot
	 * be opened.
	 */
	[[nodiscard]] static int open(const OwnedFd &found, int mode,
				      Ptr *file);

	/*
	 * Gets the file likewise; if it is not open yet, takes over `opened`,
	 * which need not be a description of our own.
	 */
	[[nodiscard]] static int adopt(OwnedFd opened, Ptr *file);

	int fd() const noexcept { return fd_.get(); }

	/* It is synced by this function from now on. */
	void sync_by(Sync sync_fn) noexcept { sync_fn_ = sync_fn; }

	/* A write-back failed with this errno; this counts as a failed sync. */
	void fail(int error) noexcept;

	/*
	 * True if a sync failed before the file was opened here: pages that the
	 * kernel treats as clean may be those that it could not write.
	 */
	bool suspect() const noexcept { return suspect_; }

	uint64_t device() const noexcept override { return device_; }

protected:
	int sync_device() noexcept override;

private:
	using Id = std::pair<dev_t, ino_t>;
	struct Entry;
	struct Registry;

	SharedFile(OwnedFd fd, dev_t device,
		   std::shared_ptr<std::atomic<bool>> failed_ever) noexcept;

	/* Call this under the registry's lock. */
	static int join(const Id &id, OwnedFd opened, Ptr *file);
	int upgrade(const OwnedFd &opened) noexcept;

	const Origin origin_;
	/* Its number stays; upgrade() exchanges the description behind it. */
	const OwnedFd fd_;
	const dev_t device_;
	/* It outlives this object. */
	const std::shared_ptr<std::atomic<bool>> failed_ever_;
	const bool suspect_;
	std::atomic<Sync> sync_fn_;
};

/* A shared file as a descriptor, if only that is needed. */
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
	const SharedFile::Ptr &file() const noexcept { return file_; }

private:
	/* Owned by everything that serves a region of the file. */
	SharedFile::Ptr file_;
};

/*
 * Opens the file behind a descriptor, for example one with O_PATH (open(2),
 * O_PATH). Returns an empty one on failure, with errno.
 */
OwnedFd reopen(const OwnedFd &fd, int flags);

/*
 * Makes the kernel write again what this memory, a shared mapping of a file,
 * shows: pages that it treats as clean may be those that it could not write. It
 * stores nothing, so the application may store meanwhile. Returns -FI_EIO if
 * that cannot be done (before Linux 5.14 it never can).
 */
[[nodiscard]] int write_again(const void *memory, size_t len) noexcept;

} // namespace ofi_pmem
