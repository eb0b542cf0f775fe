/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The service's end of one channel: it queues what arrives, executes it in
 * order when it has a turn, and answers. Answers wait for the end of the batch,
 * where a round begins: one drain for all commits in the batch. If that takes a
 * while, what follows is executed meanwhile; but a fence, a read and whatever
 * else needs to know the outcome of all before it waits for the end of every
 * round. Only its thread of the service calls it, under that thread's stripe of
 * the region table's lock.
 */
#pragma once

#include "core/ready_queue.hh"
#include "service/arrival.hh"
#include "service/channel_registry.hh"
#include "service/commit_audit.hh"
#include "service/executor.hh"
#include "service/greeting.hh"
#include "service/verifier.hh"
#include "transport/link.hh"

#include <chrono>
#include <deque>
#include <memory>
#include <unordered_set>
#include <vector>

namespace ofi_pmem
{

class Session : public Turn<Session>
{
public:
	using Admission = ChannelRegistry::Admission;

	/* `workspace` and all of the gate outlive the session. */
	Session(RegionTable *table, Workspace *workspace, const Gate &gate,
		std::unique_ptr<Admission> admission) noexcept;
	~Session();
	Session(const Session &) = delete;
	Session &operator=(const Session &) = delete;

	/* Accepts a connection request; see LinkAttr::long_writes. */
	[[nodiscard]] int open(ConnectRequest *request, Queues *queues,
			       uint32_t id, bool long_writes);

	/*
	 * Queues the message in this buffer, one or more requests. This and the
	 * next two return false if the peer must be disconnected.
	 */
	[[nodiscard]] bool enqueue(uint16_t slot, size_t len);

	/* Executes up to `budget` requests of the queue. */
	[[nodiscard]] bool run(size_t budget);

	/*
	 * Ends the rounds that can end. Does more of a Verify, or of a long
	 * Write, that has been begun, if there is one; everything behind it
	 * waits.
	 */
	[[nodiscard]] bool go_on();

	/* Ends the batch: begins to make durable what it commits, and sends the
	 * answers that are known. */
	[[nodiscard]] bool finish_batch();

	/* A send has completed. */
	void on_sent(uint16_t slot) { link_->sent(slot); }

	/* It needs another turn: what has been begun can go on, or requests are
	 * queued that can be executed. */
	bool needs_turn() const noexcept;

	/* True if it has stopped in the middle of a message, for as long as
	 * somebody looked. */
	bool stopped(std::chrono::steady_clock::time_point now,
		     std::chrono::milliseconds timeout) noexcept;

	/* Answers wait for the link to take them. */
	bool unsent() const noexcept;

	/* Commits wait for a sync. */
	bool awaits_sync() const noexcept { return !rounds_.empty(); }

	/* The key that the channel is sealed with, or null. */
	const RegionKey *key() const noexcept { return executor_.key(); }

	/* True if the peer was given one-sided access to this region. */
	bool uses(uint64_t token) const noexcept;

	Admission *admission() const noexcept { return admission_.get(); }
	uint32_t id() const noexcept { return link_->id(); }
	const Greeting &greeting() const noexcept { return greeting_; }
	const std::chrono::steady_clock::time_point opened =
		std::chrono::steady_clock::now();

private:
	/* Says how a type of request is executed. */
	struct RequestType {
		wire::Type type;
		size_t size; /* of the fixed part, bytes */
		const char *name;
		bool (Session::*execute)(const uint8_t *bytes, size_t len);
	};
	static const RequestType kRequestTypes[];

	/* A message has one or more requests. */
	struct Received {
		uint16_t slot;
		size_t len;
		size_t done; /* bytes executed so far */
		bool opened; /* see Link::open_received() */
	};
	/* An executed request that is not answered yet. */
	struct Pending {
		uint64_t sequence;
		uint64_t operation;
		bool needs_drain;
		uint64_t token; /* of the region, or Drain::kAnyRegion */
		Failure failure;
		/* The answer on success is an Ack, or one that has more. */
		wire::Type success;
		std::vector<uint8_t> data;  /* follows its header */
		CommitAudit::Claims claims; /* what its commit stands for */
		bool unfinished;	    /* it is the last one, a Verify */

		/* The outcome is known. */
		bool known() const noexcept
		{
			return !needs_drain && !unfinished;
		}
	};
	/* A drain, for the requests up to this sequence. */
	struct Round {
		uint64_t last;
		Drain drain;
	};

	[[nodiscard]] bool can_execute() const noexcept;
	[[nodiscard]] bool open_first();
	[[nodiscard]] bool greet(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool must_wait();
	[[nodiscard]] bool run_first();
	[[nodiscard]] bool execute(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool take_back();
	[[nodiscard]] bool receive_payload();
	void continue_verify();
	[[nodiscard]] bool may_guess();
	[[nodiscard]] bool execute_write(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_flush(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_read(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_atomic(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_announce(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_verify(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool execute_resolve(const uint8_t *bytes, size_t len);
	[[nodiscard]] Failure fence(const wire::Header &header);
	void pend(const wire::Header &header, uint64_t token,
		  const Failure &failure);
	void begin_round(bool for_fence);
	void end_rounds();
	void end_round(Round *round);
	[[nodiscard]] bool send_answers();
	[[nodiscard]] bool send_ack(const Pending &last);
	[[nodiscard]] bool send_data(const Pending &request);

	RegionTable *table_;
	Workspace *workspace_;
	std::unique_ptr<Admission> admission_;
	Executor executor_;
	CommitAudit audit_;
	std::unique_ptr<Link> link_;
	Greeting greeting_;
	uint64_t received_ = 0; /* bytes, when it last was not stopped */
	std::chrono::steady_clock::time_point moved_ = opened;
	uint64_t last_sequence_ = 0;
	uint64_t fenced_operation_ = 0; /* it may have several requests */
	std::unordered_set<uint64_t> one_sided_;
	std::deque<Received> backlog_;
	std::deque<Pending> pending_;
	std::deque<Round> rounds_; /* under way, in their order */
	size_t commits_ = 0;	   /* pending ones that are in no round yet */
	bool barrier_ = false;	   /* what follows waits for all rounds */
	bool waits_ = false;	   /* for all rounds, with what is next */
	std::unique_ptr<Verifier> verifier_; /* of the last pending one */
	std::unique_ptr<Arrival> arrival_;   /* of the first in the backlog */
};

} // namespace ofi_pmem
