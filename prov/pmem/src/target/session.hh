/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The service's end of one channel: it takes requests in order, has them
 * executed and answers. Answers wait for the end of the batch, where one drain
 * serves all commits in it; a fence and the answer to a read end it early.
 * Only the service thread calls it, under the region table's lock.
 */
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <unordered_set>
#include <vector>

#include "plane/handshake.hh"
#include "target/commit_audit.hh"
#include "target/executor.hh"
#include "target/verifier.hh"
#include "transport/link.hh"

namespace ofi_pmem
{

class Session
{
public:
	/* `key` outlives the session. */
	Session(RegionTable *table, const AuthKey &key) noexcept;
	~Session();
	Session(const Session &) = delete;
	Session &operator=(const Session &) = delete;

	/* Accepts a connection request. */
	[[nodiscard]] int open(ConnectRequest *request, Queues *queues,
			       uint32_t id);

	/* These return false if the peer must be disconnected. */
	[[nodiscard]] bool on_receive(uint16_t slot, size_t len);
	[[nodiscard]] bool on_sent(uint16_t slot);
	[[nodiscard]] bool finish_batch();

	/*
	 * True if a Verify has slices left; everything behind it waits. work()
	 * does the next slice, and returns false if the peer must be
	 * disconnected.
	 */
	bool working() const noexcept { return verifier_ != nullptr; }
	[[nodiscard]] bool work();

	/* Answers wait for the inner provider to take them. */
	bool unsent() const noexcept;

	/* True if the peer was given one-sided access to this region. */
	bool uses(uint64_t token) const noexcept;

	bool greeted() const noexcept { return greeted_; }
	/* The peer was asked for the auth_key and has not proven it. */
	bool unproven() const noexcept { return handshake_ && !greeted_; }
	/* Returns the initiator's name for the channel (wire::Hello), or 0. */
	uint64_t channel() const noexcept { return channel_; }
	const std::chrono::steady_clock::time_point opened =
		std::chrono::steady_clock::now();

	/* True while the service has queued this session for finish_batch(). */
	bool touched = false;
	/* True while the service has queued this session for work(). */
	bool listed = false;

private:
	/* One or more requests. */
	struct Received {
		uint16_t slot;
		size_t len;
		size_t done; /* bytes executed so far */
	};
	/* An executed request that is not answered yet. */
	struct Pending {
		uint64_t sequence;
		uint64_t operation;
		bool needs_drain;
		uint64_t token; /* of the region; Executor::kAnyRegion */
		Failure failure;
		/* The answer on success: an Ack, or one that has more. */
		wire::Type success;
		std::vector<uint8_t> data;  /* behind the header of that */
		CommitAudit::Claims claims; /* what its commit stands for */
		bool unfinished;	    /* the last one, a Verify */
	};

	[[nodiscard]] bool can_execute() const noexcept;
	[[nodiscard]] bool run_backlog();
	/* session_greeting.cc */
	[[nodiscard]] bool greet(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_hello(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool challenge();
	[[nodiscard]] bool on_response(const uint8_t *bytes, size_t len);

	[[nodiscard]] bool execute(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool may_guess();
	[[nodiscard]] bool execute_type(wire::Type type, const uint8_t *bytes,
					size_t len);
	[[nodiscard]] bool execute_write(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_flush(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_read(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_atomic(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_announce(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_verify(const uint8_t *bytes, size_t len);
	void verify_slice();
	[[nodiscard]] bool resolve(const uint8_t *bytes, size_t len);
	[[nodiscard]] Failure fence(const wire::Header &header);
	void pend(const wire::Header &header, uint64_t token,
		  const Failure &failure);
	void complete_pending();
	[[nodiscard]] bool send_answers();
	[[nodiscard]] bool send_ack(const Pending &last);
	[[nodiscard]] bool send_data(const Pending &request);

	RegionTable *table_;
	const AuthKey &auth_key_;
	Executor executor_;
	CommitAudit audit_;
	std::unique_ptr<Link> link_;
	std::unique_ptr<Handshake> handshake_; /* begun, not ended */
	bool greeted_ = false;
	uint64_t channel_ = 0;
	uint64_t last_sequence_ = 0;
	uint64_t fenced_operation_ = 0; /* of several requests, if it is long */
	std::unordered_set<uint64_t> one_sided_;
	std::deque<Received> backlog_;
	std::deque<Pending> pending_;
	std::unique_ptr<Verifier> verifier_; /* of the last pending one */
};

} // namespace ofi_pmem
