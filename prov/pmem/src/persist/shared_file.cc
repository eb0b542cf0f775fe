/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The registry of open files and their syncs. The registry's lock is held while
 * a file is opened, and taken before the lock of a file.
 */
#include "persist/shared_file.hh"

#include "core/log.hh"
#include "persist/mapping.hh"

#include <climits>
#include <rdma/fi_errno.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdio>
#include <map>

namespace ofi_pmem
{

struct SharedFile::Entry {
	/* It has expired if nobody serves a region of the file. */
	std::weak_ptr<SharedFile> file;
	/* It is null as long as the file was not opened. */
	std::shared_ptr<std::atomic<bool>> failed_ever;

	/*
	 * Also returns null if it is a parent process's: if both synced one
	 * description, one would take the other's errors away.
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
	Mutex lock{lock_rank::kSharedFiles};
	std::map<Id, Entry> files PMEM_GUARDED_BY(lock);
	size_t limit PMEM_GUARDED_BY(lock) = 64;

	/*
	 * Acts when there are twice as many entries as were needed the last
	 * time.
	 */
	void forget_unneeded() PMEM_REQUIRES(lock)
	{
		if (files.size() < limit)
			return;
		for (auto it = files.begin(); it != files.end();)
			it = it->second.is_needed() ? std::next(it)
						    : files.erase(it);
		limit = 2 * files.size() + 64;
	}

	/*
	 * It is never destroyed: regions may be closed when the process exits.
	 */
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

/* Names the file by its present name, of which there may be many. */
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

SharedFile::SharedFile(OwnedFd fd, dev_t device,
		       std::shared_ptr<std::atomic<bool>> failed_ever) noexcept
	: fd_(std::move(fd)), device_(device),
	  failed_ever_(std::move(failed_ever)), suspect_(*failed_ever_),
	  sync_fn_(fdatasync)
{
}

/*
 * After the new description was opened, the old one is asked for errors that it
 * has not reported yet: so no failure falls between the two. A device has
 * nothing to sync.
 */
int SharedFile::upgrade(const OwnedFd &opened) noexcept
{
	struct stat st;
	if (fstat(fd_.get(), &st))
		return -errno;
	int ret = S_ISREG(st.st_mode) ? sync() : 0;
	if (ret)
		return ret;
	while (dup3(opened.get(), fd_.get(), O_CLOEXEC) < 0) {
		if (errno != EINTR && errno != EBUSY)
			return -errno;
	}
	return 0;
}

int SharedFile::join(const Id &id, OwnedFd opened, Ptr *file)
{
	auto &registry = Registry::get();
	registry.lock.assert_held();
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
	Ptr made(
		new SharedFile(std::move(opened), id.first, entry.failed_ever));
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
	MutexLock guard(registry.lock);
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
	MutexLock guard(Registry::get().lock);
	return join({st.st_dev, st.st_ino}, std::move(opened), file);
}

int SharedFile::sync_device() noexcept
{
	int ret = sync_once(sync_fn_, fd());
	if (ret)
		*failed_ever_ = true;
	return ret;
}

void SharedFile::fail(int error) noexcept
{
	warn_failed(fd(), error);
	*failed_ever_ = true;
	set_failure(-error);
}

/*
 * Makes pages dirty as if each was stored to (madvise(2)). Asking which ones
 * are cached, by mincore(2), does not help: one that could not be written may
 * count as not cached.
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
