/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One end of a channel: a reliable connection with its message buffers. It
 * knows how to receive, to send and to access remote memory; its owner, the
 * initiator's Channel or the service's Session, knows what the messages mean.
 *
 * Posted operations are executed in order as far as PERSISTENCE allows: a
 * message arrives behind the writes before it.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include <sys/uio.h>

#include "transport/transport.hh"

namespace ofi_pmem
{

/* Message buffers of equal size in one anonymous mapping, touched on use. */
class BufferArena
{
public:
	BufferArena() = default;
	BufferArena(const BufferArena &) = delete;
	BufferArena &operator=(const BufferArena &) = delete;
	~BufferArena();

	[[nodiscard]] int open(const Transport &transport, uint16_t count,
			       size_t bytes, uint64_t access);

	uint8_t *at(uint16_t slot) const noexcept
	{
		return base_ + size_t{slot} * bytes_;
	}
	size_t bytes() const noexcept { return bytes_; }
	void *desc() const noexcept
	{
		return memory_ ? memory_->desc : nullptr;
	}
	uint16_t count() const noexcept { return count_; }

private:
	uint8_t *base_ = nullptr;
	size_t len_ = 0;
	size_t bytes_ = 0;
	uint16_t count_ = 0;
	std::unique_ptr<LinkMemory> memory_;
};

inline constexpr size_t kMaxOneSidedBuffers = 8;

/* One operation on remote memory. */
struct OneSided {
	enum class Kind : uint8_t {
		write,
		write_visible, /* completes when visible at the target */
		read,
		flush_persistent, /* covers what this link wrote before */
		flush_visible,
		atomic_write, /* 8 aligned bytes, behind every flush before */
	};

	Kind kind;
	uint64_t addr; /* at the target */
	uint64_t key;
	size_t len; /* >= 1; for a flush < 4 GiB */
	/* Local buffers, at most kMaxOneSidedBuffers; a flush has none. */
	const iovec *iov = nullptr;
	void *const *desc = nullptr;
	size_t iov_count = 0;
};

class Link
{
public:
	virtual ~Link() = default;
	Link(const Link &) = delete;
	Link &operator=(const Link &) = delete;

	uint32_t id() const noexcept { return attr_.id; }

	const uint8_t *received(uint16_t slot) const noexcept
	{
		return receive_buffers_.at(slot);
	}
	[[nodiscard]] virtual int post_receive(uint16_t slot) noexcept = 0;

	/* The number of messages that can be begun now. */
	size_t free_sends() const noexcept { return free_sends_.size(); }

	/*
	 * Returns a buffer for a message of `len` bytes, to be finished with
	 * send(). Call it only while free_sends() > 0.
	 */
	uint8_t *begin(size_t len) noexcept;

	/*
	 * Sends what was begun last. What cannot be posted now is kept, in
	 * order, for send_waiting(). Returns 0, or a negative fi_errno if the
	 * link is broken.
	 */
	[[nodiscard]] int send() noexcept;
	[[nodiscard]] int send_waiting() noexcept;
	bool has_waiting() const noexcept
	{
		return filled_ || !waiting_.empty();
	}

	/*
	 * Messages that are sent from hold() to release() leave together, as
	 * many as a buffer holds: each costs a system call at both ends, and
	 * the target a turn of its service.
	 */
	void hold() noexcept { holding_ = true; }
	[[nodiscard]] int release() noexcept;

	/* A completed send gives its buffer back. Not every send completes. */
	void sent(uint16_t slot) noexcept;

	/*
	 * Lends a buffer for something other than a message, until give_back().
	 * Call it only while free_sends() > 0.
	 */
	uint16_t borrow() noexcept;
	void give_back(uint16_t slot) noexcept { free_sends_.push_back(slot); }
	uint8_t *borrowed(uint16_t slot) const noexcept
	{
		return send_buffers_.at(slot);
	}
	void *borrowed_desc() const noexcept { return send_buffers_.desc(); }

	template <typename Message>
	[[nodiscard]] int send_message(const Message &message) noexcept
	{
		std::memcpy(begin(sizeof(message)), &message, sizeof(message));
		return send();
	}

	/* Sends `len` bytes behind the message. */
	template <typename Message>
	[[nodiscard]] int send_message(const Message &message, const void *rest,
				       size_t len) noexcept
	{
		uint8_t *buffer = begin(sizeof(message) + len);
		std::memcpy(buffer, &message, sizeof(message));
		if (len)
			std::memcpy(buffer + sizeof(message), rest, len);
		return send();
	}

	/*
	 * Posts up to TransportTraits::max_chain operations; one completion,
	 * with `slot`, means that all are done. -FI_EAGAIN means that none was
	 * posted and progress may help, other errors that the link is broken.
	 */
	[[nodiscard]] virtual int post_chain(const OneSided *chain,
					     size_t count,
					     uint16_t slot) noexcept = 0;

	/* The chain of this slot has completed. */
	virtual void chain_done(uint16_t slot) noexcept = 0;

protected:
	explicit Link(const LinkAttr &attr) noexcept : attr_(attr) {}

	[[nodiscard]] int open_buffers(const Transport &transport);
	[[nodiscard]] int post_receives() noexcept;
	/* Called before post_receives(). */
	void limit_receives(uint16_t most) noexcept
	{
		attr_.receives = std::min(attr_.receives, most);
	}

	Handle handle(Handle::Kind kind, uint16_t slot) const noexcept
	{
		return {attr_.id, kind, slot};
	}
	const LinkAttr &attr() const noexcept { return attr_; }

	/* kInjected means that the buffer is free and no completion comes. */
	static constexpr int kInjected = 1;
	[[nodiscard]] virtual int post_send(uint16_t slot,
					    size_t len) noexcept = 0;
	/* Its queue entry is free again. */
	virtual void send_done() noexcept {}

	BufferArena receive_buffers_;
	BufferArena send_buffers_;

private:
	struct Waiting {
		uint16_t slot;
		size_t len;
	};

	[[nodiscard]] int post_message(uint16_t slot, size_t len) noexcept;
	[[nodiscard]] int post_filled() noexcept;

	LinkAttr attr_;
	std::vector<uint16_t> free_sends_;
	std::deque<Waiting> waiting_;
	uint16_t begun_ = 0;   /* the buffer of the last message */
	size_t begun_len_ = 0; /* of that message */
	size_t filled_ = 0;    /* bytes of complete messages in the buffer */
	bool holding_ = false;
	int failed_ = 0; /* posting failed; the next send() reports it */
};

} // namespace ofi_pmem
