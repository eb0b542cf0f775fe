/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The requests of one connection that are not answered yet, in order. Every
 * request is posted by begin() and send(), as far as the credits that the
 * service granted allow.
 */
#pragma once

#include "initiator/connection.hh"
#include "initiator/op.hh"
#include "initiator/stall_watch.hh"
#include "protocol/wire.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ofi_pmem
{

class DirtyTracker;

/* A request that is not answered yet. */
struct Request {
	explicit Request(wire::Type request_type,
			 PersistentOp *operation = nullptr) noexcept
		: type(request_type), op(operation)
	{
	}
	Request() noexcept = default;

	wire::Type type = wire::Type::write;
	bool fence = false;
	bool drains = false;	    /* a Flush that commits */
	bool fetches = false;	    /* answered with data */
	bool compares = false;	    /* with what is expected */
	PersistentOp *op = nullptr; /* null if it is our own */
	/* It is written or read; for an atomic only the length counts. */
	wire::Range range{};
	size_t iov_offset = 0; /* where data that is read goes */
	uint64_t number = 0;   /* of the StallWatch */
	uint64_t end = 0;      /* its position in what the link sends */
	/* A verification covers these blocks of its operation. */
	size_t first_block = 0;
	size_t blocks = 0;

	/* Returns the type of message that it succeeds with. */
	wire::Type success() const noexcept;

	/* A one-sided access to the range must not overtake this request. */
	bool touches(const wire::Range &range, bool write) const noexcept;
};

class RequestWindow
{
public:
	RequestWindow(Connection *connection, DirtyTracker *dirty,
		      StallWatch *stall) noexcept
		: connection_(connection), dirty_(dirty), stall_(stall)
	{
	}

	/* The service granted this many credits. */
	void open(uint32_t credits) noexcept { credits_ = credits; }

	/* There is a credit, and a buffer. */
	bool may_post() const noexcept
	{
		return connection_->link().free_sends() && room();
	}
	/* Returns the number of credits that are left. */
	size_t room() const noexcept { return credits_ - unanswered(); }

	template <typename Message>
	Message make(uint64_t operation, uint16_t flags = 0,
		     size_t payload = 0) const noexcept
	{
		return wire::make<Message>(next_sequence_, operation, flags,
					   payload);
	}

	/* Returns where the payload of this message goes. Call it only if
	 * may_post() is true, and send() after it. */
	template <typename Message>
	uint8_t *begin(const Message &message) noexcept
	{
		uint8_t *bytes =
			connection_->link().begin(message.header.length);
		std::memcpy(bytes, &message, sizeof(message));
		return bytes + sizeof(message);
	}
	/* Sends what was begun, and keeps `request` until it is answered. */
	void send(const Request &request);

	/* The payload of a Write of this length, as a message, is sent from
	 * where it is, which must stay as it is until the answer. */
	bool sends_apart(size_t len) const noexcept
	{
		return len > wire::kMaxWholeWrite &&
		       connection_->link().long_writes();
	}
	void send_long(const wire::Write &message, const iovec *payload,
		       size_t count, const Request &request);

	/* There is such a request without an answer. */
	bool awaits(uint64_t sequence) const noexcept
	{
		return sequence > answered_ && sequence < next_sequence_;
	}
	const Request &at(uint64_t sequence) const noexcept
	{
		return requests_[sequence % wire::kMaxCredits];
	}
	uint64_t unanswered() const noexcept
	{
		return next_sequence_ - 1 - answered_;
	}
	bool all_answered() const noexcept { return !unanswered(); }
	bool any_answered() const noexcept { return answered_ != 0; }

	/*
	 * Returns whether an answer for this sequence number, with a failure or
	 * else of type `answer`, can be right: only requests that succeed with
	 * an Ack may be answered by a later one's answer.
	 */
	[[nodiscard]] bool accepts(uint64_t sequence, bool failed,
				   wire::Type answer) const noexcept;

	/* Takes the oldest request out; there is one. */
	Request take_oldest() noexcept;
	/* Returns the sequence number of the request that was taken last. */
	uint64_t answered() const noexcept { return answered_; }

	/* Some unanswered request has a fence. */
	bool fenced() const noexcept { return fences_ != 0; }
	/* Some unanswered request is a Flush. */
	bool flushes() const noexcept;
	/* A one-sided access to the range would overtake a request. */
	bool overtaken_by(const wire::Range &range, bool write) const noexcept;

	/* Returns the StallWatch's number of the oldest request, or kNone. */
	uint64_t oldest() const noexcept
	{
		return all_answered() ? StallWatch::kNone
				      : at(answered_ + 1).number;
	}

private:
	void keep(const Request &request, int ret);

	Connection *connection_;
	DirtyTracker *dirty_;
	StallWatch *stall_;
	std::array<Request, wire::kMaxCredits> requests_;
	uint32_t credits_ = 0;
	uint64_t next_sequence_ = 1;
	uint64_t answered_ = 0;
	uint32_t fences_ = 0; /* unanswered requests with kFence */
};

} // namespace ofi_pmem
