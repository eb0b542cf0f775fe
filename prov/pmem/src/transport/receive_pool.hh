/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The memory into which all links of one user receive. What was received is
 * executed where it is; an idle link holds nothing. Not thread-safe.
 */
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

/*
 * Receives from a socket. Returns the number of bytes, 0 if none is there, or a
 * negative fi_errno, -FI_ENOTCONN if the peer has closed the connection.
 */
[[nodiscard]] ssize_t receive_some(int fd, uint8_t *into, size_t len) noexcept;

class ReceivePool
{
public:
	/* Bytes that were received. They stay while the piece exists. */
	struct Piece {
		std::shared_ptr<uint8_t[]> memory;
		uint8_t *bytes = nullptr;
	};

	/* A link receives at most this many bytes at once. */
	static constexpr size_t kMost = 65536;

	/*
	 * Returns kMost bytes, which are free until the next call. Throws
	 * std::bad_alloc.
	 */
	uint8_t *space()
	{
		if (memory_.use_count() == 1)
			used_ = 0;
		if (!memory_ || kChunk - used_ < kMost) {
			memory_.reset(new uint8_t[kChunk]);
			used_ = 0;
		}
		return &memory_[static_cast<ptrdiff_t>(used_)];
	}

	/*
	 * Returns at least `len` bytes for what comes piece by piece, such as a
	 * record. It lends the same memory again when nobody has it any more.
	 * Throws std::bad_alloc.
	 */
	std::shared_ptr<uint8_t[]> lend(size_t len)
	{
		if (len > kLent)
			return std::shared_ptr<uint8_t[]>(new uint8_t[len]);
		for (auto &one : lent_) {
			if (one.use_count() > 1)
				continue;
			if (!one)
				one.reset(new uint8_t[kLent]);
			return one;
		}
		return std::shared_ptr<uint8_t[]>(new uint8_t[kLent]);
	}

	/*
	 * Does receive_some() of up to *most bytes, at most kMost, and keeps
	 * them in *piece. Where they are all there, the next time it is more.
	 * Throws std::bad_alloc.
	 */
	[[nodiscard]] ssize_t receive(int fd, size_t *most, Piece *piece);

	/* Keeps the first `len` bytes of space(). */
	Piece keep(size_t len) noexcept
	{
		Piece piece{memory_, &memory_[static_cast<ptrdiff_t>(used_)]};
		used_ += len;
		return piece;
	}

private:
	static constexpr size_t kChunk = 4 * kMost;
	static constexpr size_t kLent = kMost + 64;

	std::shared_ptr<uint8_t[]> memory_;
	size_t used_ = 0;
	/* One record is opened while the next one begins to arrive. */
	std::shared_ptr<uint8_t[]> lent_[2];
};

} // namespace ofi_pmem
