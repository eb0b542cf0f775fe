/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence plane of one endpoint: its channels, one for each remote
 * service it writes to, and the pool of its operations.
 *
 * Functions without `locked` in their comment take the initiator's lock
 * themselves and may be called by any thread.
 */
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/key.hh"
#include "plane/channel.hh"
#include "plane/initiator.hh"
#include "plane/op.hh"

namespace ofi_pmem
{

class ChannelTable
{
public:
	ChannelTable(Initiator *initiator, OpOwner *owner) noexcept
		: initiator_(initiator), owner_(owner)
	{
	}
	~ChannelTable();

	/* Makes room for `operations` at a time. */
	void open(size_t operations);

	/*
	 * Starts an operation towards `peer`, the name of that peer in this
	 * table.
	 * 0: it will complete through the owner.
	 * -FI_EAGAIN: nothing happened; make progress, then try again.
	 * -FI_ECONNABORTED: a fenced commit or a flush cannot vouch for writes
	 * to that peer that were lost; reported once.
	 * Other errors: nothing happened, and another try may connect again
	 * (unreachable peer) or will not help (unknown key, range, access).
	 */
	[[nodiscard]] ssize_t submit(const OpRequest &request, fi_addr_t peer);

	/*
	 * Starts a drain of every channel; its completion means that everything
	 * written before is durable. Returns what submit() does, for writes to
	 * any peer.
	 */
	[[nodiscard]] ssize_t drain_all(void *context, bool report,
					bool checked);

	/*
	 * Describes the region behind the key at `peer` in *region and returns
	 * 0; else returns the errors of submit().
	 */
	[[nodiscard]] int query(fi_addr_t peer, Key key, RemoteRegion *region);

	/* True if all operations to `peer` are done and visible there. */
	[[nodiscard]] bool quiet(fi_addr_t peer);

	/*
	 * Closes the channels to `peer`; what is outstanding fails. The next
	 * peer that gets this name is not affected.
	 */
	void drop(fi_addr_t peer);

	/*
	 * After begin_notifications(), take_notification() takes the next
	 * notification that is ready to be sent, or returns false if there is
	 * none. return_notification() puts it back (-FI_EAGAIN), with all that
	 * are behind it for the same peer, or ends its operation if that peer
	 * is gone. notified() ends it in any case.
	 */
	void begin_notifications();
	[[nodiscard]] bool take_notification(Notification *notification);
	void return_notification(const Notification &notification);
	void notified(PersistentOp *op, int err, bool counted);

	/*
	 * The endpoint is closed: every operation ends as cancelled. Returns
	 * the operations whose notification was sent; its inner completion may
	 * still come.
	 */
	[[nodiscard]] std::vector<std::unique_ptr<InternalOp>> shutdown();

	/* locked: the last awaited part of the operation is in. */
	void finish(PersistentOp *op);

	/* locked: a request of a channel's own is answered. */
	void settled() { owner_->gate_may_open(); }

	/* locked: the next fenced commit to that peer must fail. */
	void writes_lost(fi_addr_t peer) { lost_.insert(peer); }

private:
	struct PeerService {
		fi_addr_t peer;
		uint16_t port;
		bool operator==(const PeerService &other) const noexcept
		{
			return peer == other.peer && port == other.port;
		}
	};
	struct Hash {
		size_t operator()(const PeerService &key) const noexcept
		{
			return std::hash<uint64_t>()(
				key.peer * 0x9e3779b97f4a7c15 + key.port);
		}
	};

	/* All of these are locked. */
	[[nodiscard]] int vouch(const PersistentOp &op, const Channel *channel);
	PersistentOp *take(const OpRequest &request);
	void end_notification(PersistentOp *op, int err, bool counted);
	[[nodiscard]] int why_not_notified(PersistentOp *op) const;
	std::unique_ptr<PersistentOp> detach(PersistentOp *op);
	[[nodiscard]] int channel_to(fi_addr_t peer, uint16_t port,
				     Channel **channel);
	[[nodiscard]] static int check_range(const fi_rma_iov &rma,
					     const OpRequest &request,
					     const wire::Region &info);
	[[nodiscard]] int resolve_ranges(Channel *channel,
					 const OpRequest &request,
					 PersistentOp *op);
	void complete(PersistentOp *op, bool counted);

	Initiator *initiator_;
	OpOwner *owner_;
	std::vector<std::unique_ptr<PersistentOp>> ops_;
	std::vector<PersistentOp *> free_ops_;
	std::vector<PersistentOp *> to_notify_;
	std::vector<PersistentOp *> notifying_; /* taken, not yet notified */
	std::vector<fi_addr_t> refused_; /* peers, since begin_notifications */
	std::unordered_map<PeerService, std::unique_ptr<Channel>, Hash>
		channels_;
	/* Peers to which writes were lost since their last fenced commit. */
	std::unordered_set<fi_addr_t> lost_;
	/* Writes to dropped peers were lost since the last drain. */
	bool lost_with_peer_ = false;
};

} // namespace ofi_pmem
