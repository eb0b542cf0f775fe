/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The initiator's end of one channel, from one endpoint to the service of one
 * remote domain. It connects on first use, executes its operations in order,
 * and survives the loss of its connection: outstanding operations fail, and the
 * next operation connects again.
 *
 * A write travels
 *  - by request, with the payload inside, if it is small and its region has the
 *    message method; to every region atomics, injects, fenced writes, and
 *    writes that would overtake an unanswered request travel so, too;
 *  - else one-sided. A commit is followed by what the region's method asks for:
 *    a Flush request, a FLUSH, a READ, or nothing (plane/method.hh). The NIC
 *    does all of these except the first: "NIC methods".
 *
 * Every function is called under the initiator's lock. channel.cc has the
 * connection, channel_greeting.cc its greeting, channel_post.cc the order of
 * operations and their requests, channel_one_sided.cc the operations of the
 * NIC, channel_flush.cc flushes and drains, channel_atomic.cc atomics,
 * channel_verify.cc verifications, channel_answer.cc the target's answers.
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
#include "plane/handshake.hh"
#include "plane/method.hh"
#include "plane/op.hh"
#include "transport/link.hh"

namespace ofi_pmem
{

class Initiator;

/* Length required of a write that the NIC orders (IB ATOMIC WRITE). */
inline constexpr size_t kAtomicWriteBytes = 8;

/* A resolved key, or one that is being resolved. */
struct RemoteRegion {
	enum class State { asked, known, refused } state = State::asked;
	wire::Region info{};
	Method method = Method::message;
	const char *reason = ""; /* for that method; static */
	/* kAtomicWriteBytes if the NIC orders such writes, else 0. */
	size_t native_order = 0;
	/* The digest that FI_PMEM_VERIFY compares; 0 if it cannot. */
	DigestAlgorithm check_by{};
	Failure refusal;

	/* Covers `len` bytes from `offset` on; has no local buffers yet. */
	OneSided operation(OneSided::Kind kind, uint64_t offset,
			   uint64_t len) const noexcept
	{
		OneSided made{};
		made.kind = kind;
		made.addr = info.lower_base + offset;
		made.key = info.lower_key;
		made.len = len;
		return made;
	}
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
	 * Returns 0 if operations can be posted, and -FI_EAGAIN while
	 * connecting, which the first call starts. An error that ended the
	 * attempt is returned once; the next call connects again.
	 */
	[[nodiscard]] int ready();

	/*
	 * Looks a region up; the first call asks the service. Returns 0,
	 * -FI_EAGAIN or -FI_ENOKEY (once; the next call asks again).
	 */
	[[nodiscard]] int resolve(uint64_t token, const RemoteRegion **region);

	/*
	 * Takes an operation whose ranges are resolved and checked. An inject
	 * is refused with -FI_EAGAIN when it cannot be sent at once. Otherwise
	 * it completes through ChannelTable::finish().
	 */
	[[nodiscard]] int submit(PersistentOp *op);

	/*
	 * Returns true if every operation has completed and every earlier write
	 * is visible at the target; else takes the steps that lead to this.
	 */
	[[nodiscard]] bool quiet();

	/*
	 * Digests what a checked write writes; called before submit(). Returns
	 * 0 or a negative fi_errno, and may throw std::bad_alloc.
	 */
	[[nodiscard]] int expect(PersistentOp *op);

	/* Some checked writes have not been read back. */
	bool expects() const noexcept { return !expected_.empty(); }

	/* Every write of this channel is durable, and none has failed since
	 * the last drain. */
	[[nodiscard]] bool clean() const noexcept;

	/* Returns whether it is clean; if not, starts to drain. */
	[[nodiscard]] bool drained();

	/* Does deferred sends and operations. Called after attend(). */
	void progress();
	bool attended = false; /* set by the initiator: it is in its list */

	/* Fails what is outstanding; the destructor also calls it. */
	void disconnect(int err, const char *why,
			Cause cause = Cause::connection_lost);

	/*
	 * Called once per period; `since` is the time since the last call. It
	 * ends a connection that is not made in time, or that has made no
	 * progress for too long: the oldest outstanding operation is still the
	 * same. A later operation that completes proves nothing, because on
	 * sockets a plain write completes when it is handed over. Returns true
	 * if it must be called again.
	 */
	[[nodiscard]] bool still_waits(std::chrono::milliseconds since);

	/* Has messages that no event will move: progress() must be called. */
	bool urgent() const noexcept
	{
		return broken_ || (link_ && link_->has_waiting());
	}

	/* The initiator's queues deliver these events. */
	void on_connected();
	void on_receive(uint16_t slot, size_t len);
	void on_sent(uint16_t slot);
	void on_one_sided(uint16_t slot);

	/* The connection has been made and not been lost. */
	bool stands() const noexcept { return state_ == State::ready; }

	uint32_t link_id() const noexcept { return link_ ? link_->id() : 0; }
	bool connecting() const noexcept
	{
		return state_ != State::idle && state_ != State::ready &&
		       state_ != State::refused;
	}

private:
	enum class State {
		idle,
		connecting,
		greeting,   /* a HelloAck comes next, */
		challenged, /* a Challenge, */
		proving,    /* or Accepted */
		ready,
		refused
	};

