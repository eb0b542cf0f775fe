/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The registry of open files and their syncs. The registry's lock is held while
 * a file is opened, and taken before the lock of a file.
 */
#include "config.h"

#include "persist/shared_file.hh"

#include <climits>
#include <cstdio>
#include <map>

#include <sys/mman.h>
#include <sys/stat.h>

#include <rdma/fi_errno.h>

#include "core/log.hh"
#include "persist/mapping.hh"

namespace ofi_pmem
{

struct SharedFile::Entry {
	/* Expired when nobody serves a region of the file. */
	std::weak_ptr<SharedFile> file;
	/* Null as long as the file was not opened. */
	std::shared_ptr<std::atomic<bool>> failed_ever;

	/*
	 * Null as well if a parent process has it: of a description that both
	 * sync, one would take the other's errors away.
	 */
	Ptr own() const
	{
		Ptr found = file.lock();
		bool usable = found && !found->origin_.inherited();
		return usable ? found : nullptr;
	}

	bool is_needed() const
	{
		return !file.expired() || (failed_ever && *failed_ever);
	}
};

struct SharedFile::Registry {
	std::mutex lock;
	std::map<Id, Entry> files;
	size_t limit = 64;

	/* When it has twice as many as were needed the last time. */
	void forget_unneeded()
	{
		if (files.size() < limit)
			return;
		for (auto it = files.begin(); it != files.end();)
			it = it->second.is_needed() ? std::next(it)
						    : files.erase(it);
		limit = 2 * files.size() + 64;
	}

	/* Never destroyed: regions may be closed when the process exits. */
	static Registry &get()
	{
		static auto *registry = new Registry;
		return *registry;
	}
};

namespace
{

bool is_writable(int fd) noexcept
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* Its present name, of which there may be many. */
void warn_failed(int fd, int error) noexcept
{
	char link[32];
	char name[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, name, sizeof(name));
	PMEM_WARN(FI_LOG_MR, "cannot sync file %.*s: %s (%d)",
		  len < 0 ? 0 : static_cast<int>(len), name, fi_strerror(error),
		  error);
}

int sync_once(SharedFile::Sync sync_fn, int fd) noexcept
{
	while (sync_fn(fd)) {
		int error = errno;
		if (error == EINTR)
			continue;
		warn_failed(fd, error);
		return -error;
	}
	return 0;
}

} // namespace

OwnedFd reopen(const OwnedFd &fd, int flags)
{
	std::string link = "/proc/self/fd/" + std::to_string(fd.get());
	return open_fd(link.c_str(), flags);
}

SharedFile::SharedFile(OwnedFd fd,
		       std::shared_ptr<std::atomic<bool>> failed_ever) noexcept
	: fd_(std::move(fd)), failed_ever_(std::move(failed_ever)),
	  suspect_(*failed_ever_)
{
}

/*
 * What the old description was not told yet it is asked for, after the new one
 * was opened: so no failure falls between the two. Not of a device, which has
 * nothing to sync.
 */
int SharedFile::upgrade(const OwnedFd &opened) noexcept
{
	struct stat st;
	if (fstat(fd_.get(), &st))
		return -errno;
	int ret = S_ISREG(st.st_mode) ? sync(fdatasync) : 0;
	if (ret)
		return ret;
	while (dup3(opened.get(), fd_.get(), O_CLOEXEC) < 0) {
		if (errno != EINTR && errno != EBUSY)
			return -errno;
	}
	return 0;
}

/* The registry's lock is held. */
int SharedFile::join(const Id &id, OwnedFd opened, Ptr *file)
{
	auto &registry = Registry::get();
	registry.forget_unneeded();
	Entry &entry = registry.files[id];
	if (Ptr shared = entry.own()) {
		bool weaker =
			is_writable(opened.get()) && !is_writable(shared->fd());
		int ret = weaker ? shared->upgrade(opened) : 0;
		if (!ret)
			*file = std::move(shared);
		return ret;
	}
	if (!entry.failed_ever)
		entry.failed_ever = std::make_shared<std::atomic<bool>>(false);
	Ptr made(new SharedFile(std::move(opened), entry.failed_ever));
	entry.file = made;
	*file = std::move(made);
	return 0;
}

int SharedFile::open(const OwnedFd &found, int mode, Ptr *file)
{
	struct stat st;
	if (fstat(found.get(), &st))
		return -errno;
	Id id{st.st_dev, st.st_ino};
	auto &registry = Registry::get();
	std::lock_guard guard(registry.lock);
	auto entry = registry.files.find(id);
	if (entry != registry.files.end()) {
		Ptr shared = entry->second.own();
		if (shared && (mode != O_RDWR || is_writable(shared->fd()))) {
			*file = std::move(shared);
			return 0;
		}
	}
	OwnedFd own = reopen(found, mode);
	return own ? join(id, std::move(own), file) : -errno;
}

int SharedFile::adopt(OwnedFd opened, Ptr *file)
{
	struct stat st;
	if (fstat(opened.get(), &st))
		return -errno;
	std::lock_guard guard(Registry::get().lock);
	return join({st.st_dev, st.st_ino}, std::move(opened), file);
}

/*
 * One sync serves all who asked before it began. Nobody may succeed who asked
 * later than one that failed, though the kernel tells him nothing.
 */
int SharedFile::sync(Sync sync_fn) noexcept
{
	std::unique_lock lock(mutex_);
	uint64_t ticket = ++asked_;
	while (done_ < ticket && !failure_) {
		if (syncing_) {
			changed_.wait(lock);
			continue;
		}
		syncing_ = true;
		uint64_t covered = asked_;
		lock.unlock();
		int ret = sync_once(sync_fn, fd());
		lock.lock();
		syncing_ = false;
		done_ = covered;
		if (ret) {
			failure_ = ret;
			*failed_ever_ = true;
		}
		changed_.notify_all();
	}
	return failure_;
}

void SharedFile::fail(int error) noexcept
{
	warn_failed(fd(), error);
	std::lock_guard guard(mutex_);
	if (!failure_)
		failure_ = -error;
	*failed_ever_ = true;
}

/*
 * Dirty as if each page was stored to (madvise(2)). It is no use to ask which
 * are cached, mincore(2): one that could not be written may count as none.
 */
int write_again(const void *memory, size_t len) noexcept
{
	auto begin = reinterpret_cast<uintptr_t>(memory);
	uintptr_t page = align_down(begin, page_size());
	int ret = madvise(reinterpret_cast<void *>(page), begin + len - page,
			  MADV_POPULATE_WRITE);
	return ret ? -FI_EIO : 0;
}

} // namespace ofi_pmem
