/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The local buffers of an operation, seen as one sequence of bytes.
 */
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ofi_pmem
{

/* getinfo() reports these limits for endpoints with FI_RMA_PMEM. */
inline constexpr size_t kMaxIov = 8;
inline constexpr size_t kMaxRmaIov = 8;

/*
 * Operations that an endpoint holds at a time. tx_attr->size of a persistent
 * info is at most the first of these, unless the hints ask for more, which may
 * be up to the second.
 */
inline constexpr size_t kDefaultTransmits = 1024;
inline constexpr size_t kMaxTransmits = 16384;

class Buffers
{
public:
	/* `count` is at most kMaxIov; the bytes are not copied. */
	void assign(const iovec *iov, size_t count) noexcept
	{
		std::copy(iov, iov + count, iov_);
		count_ = count;
	}

	const iovec *iov() const noexcept { return iov_; }
	size_t count() const noexcept { return count_; }

	/* Returns the length in bytes. */
	size_t length() const noexcept
	{
		size_t len = 0;
		for (size_t i = 0; i < count_; i++)
			len += iov_[i].iov_len;
		return len;
	}

	/*
	 * Calls visit(index, base, len) for the part of each buffer that lies
	 * in [offset, offset + len).
	 */
	template <typename Visit>
	void for_each_part(size_t offset, size_t len,
			   Visit &&visit) const noexcept
	{
		for (size_t i = 0; i < count_ && len; i++) {
			if (offset >= iov_[i].iov_len) {
				offset -= iov_[i].iov_len;
				continue;
			}
			size_t part = std::min(len, iov_[i].iov_len - offset);
			visit(i,
			      static_cast<uint8_t *>(iov_[i].iov_base) + offset,
			      part);
			len -= part;
			offset = 0;
		}
	}

	/* Copies `len` bytes from or to the buffers at `offset`. */
	void gather(size_t offset, uint8_t *target, size_t len) const noexcept
	{
		for_each_part(offset, len,
			      [&](size_t, const uint8_t *base, size_t part) {
				      std::memcpy(target, base, part);
				      target += part;
			      });
	}
	void scatter(size_t offset, const uint8_t *source,
		     size_t len) const noexcept
	{
		for_each_part(offset, len,
			      [&](size_t, uint8_t *base, size_t part) {
				      std::memcpy(base, source, part);
				      source += part;
			      });
	}

private:
	iovec iov_[kMaxIov] = {};
	size_t count_ = 0;
};

} // namespace ofi_pmem
