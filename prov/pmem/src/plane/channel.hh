/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The initiator's end of one channel: from one endpoint to the service of one
 * remote domain. Connects on first use, executes the operations it is given in
 * order, and survives the loss of its connection: what was outstanding fails,
 * the next operation connects anew.
 *
 * How a write travels (message method):
 *  - by request, payload inside: small ones, fenced ones, ones to regions that
 *    only the service may touch, and ones that would overtake a request that
 *    is still unanswered;
 *  - else one-sided, followed by a Flush request when it commits.
 * An atomic operation is always one request.
 *
 * Every function is called under the initiator's lock. Files: channel.cc the
 * connection and what arrives, channel_post.cc what is sent,
 * channel_atomic.cc the atomics of that.
 */
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>

#include "core/address.hh"
#include "plane/dirty_ranges.hh"
#include "transport/link.hh"
#include "plane/op.hh"

namespace ofi_pmem
{

class Initiator;

/* A resolved key, or one that is being resolved. */
struct RemoteRegion {
	enum class State { asked, known, refused } state = State::asked;
	wire::Region info{};
	Failure refusal;
};

class Channel
{
public:
	/* `peer` is the host and the port of the service. */
	Channel(Initiator *initiator, ChannelTable *table, fi_addr_t table_peer,
		const IpAddress &peer) noexcept;
	~Channel();
	Channel(const Channel &) = delete;
	Channel &operator=(const Channel &) = delete;

	/*
	 * 0 when operations can be posted. -FI_EAGAIN while connecting, which
	 * the first call starts. An error that ended the attempt is returned
	 * once; the next call connects anew.
	 */
	[[nodiscard]] int ready();

	/*
	 * Looks a region up; the first call asks the service. 0, -FI_EAGAIN
	 * or -FI_ENOKEY (once; the next call asks again).
	 */
	[[nodiscard]] int resolve(uint64_t token, const RemoteRegion **region);

	/*
	 * Takes an operation whose ranges are resolved and checked. An inject
	 * is refused with -FI_EAGAIN when it cannot be sent at once. Otherwise
	 * it completes through ChannelTable::finish().
	 */
	[[nodiscard]] int submit(PersistentOp *op);

	/*
	 * True when every operation has completed and every write before is
	 * visible at the target. Else sees to it that it becomes so.
	 */
	[[nodiscard]] bool quiet();

	/*
	 * True when every write of this channel is durable or reported as
	 * failed. Else sees to it that it becomes so.
	 */
	[[nodiscard]] bool drained();

	/* Deferred sends and operations. Called after attend(). */
	void progress();
	bool attended = false; /* the initiator's: in its list of those */

	/* Fails what is outstanding; also called by the destructor. */
	void disconnect(int err, const char *why);

	/* Has messages that no event will move: progress() must be called. */
	bool urgent() const noexcept
	{
		return broken_ || (link_ && link_->has_waiting());
	}

	/* What the initiator's queues deliver. */
	void on_connected();
	void on_receive(uint16_t slot, size_t len);
	void on_sent(uint16_t slot);
	void on_one_sided(uint16_t slot, int err);

	uint32_t link_id() const noexcept { return link_ ? link_->id() : 0; }
	bool connecting() const noexcept
	{
		return state_ == State::connecting || state_ == State::greeting;
	}

private:
	enum class State { idle, connecting, greeting, ready, refused };

	/* A request that is not answered yet. */
	struct Request {
		wire::Type type = wire::Type::write;
		bool fence = false;
		bool drains = false;	    /* a Flush that commits */
		bool fetches = false;	    /* answered with data */
		PersistentOp *op = nullptr; /* none: our own */
		/* Written or read; of an atomic only the length counts. */
		wire::Range range{};
		size_t iov_offset = 0; /* where read data goes */
	};

	/* channel.cc */
	int connect();
	void greet();
	[[nodiscard]] bool on_hello_ack(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_answer(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_region(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_data(const uint8_t *bytes, size_t len);
	static wire::Type success_of(const Request &request) noexcept;
	[[nodiscard]] bool settle_until(uint64_t sequence,
					const Failure &failure,
					wire::Type answer);
	void settle(const Request &request, const Failure &failure);
	void settle_op(PersistentOp *op);
	void fail_outstanding(const Failure &failure);
	void writes_lost();
	bool idle() const noexcept
	{
		return queue_.empty() && !one_sided_count_ &&
		       answered_ + 1 == next_sequence_;
	}
	Request &request(uint64_t sequence) noexcept
	{
		return requests_[sequence % wire::kMaxCredits];
	}

	/* channel_post.cc. bool: everything was posted. */
	void post_queue();
	[[nodiscard]] bool post(PersistentOp *op);
	[[nodiscard]] bool choose_route(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool must_wait(const PersistentOp &op) const noexcept;
	[[nodiscard]] static bool touches(const Request &earlier,
					  const wire::Range &range,
					  bool write) noexcept;
	[[nodiscard]] bool one_sided_allowed(const wire::Range &range,
					     bool write) const noexcept;
	[[nodiscard]] bool post_preamble(PersistentOp *op);
	[[nodiscard]] bool post_by_request(PersistentOp *op);
	[[nodiscard]] bool post_write(PersistentOp *op, const wire::Range &part,
				      uint16_t flags);
	[[nodiscard]] bool post_read(PersistentOp *op, const wire::Range &part,
				     uint16_t flags);
	[[nodiscard]] bool post_announcement(PersistentOp *op);
	[[nodiscard]] bool post_atomic(PersistentOp *op);
	[[nodiscard]] bool post_one_sided(PersistentOp *op);
	[[nodiscard]] bool post_transfer(PersistentOp *op,
					 const wire::Range &range);
	[[nodiscard]] bool post_flush(PersistentOp *op,
				      const wire::Range *ranges, size_t count,
				      uint16_t flags);
	[[nodiscard]] int describe_locally(PersistentOp *op, size_t count,
					   const iovec *iov, void **desc);
	[[nodiscard]] bool remember_dirty(const wire::Range *ranges,
					  size_t count);
	[[nodiscard]] bool may_request() const noexcept;
	void sent_request(const Request &request);
	void broken(int ret);

	Initiator *initiator_;
	ChannelTable *table_;
	fi_addr_t table_peer_;
	IpAddress peer_;
	State state_ = State::idle;
	int refusal_ = 0;
	std::chrono::steady_clock::time_point deadline_{};
	std::unique_ptr<Link> link_;
	int broken_ = 0; /* a post failed: disconnect at the next safe point */

	std::unordered_map<uint64_t, RemoteRegion> regions_;
	std::deque<PersistentOp *> queue_; /* front is being posted */
	std::array<Request, wire::kMaxCredits> requests_;
	uint32_t credits_ = 0;
	uint64_t next_sequence_ = 1;
	uint64_t answered_ = 0;
	uint32_t fences_ = 0; /* unanswered requests with kFence */

	static constexpr size_t kMaxOneSided = 128;
	std::array<PersistentOp *, kMaxOneSided> one_sided_{};
	size_t one_sided_count_ = 0;

	DirtyRanges dirty_;
	/* Ranges left dirty_ for the service's own list: see remember_dirty. */
	bool spilled_ = false;
	/* One-sided writes whose arrival no answer has shown yet. */
	bool unseen_ = false;
};

} // namespace ofi_pmem
