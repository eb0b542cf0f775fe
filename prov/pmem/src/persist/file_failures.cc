/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "persist/file_failures.hh"

#include <map>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

#include <rdma/fi_errno.h>

#include "persist/mapping.hh"

namespace ofi_pmem
{

namespace
{

using FileId = std::pair<dev_t, ino_t>;
using Files = std::map<FileId, std::shared_ptr<FileFailures>>;

std::mutex files_lock;

Files &files()
{
	static Files all;
	return all;
}

/* Those that nobody uses and nothing happened to. */
void forget_sound()
{
	for (auto it = files().begin(); it != files().end();) {
		bool needed = it->second.use_count() > 1 || it->second->count();
		it = needed ? std::next(it) : files().erase(it);
	}
}

} // namespace

std::shared_ptr<FileFailures> FileFailures::of(int fd)
{
	struct stat st = {};
	static_cast<void>(fstat(fd, &st));
	std::lock_guard guard(files_lock);
	forget_sound();
	auto &found = files()[{st.st_dev, st.st_ino}];
	if (!found)
		found = std::make_shared<FileFailures>();
	return found;
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
