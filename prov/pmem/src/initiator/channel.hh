/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The initiator's end of one channel, from one endpoint to the service of one
 * remote domain. It connects on first use, executes its operations in order,
 * and survives the loss of its connection: outstanding operations fail, and the
 * next operation connects again.
 *
 * A small write to a region with the message method travels in a request, with
 * its payload. Atomics, injects, fenced writes, and writes that would overtake
 * an unanswered request do so to every region. All other writes are one-sided.
 * A one-sided commit is followed by what the region's method needs: a Flush
 * request, a FLUSH, a READ, or nothing (initiator/settling.hh). The NIC does
 * all of these except the first.
 *
 * The channel composes the parts of a connection and keeps the operations in
 * order. Every function is called under the initiator's lock.
 */
#pragma once

#include "core/address.hh"
#include "initiator/connection.hh"
#include "initiator/dirty_tracker.hh"
#include "initiator/flusher.hh"
#include "initiator/link_user.hh"
#include "initiator/nic_queue.hh"
#include "initiator/op.hh"
#include "initiator/order.hh"
#include "initiator/poster.hh"
#include "initiator/region_cache.hh"
#include "initiator/request_window.hh"
#include "initiator/stall_watch.hh"
#include "initiator/verification.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace ofi_pmem
{

class Channel;

/* Learns what becomes of a channel's operations. */
class ChannelOwner
{
public:
	/* The last awaited part of the operation is in. */
	virtual void finish(PersistentOp *op) = 0;

	/* A request or chain of the channel's own is done. */
	virtual void settled() = 0;

	/* Writes to that peer are lost: the next fenced commit must fail. */
	virtual void writes_lost(fi_addr_t peer) noexcept = 0;

	/*
	 * The channel has lost its connection while requests were unanswered.
	 * The target may still execute them, until it hears of the channel
	 * again.
	 */
	virtual void ended(const Channel &channel) noexcept = 0;

protected:
	~ChannelOwner() = default;
};

class Channel final : public LinkUser
{
public:
	/*
	 * The owner calls the peer `name`; `peer` is the host and the port of
	 * the service. If there is a key, the channel is sealed with it. With
	 * the number() of another channel it takes that one's place at the
	 * target.
	 */
	Channel(Initiator *initiator, ChannelOwner *owner, fi_addr_t name,
		const IpAddress &peer, KeyRing::Key key = {},
		uint64_t number = 0) noexcept
		: initiator_(initiator), owner_(owner), peer_name_(name),
		  peer_(peer), key_(std::move(key)), name_(number)
	{
	}
	~Channel();
	Channel(const Channel &) = delete;
	Channel &operator=(const Channel &) = delete;

	/*
	 * Returns 0 if operations can be posted, and -FI_EAGAIN while
	 * connecting, which the first call starts. An error that ended the
	 * attempt is returned once; the next call connects again.
	 */
	[[nodiscard]] int connect();

	/*
	 * Looks a region up; the first call asks the service. Returns 0,
	 * -FI_EAGAIN, or -FI_ENOKEY once, after which the next call asks again.
	 * It may be called only while connect() returns 0.
	 */
	[[nodiscard]] int resolve(uint64_t token, RemoteRegion **region);

	/* Does Verification::digest(). It may be called only while connect()
	 * returns 0. */
	[[nodiscard]] int digest(PersistentOp *op)
	{
		return parts_->verification.digest(op);
	}

	/*
	 * Takes an operation whose ranges are resolved and checked. An inject
	 * that cannot be sent at once is refused with -FI_EAGAIN. Any other
	 * operation completes through ChannelOwner::finish(). It may be called
	 * only while connect() returns 0.
	 */
	[[nodiscard]] int submit(PersistentOp *op);

	/*
	 * Returns true if every operation has completed and every earlier write
	 * is visible at the target; else takes the next step towards this.
	 */
	[[nodiscard]] bool make_visible();

	/*
	 * Returns true if the channel is clean; else takes the next step
	 * towards a drain.
	 */
	[[nodiscard]] bool make_durable();

	/* Every write of this channel is durable, and none has failed since
	 * the last drain. */
	bool clean() const noexcept;

	/* Some checked writes have not been read back. */
	bool expects() const noexcept
	{
		return parts_ && parts_->verification.expects();
	}

	/* The connection has been made and not been lost. */
	bool stands() const noexcept
	{
		return parts_ && parts_->connection.open();
	}

	/* Its random name, see wire::Hello; 0 before it connects. */
	uint64_t number() const noexcept { return name_; }
	fi_addr_t peer_name() const noexcept { return peer_name_; }
	const IpAddress &peer() const noexcept { return peer_; }

	/* Operations with a fence that are under way; the owner counts them. */
	size_t fences = 0;

	/* The key that it is sealed with, or null. */
	const KeyRing::Key &key() const noexcept { return key_; }
	/* What seals the connection; call it while stands(). */
	ChannelSeal *seal() noexcept { return parts_->connection.seal(); }

	/* These implement LinkUser. */
	void on_connected() override;
	void on_receive(uint16_t slot, size_t len) override;
	void on_sent(uint16_t slot) override;
	void on_one_sided(uint16_t slot) override;
	void disconnect(int err, const char *why,
			Cause cause = Cause::connection_lost) override;
	void progress(size_t budget) override;
	bool key_removed() const noexcept override
	{
		return key_ && key_->removed();
	}
	bool urgent() const noexcept override;
	[[nodiscard]] bool
	still_waits(std::chrono::milliseconds since) override;

private:
	/* Everything that begins and ends with a connection. */
	struct Parts {
		Parts(Initiator *initiator, LinkUser *user,
		      const IpAddress &peer, const KeyRing::Key &key,
		      uint64_t name) noexcept;

		StallWatch stall;
		Connection connection;
		DirtyTracker dirty;
		RequestWindow window;
		NicQueue nic;
		RegionCache regions;
		Flusher flusher;
		Verification verification;
		Order order;
		Poster poster;
	};

	/* A bool result says whether the message is well-formed. */
	[[nodiscard]] int start_to_connect();
	[[nodiscard]] bool on_greeting(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_answer(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_region(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_data(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool on_verified(const uint8_t *bytes, size_t len);
	[[nodiscard]] bool settle_until(uint64_t sequence,
					const Failure &failure,
					wire::Type answer);
	void settle(Parts *parts, const Request &request,
		    const Failure &failure);
	void forget_regions(Parts *parts, const PersistentOp &op);
	void settle_chain(const NicQueue::Chain &chain);
	void settle_op(PersistentOp *op);
	/* Returns whether it is now unknown if some writes are durable. */
	[[nodiscard]] bool fail_outstanding(Parts *lost,
					    const Failure &failure);
	bool idle() const noexcept;
	bool waits() const noexcept;

	void post_queue(size_t budget);

	Initiator *initiator_;
	ChannelOwner *owner_;
	const fi_addr_t peer_name_;
	const IpAddress peer_;
	const KeyRing::Key key_;
	uint64_t name_;	  /* random, from the first connection on; or 0 */
	int refusal_ = 0; /* the next connect() returns it */
	/* The front is being posted. */
	IntrusiveList<PersistentOp, PersistentOp::QueueNode> queue_;
	std::unique_ptr<Parts> parts_; /* null without a connection */
};

} // namespace ofi_pmem
