/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a socket link has to send: bytes of its own and, between them, buffers
 * of the application, which are not copied and must stay as they are until they
 * are sent. Not thread-safe.
 */
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ofi_pmem
{

/* A buffer for many bytes, which queues lend each other; most need little. */
struct SpareBuffer {
	std::unique_ptr<uint8_t[]> bytes;
	size_t capacity = 0;
};

class OutQueue
{
public:
	/* The spare buffer outlives the queue. */
	explicit OutQueue(SpareBuffer *spare) noexcept : spare_(spare) {}

	bool empty() const noexcept { return left_ == 0; }
	/* Returns the number of bytes that are left to be sent. */
	size_t left() const noexcept { return left_; }

	/* Returns room for `len` bytes, which add() adds. Throws
	 * std::bad_alloc. */
	uint8_t *room(size_t len);
	void add(size_t len);

	/* Adds a buffer of the application. Throws std::bad_alloc. */
	void refer(const iovec &buffer);

	/* Gets up to `count` buffers, the next to be sent; returns how many. */
	size_t next(iovec *iov, size_t count) const noexcept;

	/* So many bytes have been sent. */
	void sent(size_t len) noexcept;

private:
	/* A part of what is to be sent. */
	struct Part {
		const uint8_t *foreign; /* null: own bytes, behind the others */
		size_t len;
	};

	void grow(size_t needed);
	void lend() noexcept;
	void forget_sent() noexcept;

	SpareBuffer *spare_;
	SpareBuffer own_;
	size_t begin_ = 0; /* of own bytes that are not sent */
	size_t end_ = 0;
	std::vector<Part> parts_;
	size_t first_ = 0; /* the part to be sent next */
	size_t left_ = 0;
};

} // namespace ofi_pmem