	/* A request that is not answered yet. */
	struct Request {
		wire::Type type = wire::Type::write;
		bool fence = false;
		bool drains = false;	    /* a Flush that commits */
		bool fetches = false;	    /* answered with data */
		PersistentOp *op = nullptr; /* null if it is our own */
		/* Written or read; for an atomic only the length counts. */
		wire::Range range{};
		size_t iov_offset = 0; /* where read data goes */
		uint64_t number = 0; /* among all posted requests and chains */
		/* The blocks of its operation that a verification covers. */
		bool compares = false; /* with what is expected */
		size_t first_block = 0;
		size_t blocks = 0;
	};

	/* channel.cc */
	int connect();
	uint64_t waits_longest_for() const noexcept;
	void fail_outstanding(const Failure &failure);
	void writes_lost();
	bool all_answered() const noexcept
	{
		return answered_ + 1 == next_sequence_;
	}
	bool awaits(uint64_t sequence) const noexcept
	{
		return sequence > answered_ && sequence < next_sequence_;
	}
	bool idle() const noexcept
	{
		return queue_.empty() && !chains_in_flight_ && all_answered();
	}
	Request &request(uint64_t sequence) noexcept
	{
		return requests_[sequence % wire::kMaxCredits];
	}

	/* channel_answer.cc */
	[[nodiscard]] bool on_answer(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_region(const uint8_t *bytes, size_t len);
	void accept_region(RemoteRegion *region,
			   const wire::Region &info) const;
	[[nodiscard]] bool on_data(const uint8_t *bytes, size_t len);
	static wire::Type success_of(const Request &request) noexcept;
	[[nodiscard]] bool settle_until(uint64_t sequence,
					const Failure &failure,
					wire::Type answer);
	void settle(const Request &request, const Failure &failure);
	void settle_op(PersistentOp *op);

	/* channel_greeting.cc */
	[[nodiscard]] bool on_greeting(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_hello_ack(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_challenge(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_accepted(const uint8_t *bytes, size_t len);
	void open();
	void refuse(int err, const char *why);
	template <typename Message> void say(const Message &message);

	/* channel_post.cc. A bool says whether everything was posted. */
	void post_queue();
	[[nodiscard]] bool post(PersistentOp *op);
	void start(PersistentOp *op);
	[[nodiscard]] bool post_body(PersistentOp *op);
	[[nodiscard]] size_t inline_size() const noexcept;
	[[nodiscard]] Route choose_route(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool must_wait(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool
	must_wait_for_nic(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool spoils_flush(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool waits_for_nic(const PersistentOp &op);
	[[nodiscard]] static bool touches(const Request &earlier,
					  const wire::Range &range,
					  bool write) noexcept;
	[[nodiscard]] bool one_sided_allowed(const wire::Range &range,
					     bool write) const noexcept;
	[[nodiscard]] bool overtakes_request(const wire::Range &range,
					     bool write) const noexcept;
	[[nodiscard]] bool post_preamble(PersistentOp *op);
	[[nodiscard]] bool post_by_request(PersistentOp *op);
	[[nodiscard]] bool post_write(PersistentOp *op, const wire::Range &part,
				      uint16_t flags);
	[[nodiscard]] bool post_read(PersistentOp *op, const wire::Range &part,
				     uint16_t flags);
	[[nodiscard]] bool post_announcement(PersistentOp *op);
	[[nodiscard]] bool post_atomic(PersistentOp *op);
	[[nodiscard]] bool post_flush(PersistentOp *op,
				      const wire::Range *ranges, size_t count,
				      uint16_t flags);
	[[nodiscard]] bool may_request() const noexcept;
	void sent_request(const Request &request);
	void broken(int ret);
	void not_posted(PersistentOp *op, int ret);

	/* channel_flush.cc */
	[[nodiscard]] bool post_drain(PersistentOp *op);
	[[nodiscard]] bool post_service_drain(PersistentOp *op);
	[[nodiscard]] bool remember_dirty(const wire::Range *ranges,
					  size_t count);
	/*
	 * Posts what makes durable everything that the NIC wrote before, and
	 * `tail` behind it. `op`, which may be null, waits for its completion.
	 */
	[[nodiscard]] bool post_nic_drain(PersistentOp *op,
					  const OneSided *tail = nullptr,
					  size_t tail_count = 0);
	[[nodiscard]] bool leave_to_service();
	[[nodiscard]] size_t next_flushes(OneSided *chain, size_t room);
	size_t flush_room() const noexcept;
	[[nodiscard]] bool service_flushes() const noexcept;
	[[nodiscard]] Route
	choose_flush_route(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool post_selected_flush(PersistentOp *op);
	[[nodiscard]] bool post_flush_by_nic(PersistentOp *op);
	[[nodiscard]] bool post_flush_by_request(PersistentOp *op);
	[[nodiscard]] size_t flush_chain(const PersistentOp &op,
					 OneSided *chain, size_t room) const;
	void forget_dirty(const wire::Range &range) noexcept;

	/* channel_verify.cc */
	[[nodiscard]] bool post_verify(PersistentOp *op);
	[[nodiscard]] static size_t next_blocks(PersistentOp *op,
						wire::Range *blocks);
	[[nodiscard]] int expect_range(PersistentOp *op,
				       const wire::Range &range, size_t offset);
	void note_expected(PersistentOp *op);
	void take_earlier(PersistentOp *op);
	[[nodiscard]] bool post_comparison(PersistentOp *op, size_t end);
	void send_comparison(PersistentOp *op, size_t count);
	[[nodiscard]] static bool
	touches_expected(const Request &earlier,
			 const wire::Range &range) noexcept;
	[[nodiscard]] static wire::Range block_of(const PersistentOp &op,
						  size_t index) noexcept;
	[[nodiscard]] bool on_verified(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool take_bad_blocks(const Request &request,
					   const uint8_t *bytes, size_t count);
	fi_pmem_bad_block describe(const ExpectedBlock &block,
				   const wire::BadBlock &bad) const;

	/* channel_one_sided.cc */
	struct Plan; /* the chain that an operation becomes */
	const RemoteRegion *known_region(uint64_t token) const noexcept;
	Method method_of(const wire::Range &range) const noexcept;
	/* At least one range has a NIC method. */
	[[nodiscard]] bool by_nic(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool
	orders_natively(const PersistentOp &op) const noexcept;
	[[nodiscard]] bool post_one_sided(PersistentOp *op);
	[[nodiscard]] bool post_ordered(PersistentOp *op);
	[[nodiscard]] bool note_unflushed(PersistentOp *op);
	[[nodiscard]] bool plan_transfers(const PersistentOp &op,
					  Plan *plan) const;
	void plan_settling(const PersistentOp &op, Plan *plan) const;
	[[nodiscard]] int describe_locally(PersistentOp *op, Plan *plan);
	void look_up_registered(PersistentOp *op) const;
	void copy_locally(const PersistentOp &op, Plan *plan);
	[[nodiscard]] int register_locally(PersistentOp *op, Plan *plan);
	[[nodiscard]] bool post_plan(PersistentOp *op, const Plan &plan);
	[[nodiscard]] bool post_settling_request(PersistentOp *op);
	[[nodiscard]] int post_chain(PersistentOp *op, const OneSided *chain,
				     size_t count, int borrowed);
	OneSided read_behind(const RemoteRegion &region) const noexcept;
	void forget_chain(uint16_t slot);

	Initiator *initiator_;
	ChannelTable *table_;
	fi_addr_t table_peer_;
	IpAddress peer_;
	State state_ = State::idle;
	int refusal_ = 0;
	uint64_t name_ = 0; /* random, from the first connect() on */
	Handshake said_{};  /* while it is greeted */
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

	/* Requests and chains, of all connections. */
	uint64_t posted_ = 0;
	/* This was the oldest outstanding number at the last check, or 0. */
	uint64_t oldest_ = 0;
	/* How long it has been the oldest, as far as it was observed. */
	std::chrono::milliseconds unmoved_{};

	/* A chain of one-sided operations in flight. */
	struct Chain {
		bool posted = false;
		PersistentOp *op = nullptr; /* null for a drain of our own */
		int borrowed = -1;	    /* a message buffer it uses */
		bool nic = false;	    /* counts in nic_chains_ */
		uint64_t number = 0;	    /* as Request::number */
	};
	static constexpr size_t kMaxChains = 128;
	std::array<Chain, kMaxChains> chains_{};
	size_t chains_in_flight_ = 0;
	size_t nic_chains_ = 0; /* the number for which a fence must wait */

	/* Ranges written and not committed that the service must flush. */
	DirtyRanges dirty_;
	/* How far a drain has posted the flushes of nic_dirty_. */
	struct DrainPosition {
		size_t index = 0;
		uint64_t offset = 0; /* within that range */
		bool read = false;   /* the READ for all ranges is posted */
	};
	/* Ranges written and not committed that the NIC must flush. */
	DirtyRanges nic_dirty_;
	DrainPosition drain_;
	/* A fenced operation that the NIC executes; no other may pass it. */
	const PersistentOp *fencing_ = nullptr;
	/* Requests were sent since the last drain, so the service may know of
	 * failures. */
	bool requested_ = false;
	/* A request has failed, which the next drain must report. */
	bool failed_ = false;
	/* The READ of the read method ends here, see read_behind(). */
	iovec scratch_iov_{};
	void *scratch_desc_ = nullptr;
	/* Ranges moved from dirty_ to the service's list: remember_dirty(). */
	bool spilled_ = false;
	/* No answer has shown yet that some one-sided writes have arrived. */
	bool unseen_ = false;
	/* Blocks written with FI_PMEM_VERIFY and not read back yet. */
	ExpectedBlocks expected_;
};

} // namespace ofi_pmem
