/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/read_back.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "persist/mapping.hh"

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

ReadBackBuffer::~ReadBackBuffer()
{
	if (data_)
		munmap(data_, kSize);
}

int ReadBackBuffer::open() noexcept
{
	if (data_)
		return 0;
	OwnedFd fd(memfd_create("ofi_pmem read back", MFD_CLOEXEC));
	if (!fd || ftruncate(fd.get(), kSize))
		return -errno;
	void *mapped = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd.get(), 0);
	if (mapped == MAP_FAILED)
		return -errno;
	data_ = static_cast<uint8_t *>(mapped);
	fd_ = std::move(fd);
	return 0;
}

int ReadBackBuffer::copy_from(const void *memory, size_t len) noexcept
{
	auto source = static_cast<const char *>(memory);
	size_t done = 0;
	while (done < len) {
		ssize_t copied = pwrite(fd_.get(), source + done, len - done,
					static_cast<off_t>(done));
		if (copied < 0 && errno == EINTR)
			continue;
		if (copied <= 0)
			return -FI_EIO;
		done += static_cast<size_t>(copied);
	}
	return 0;
}

#ifdef __x86_64__

namespace
{

constexpr size_t kLine = 64;

bool has_clflushopt() noexcept
{
	static const bool found = [] {
		unsigned a = 0;
		unsigned b = 0;
		unsigned c = 0;
		unsigned d = 0;
		return __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
		       (b & bit_CLFLUSHOPT);
	}();
	return found;
}

[[gnu::target("clflushopt")]] void clflushopt_lines(uintptr_t line,
						    uintptr_t end) noexcept
{
	for (; line < end; line += kLine)
		_mm_clflushopt(reinterpret_cast<void *>(line));
}

/* SFENCE would not order the loads behind it. */
void evict_lines(const void *memory, size_t len) noexcept
{
	auto begin = reinterpret_cast<uintptr_t>(memory);
	uintptr_t line = begin & ~(kLine - 1);
	if (has_clflushopt()) {
		clflushopt_lines(line, begin + len);
	} else {
		for (; line < begin + len; line += kLine)
			_mm_clflush(reinterpret_cast<void *>(line));
	}
	_mm_mfence();
}

} // namespace

bool can_evict_lines() noexcept
{
	return true;
}

#else

namespace
{

void evict_lines(const void *, size_t) noexcept
{
}

} // namespace

bool can_evict_lines() noexcept
{
	return false;
}

#endif

/* Evicting a line faults as a load does (Intel SDM, CLFLUSHOPT). */
bool ReadBackBuffer::readable(const void *memory, size_t len) noexcept
{
	auto begin = reinterpret_cast<uintptr_t>(memory);
	uintptr_t page = align_down(begin, page_size());
	if (!madvise(reinterpret_cast<void *>(page), begin + len - page,
		     MADV_POPULATE_READ))
		return true;
	/* This happens before Linux 5.14. */
	return errno == EINVAL && !copy_from(memory, len);
}

int ReadBackBuffer::copy_evicted(const void *memory, size_t len) noexcept
{
	if (!readable(memory, len))
		return -FI_EIO;
	evict_lines(memory, len);
	return copy_from(memory, len);
}

} // namespace ofi_pmem
