/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/secret.hh"

#include <openssl/crypto.h>
#include <rdma/fi_errno.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ofi_pmem
{

namespace
{

size_t page_size() noexcept
{
	static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	return size;
}

/*
 * Locking fails where RLIMIT_MEMLOCK is low. That is accepted: only who can
 * read the swap device sees the page then. A core dump or a child may be read
 * by others, so the rest must succeed.
 */
bool protect(void *page) noexcept
{
	static_cast<void>(mlock(page, page_size()));
	return !madvise(page, page_size(), MADV_DONTDUMP) &&
	       !madvise(page, page_size(), MADV_WIPEONFORK);
}

} // namespace

int Secret::assign(const uint8_t *bytes, size_t len) noexcept
{
	if (!len || len > kMaxLength)
		return -FI_EINVAL;
	void *page = mmap(nullptr, page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -FI_ENOMEM;
	if (!protect(page)) {
		int ret = -errno;
		munmap(page, page_size());
		return ret;
	}
	wipe();
	MutexLock guard(lock_);
	page_ = static_cast<Page *>(page);
	std::memcpy(page_->bytes, bytes, len);
	page_->len = len;
	return 0;
}

void Secret::wipe() noexcept
{
	MutexLock guard(lock_);
	if (!page_)
		return;
	OPENSSL_cleanse(page_, page_size());
	munmap(page_, page_size());
	page_ = nullptr;
}

size_t Secret::size() const noexcept
{
	MutexLock guard(lock_);
	return page_ ? page_->len : 0;
}

bool Secret::copy(uint8_t *bytes, size_t len) const noexcept
{
	MutexLock guard(lock_);
	if (!page_ || page_->len != len)
		return false;
	std::memcpy(bytes, page_->bytes, len);
	return true;
}

bool Secret::equals(const uint8_t *bytes, size_t len) const noexcept
{
	MutexLock guard(lock_);
	return page_ && page_->len == len &&
	       !CRYPTO_memcmp(page_->bytes, bytes, len);
}

} // namespace ofi_pmem
