/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The receiving half of a socket link: whole messages, received into the pool
 * of its queues, or into memory of their own if they come piece by piece. Of a
 * long Write it receives the fixed part only; its owner reads the payload to
 * where it belongs, and meanwhile nothing else is received.
 */
#pragma once

#include "transport/receive_pool.hh"
#include "transport/sealed_input.hh"
#include "transport/transport.hh"

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class SocketReader
{
public:
	/*
	 * Receives from the socket until there is a whole message. Returns its
	 * length, with others behind it; 0 if there is none yet; or a negative
	 * fi_errno, -FI_ENOTCONN if the peer has closed the connection. What
	 * was received before must have been given back.
	 */
	[[nodiscard]] ssize_t receive(int fd, const LinkAttr &attr,
				      ReceivePool *pool);

	/*
	 * What arrives from now on is in records. Returns 0, or -EPROTO if
	 * something has arrived before.
	 */
	[[nodiscard]] int seal(std::unique_ptr<Opener> opener,
			       ReceivePool *pool);

	/* What was received last has not been given back. */
	bool taken() const noexcept { return taken_ != 0; }
	const uint8_t *bytes() const noexcept { return held_.bytes; }

	/* The number of bytes of a payload that have not been read. */
	size_t rest() const noexcept { return rest_; }
	/* So many of them are in the memory of the reader. */
	size_t rest_here() const noexcept
	{
		return sealed_ ? rest_ : std::min(rest_, len_ - taken_);
	}
	/*
	 * Reads up to `len` of them, len >= 1. Returns how many, 0 if none is
	 * there yet, or a negative fi_errno as receive() does.
	 */
	[[nodiscard]] ssize_t read_rest(int fd, uint8_t *into, size_t len);

	void give_back() noexcept;

	uint64_t received_bytes() const noexcept
	{
		return received_ + (sealed_ ? sealed_->received_bytes() : 0);
	}

	/* Something that is to be looked at by receive() is here already. */
	bool has_more() const noexcept
	{
		return !taken_ && (len_ || (sealed_ && sealed_->any()));
	}
	/* A message, or a payload, has not come to its end. */
	bool amid_message() const noexcept { return rest_ || has_more(); }

private:
	[[nodiscard]] ssize_t read(int fd, uint8_t *into, size_t len);
	[[nodiscard]] ssize_t receive_into(int fd, ReceivePool *pool,
					   size_t wanted);
	[[nodiscard]] ssize_t receive_first(int fd, ReceivePool *pool);
	void make_room(size_t wanted);

	/* Bytes that were received: first those that are taken. */
	ReceivePool::Piece held_;
	size_t len_ = 0;
	size_t taken_ = 0;
	/* held_ is memory of its own, with room for so many bytes. */
	size_t own_room_ = 0;
	size_t rest_ = 0;
	uint64_t received_ = 0;
	size_t read_size_ = kFirstRead;
	std::unique_ptr<SealedInput> sealed_;

	/*
	 * It receives little at first, because all that it gets of a payload
	 * must be copied, and more while there are many messages.
	 */
	static constexpr size_t kFirstRead = 4096;
};

} // namespace ofi_pmem
