/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One end of a channel: an inner MSG endpoint with its message buffers. Knows
 * how to post receives and to send; what the messages mean is for its owner,
 * the initiator's Channel or the service's Session.
 *
 * Inner operations carry a handle as context, never a pointer: completions of
 * a closed endpoint can still be in the queue, and then name a link id that
 * nobody has.
 *
 * Not thread safe; the owner serialises.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <rdma/fi_endpoint.h>
#include <rdma/fi_rma.h>

#include "plane/hidden_domain.hh"
#include "plane/wire.hh"

namespace ofi_pmem
{

/* The context of an inner operation: which link, what, and which slot. */
struct Handle {
	enum Kind : uint16_t { receive = 1, send = 2, one_sided = 3 };

	uint32_t link;
	Kind kind;
	uint16_t slot;

	void *to_context() const noexcept
	{
		return reinterpret_cast<void *>(uintptr_t{link} << 32 |
						uintptr_t{kind} << 16 | slot);
	}

	static Handle from_context(const void *context) noexcept
	{
		auto value = reinterpret_cast<uintptr_t>(context);
		return {static_cast<uint32_t>(value >> 32),
			static_cast<Kind>(value >> 16 & 0xffff),
			static_cast<uint16_t>(value)};
	}
};
static_assert(sizeof(uintptr_t) == 8, "handles need 64-bit contexts");

/* Message buffers of equal size in one anonymous mapping, touched on use. */
class BufferArena
{
public:
	BufferArena() = default;
	BufferArena(const BufferArena &) = delete;
	BufferArena &operator=(const BufferArena &) = delete;
	~BufferArena();

	[[nodiscard]] int open(const HiddenDomain &domain, uint16_t count,
			       uint64_t access);

	uint8_t *at(uint16_t slot) const noexcept
	{
		return base_ + size_t{slot} * wire::kMaxMessage;
	}
	void *desc() const noexcept { return desc_; }
	uint16_t count() const noexcept { return count_; }

private:
	uint8_t *base_ = nullptr;
	size_t len_ = 0;
	uint16_t count_ = 0;
	void *desc_ = nullptr;
	FidPtr<fid_mr> mr_;
};

class Link
{
public:
	/*
	 * Opens and enables the endpoint and posts every receive buffer.
	 * `info` is one to connect with, or that of a connection request.
	 */
	[[nodiscard]] int open(const HiddenDomain &domain, fi_info *info,
			       const Queues &queues, uint32_t id,
			       uint16_t receives, uint16_t sends);

	fid_ep *ep() const noexcept { return ep_.get(); }
	uint32_t id() const noexcept { return id_; }

	const uint8_t *received(uint16_t slot) const noexcept
	{
		return receive_buffers_.at(slot);
	}
	[[nodiscard]] int post_receive(uint16_t slot) noexcept;

	/* How many messages can be begun now. */
	size_t free_sends() const noexcept { return free_sends_.size(); }

	/*
	 * A buffer of wire::kMaxMessage bytes for a message; finish it with
	 * send(). Only while free_sends() > 0.
	 */
	uint8_t *begin() noexcept;

	/*
	 * Sends the first `len` bytes of the buffer begun last. What the
	 * inner provider cannot take now is kept, in order, for
	 * send_waiting(). Negative fi_errno when the link is broken.
	 */
	[[nodiscard]] int send(size_t len) noexcept;
	[[nodiscard]] int send_waiting() noexcept;
	bool has_waiting() const noexcept { return !waiting_.empty(); }

	/* A completed send gives its buffer back. */
	void sent(uint16_t slot) noexcept { free_sends_.push_back(slot); }

	template <typename Message>
	[[nodiscard]] int send_message(const Message &message) noexcept
	{
		std::memcpy(begin(), &message, sizeof(message));
		return send(sizeof(message));
	}

private:
	struct Waiting {
		uint16_t slot;
		size_t len;
	};

	[[nodiscard]] int post_send(uint16_t slot, size_t len) noexcept;

	uint32_t id_ = 0;
	/* Buffers before the endpoint that uses them: closed after it. */
	BufferArena receive_buffers_;
	BufferArena send_buffers_;
	std::vector<uint16_t> free_sends_;
	std::deque<Waiting> waiting_;
	uint16_t begun_ = 0;
	FidPtr<fid_ep> ep_;
};

} // namespace ofi_pmem
