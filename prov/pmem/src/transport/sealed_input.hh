/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The records that arrive on a sealed socket. Each is received into private
 * memory, and opened there before anything looks at it. Not thread-safe.
 */
#pragma once

#include "seal/record.hh"
#include "transport/receive_pool.hh"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class SealedInput
{
public:
	SealedInput(std::unique_ptr<Opener> opener, ReceivePool *pool) noexcept
		: opener_(std::move(opener)), pool_(pool)
	{
	}

	/*
	 * Opens the next record unless some of the last is left, and receives
	 * it before if need be. Returns how many bytes there are then, 0 if
	 * they have not all arrived, or a negative fi_errno; -EPROTO: what
	 * arrives is not a record.
	 */
	[[nodiscard]] ssize_t fill(int fd);

	/* What was opened. take() takes from its beginning; it stays where it
	 * is as long as the piece exists. */
	const ReceivePool::Piece &opened() const noexcept { return opened_; }
	size_t left() const noexcept { return left_; }
	void take(size_t len) noexcept;

	/* Fills, then copies up to `len` bytes and takes them. */
	[[nodiscard]] ssize_t read(int fd, uint8_t *into, size_t len);

	/* Something has arrived that was not taken. */
	bool any() const noexcept { return left_ || sealed_len_; }
	uint64_t received_bytes() const noexcept { return received_; }

private:
	[[nodiscard]] ssize_t receive(int fd, size_t wanted);

	std::unique_ptr<Opener> opener_;
	ReceivePool *pool_;
	ReceivePool::Piece opened_;
	size_t left_ = 0;
	/* What has arrived behind it, and not been opened. */
	ReceivePool::Piece sealed_;
	size_t sealed_len_ = 0;
	size_t room_ = 0; /* sealed_ is memory of its own, with this room */
	uint64_t received_ = 0;
	size_t read_size_ = kFirstRead;

	/* A record of a write of 4 KiB comes at once. */
	static constexpr size_t kFirstRead = 8192;
};

} // namespace ofi_pmem
