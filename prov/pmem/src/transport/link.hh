/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One end of a channel: a reliable connection. It knows how to receive, to send
 * and, over a NIC, to access remote memory; its owner, the initiator's Channel
 * or the service's Session, knows what the messages mean.
 *
 * Posted operations are executed in order as far as PERSISTENCE allows: a
 * message arrives behind the writes before it.
 */
#pragma once

#include "transport/transport.hh"

#include <rdma/fi_errno.h>

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <cstring>
#include <memory>

namespace ofi_pmem
{

class Opener;
class Sealer;

inline constexpr size_t kMaxOneSidedBuffers = 8;

/* Describes one operation on remote memory. */
struct OneSided {
	enum class Kind : uint8_t {
		write,
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
	const iovec *iov;
	void *const *desc;
	size_t iov_count;
};

class Link
{
public:
	virtual ~Link() = default;
	Link(const Link &) = delete;
	Link &operator=(const Link &) = delete;

	uint32_t id() const noexcept { return attr_.id; }
	bool long_writes() const noexcept { return attr_.long_writes; }

	/*
	 * What is sent from now on is sealed, and what is received must be.
	 * Returns 0, or -EPROTO if more was received already, which nobody
	 * has sealed. Both are null on a link that is not sealed.
	 */
	[[nodiscard]] virtual int seal(std::unique_ptr<Sealer> out,
				       std::unique_ptr<Opener> in) = 0;
	/*
	 * Call it once before received(), with the length of the completion.
	 * Returns the length of the messages, or a negative fi_errno if they
	 * are not what the peer has sealed.
	 */
	[[nodiscard]] virtual ssize_t open_received(uint16_t, size_t len)
	{
		return static_cast<ssize_t>(len);
	}

	/* Returns what was received: one or more whole messages, end to end. */
	virtual const uint8_t *received(uint16_t slot) const noexcept = 0;
	/* They are not needed any more: more may be received. */
	[[nodiscard]] virtual int post_receive(uint16_t slot) noexcept = 0;

	/*
	 * With LinkAttr::long_writes the last message may be the fixed part of
	 * a long Write. Then so many bytes of its payload have not been read.
	 */
	virtual size_t rest() const noexcept { return 0; }
	/* So many of them have been received with other messages. */
	virtual size_t rest_here() const noexcept { return 0; }
	/*
	 * Reads up to `len` of them, len >= 1; they must all be read before
	 * post_receive(). Returns how many were read, -FI_EFAULT if the memory
	 * cannot be written, or another negative fi_errno if the link is
	 * broken. If none is there yet it returns 0, and a completion says when
	 * there are some (Handle::rest).
	 */
	[[nodiscard]] virtual ssize_t read_rest(uint8_t *, size_t) noexcept
	{
		return -FI_EOPNOTSUPP;
	}

	/* Returns how many bytes have been received, and whether the last of
	 * them are a part of a message. */
	virtual uint64_t received_bytes() const noexcept { return 0; }
	virtual bool amid_message() const noexcept { return false; }

	/* The number of messages that can be begun now. */
	virtual size_t free_sends() const noexcept = 0;

	/*
	 * Returns a buffer for a message of `len` bytes, to be finished with
	 * send(). Call it only while free_sends() > 0. It may throw
	 * std::bad_alloc, and so may send().
	 */
	virtual uint8_t *begin(size_t len) = 0;

	/*
	 * Sends what was begun last. What cannot be posted now is kept, in
	 * order, for send_waiting(). Returns 0, or a negative fi_errno if the
	 * link is broken.
	 */
	[[nodiscard]] virtual int send() = 0;
	[[nodiscard]] virtual int send_waiting() noexcept = 0;
	/*
	 * Sends what was begun last and, behind it, the payload of a long
	 * Write, which is not copied: it must not change until sent_bytes() has
	 * reached the position() after the call. Only for links with
	 * LinkAttr::long_writes.
	 */
	[[nodiscard]] virtual int send_long(const iovec *, size_t)
	{
		return -FI_EOPNOTSUPP;
	}
	/* Returns how many bytes were given to the link, and how many of these
	 * it does not need any more. */
	virtual uint64_t position() const noexcept { return 0; }
	virtual uint64_t sent_bytes() const noexcept { return UINT64_MAX; }

	/* There are messages that no event will move. */
	virtual bool has_waiting() const noexcept = 0;

	/*
	 * Messages that are sent from hold() to release() leave together: each
	 * that leaves alone costs a system call at both ends, and the target a
	 * turn of its service.
	 */
	virtual void hold() noexcept = 0;
	/* Returns true if more can be held and somebody gains by that. */
	virtual bool gathers() const noexcept { return false; }
	[[nodiscard]] virtual int release() noexcept = 0;

	/* The send of this slot has completed. Not every send does. */
	virtual void sent(uint16_t slot) noexcept = 0;

	template <typename Message>
	[[nodiscard]] int send_message(const Message &message)
	{
		std::memcpy(begin(sizeof(message)), &message, sizeof(message));
		return send();
	}

	/* Sends `len` bytes behind the message. */
	template <typename Message>
	[[nodiscard]] int send_message(const Message &message, const void *rest,
				       size_t len)
	{
		uint8_t *buffer = begin(sizeof(message) + len);
		std::memcpy(buffer, &message, sizeof(message));
		if (len)
			std::memcpy(buffer + sizeof(message), rest, len);
		return send();
	}

	/*
	 * The rest is for transports with TransportTraits::one_sided.
	 *
	 * Lends a buffer for something other than a message, until give_back().
	 * Call it only while free_sends() > 0.
	 */
	virtual uint16_t borrow() noexcept { return 0; }
	virtual void give_back(uint16_t) noexcept {}
	virtual uint8_t *borrowed(uint16_t) const noexcept { return nullptr; }
	virtual void *borrowed_desc() const noexcept { return nullptr; }

	/*
	 * Posts up to TransportTraits::max_chain operations; one completion,
	 * with this slot, means that all are done. -FI_EAGAIN means that none
	 * was posted and progress may help, other errors that the link is
	 * broken.
	 */
	[[nodiscard]] virtual int post_chain(const OneSided *, size_t,
					     uint16_t) noexcept
	{
		return -FI_EOPNOTSUPP;
	}

	/* The chain of this slot has completed. */
	virtual void chain_done(uint16_t) noexcept {}

protected:
	explicit Link(const LinkAttr &attr) noexcept : attr_(attr) {}

	Handle handle(Handle::Kind kind, uint16_t slot) const noexcept
	{
		return {attr_.id, kind, slot};
	}
	const LinkAttr &attr() const noexcept { return attr_; }

private:
	const LinkAttr attr_;
};

} // namespace ofi_pmem
