/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence plane of one endpoint: its channels, one for each remote
 * service it writes to and each region key that seals one, and the pool of its
 * operations.
 *
 * Any thread may call it: its public functions take the initiator's lock.
 */
#pragma once

#include "core/key.hh"
#include "initiator/channel.hh"
#include "initiator/initiator.hh"
#include "initiator/op.hh"

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

class ChannelTable final : private ChannelOwner, private NotificationSink
{
public:
	ChannelTable(Initiator *initiator, OpOwner *owner) noexcept
		: initiator_(initiator), owner_(owner)
	{
	}
	~ChannelTable();

	/* Makes room for `operations` operations at a time. */
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
	 * Describes the region behind the key at `peer` in *region, with the
	 * region key of its channel or null, and returns 0; else returns the
	 * errors of submit().
	 */
	[[nodiscard]] int query(fi_addr_t peer, Key key, RemoteRegion *region,
				KeyRing::Key *sealed_with = nullptr);

	/*
	 * Calls `use` with what seals the connection to a sealed region, and
	 * returns its result; else returns the errors of submit().
	 */
	using UseSeal = std::function<int(ChannelSeal *seal)>;
	[[nodiscard]] int use_seal(fi_addr_t peer, Key key, const UseSeal &use);

	/*
	 * Returns true if all operations to `peer` are done and visible there;
	 * else takes the next step towards this.
	 */
	[[nodiscard]] bool make_visible(fi_addr_t peer);

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
	void notified(PersistentOp *op, int err, bool counted) override;

	/*
	 * The endpoint is closed: every operation ends as cancelled. Returns
	 * the operations whose notification was sent; its inner completion may
	 * still come.
	 */
	[[nodiscard]] std::vector<std::unique_ptr<InternalOp>> shutdown();

private:
	/* These implement ChannelOwner. */
	void finish(PersistentOp *op) override;
	void settled() override { owner_->gate_may_open(); }
	void writes_lost(fi_addr_t peer) noexcept override
	{
		initiator_->lock().assert_held();
		peers_.find(peer)->second.lost = true;
	}
	void ended(const Channel &channel) noexcept override;
	bool take_lost(fi_addr_t peer) noexcept
		PMEM_REQUIRES(initiator_->lock());

	struct PeerService {
		fi_addr_t peer;
		uint16_t port;
		uint64_t key_id; /* 0: not sealed */
		bool operator==(const PeerService &other) const noexcept
		{
			return peer == other.peer && port == other.port &&
			       key_id == other.key_id;
		}
	};
	/* A sealed region of a peer, by its MR key. */
	struct SealedRegion {
		fi_addr_t peer;
		uint64_t mr_key;
		bool operator==(const SealedRegion &other) const noexcept
		{
			return peer == other.peer && mr_key == other.mr_key;
		}
	};
	struct Hash {
		static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
		size_t operator()(const PeerService &key) const noexcept
		{
			return (key.peer * kOdd + key.port) * kOdd + key.key_id;
		}
		size_t operator()(const SealedRegion &key) const noexcept
		{
			return key.peer * kOdd + key.mr_key;
		}
	};
	/*
	 * A channel that ended while requests were unanswered, see
	 * ChannelOwner::ended(). Nothing else is sent to its service before the
	 * target has ended them, too: it could be overtaken.
	 */
	struct Ended {
		fi_addr_t peer;
		IpAddress address;
		uint64_t number;
		std::unique_ptr<Channel> successor; /* tells the target */
	};
	/* Has nothing to do with what becomes of a successor. */
	class Nobody final : public ChannelOwner
	{
		void finish(PersistentOp *) override {}
		void settled() override {}
		void writes_lost(fi_addr_t) noexcept override {}
		void ended(const Channel &) noexcept override {}
	};
	/* The channel of a sealed region, as long as the ring has not changed.
	 */
	struct Route {
		Channel *channel = nullptr;
		uint64_t generation = 0;
	};

	void close_channels() PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int prepare(const OpRequest &request, fi_addr_t peer,
				  Channel *channel, PersistentOp *op)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int start(PersistentOp *op, Channel *channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int vouch(const PersistentOp &op, const Channel *channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int follow_others(fi_addr_t peer, const Channel *channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] bool fenced_elsewhere(fi_addr_t peer,
					    const Channel *channel) const
		PMEM_REQUIRES(initiator_->lock());
	void end_fence(PersistentOp *op) PMEM_REQUIRES(initiator_->lock());
	PersistentOp *take(const OpRequest &request)
		PMEM_REQUIRES(initiator_->lock());
	void end_notification(PersistentOp *op, int err, bool counted)
		PMEM_REQUIRES(initiator_->lock());
	bool is_refused(fi_addr_t peer) const PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int why_not_notified(PersistentOp *op) const
		PMEM_REQUIRES(initiator_->lock());
	std::unique_ptr<PersistentOp> detach(PersistentOp *op)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int channel_to(fi_addr_t peer, Key key, Channel **channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int channel_to_all(const OpRequest &request,
					 fi_addr_t peer, Channel **channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int clear_channel(fi_addr_t peer, Key key,
					Channel **channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int connect(Channel *channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int end_others(Channel *channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int bury(Ended *ended) PMEM_REQUIRES(initiator_->lock());
	void forget_routes(const Channel &channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int leave(Channel *channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int sealed_channel(fi_addr_t peer, Key key,
					 Channel **channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int choose_channel(fi_addr_t peer, Key key,
					 Channel **channel)
		PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] int open_channel(const PeerService &service,
				       const KeyRing::Key &key,
				       Channel **channel)
		PMEM_REQUIRES(initiator_->lock());
	void forget_removed() PMEM_REQUIRES(initiator_->lock());
	[[nodiscard]] static int resolve_ranges(Channel *channel,
						const OpRequest &request,
						PersistentOp *op);
	void complete(PersistentOp *op, bool counted)
		PMEM_REQUIRES(initiator_->lock());

	Initiator *initiator_;
	OpOwner *owner_;
	std::vector<std::unique_ptr<PersistentOp>>
		ops_ PMEM_GUARDED_BY(initiator_->lock());
	std::vector<PersistentOp *>
		free_ops_ PMEM_GUARDED_BY(initiator_->lock());
	std::vector<PersistentOp *>
		to_notify_ PMEM_GUARDED_BY(initiator_->lock());
	std::vector<PersistentOp *> notifying_ PMEM_GUARDED_BY(
		initiator_->lock()); /* taken and not yet notified */
	std::vector<fi_addr_t> refused_ PMEM_GUARDED_BY(
		initiator_->lock()); /* peers, since begin_notifications */
	std::unordered_map<PeerService, std::unique_ptr<Channel>, Hash>
		channels_ PMEM_GUARDED_BY(initiator_->lock());
	/* The channel that is not sealed and was used last: mostly the next. */
	struct Last {
		fi_addr_t peer;
		uint16_t port;
		Channel *channel = nullptr;
	};
	Last last_ PMEM_GUARDED_BY(initiator_->lock()){};
	/* Of channels that are there. */
	std::unordered_map<SealedRegion, Route, Hash>
		routes_ PMEM_GUARDED_BY(initiator_->lock());
	Nobody nobody_;
	/* There is room for one of each channel. */
	std::vector<Ended> ended_ PMEM_GUARDED_BY(initiator_->lock());
	/* Operations with a fence that are under way. */
	size_t fences_ PMEM_GUARDED_BY(initiator_->lock()) = 0;
	/* A peer's first channel adds it, so that a loss never needs memory. */
	struct Peer {
		/* Writes to it were lost since its last fenced commit. */
		bool lost = false;
		size_t fences = 0; /* the sum of its channels' */
	};
	std::unordered_map<fi_addr_t, Peer>
		peers_ PMEM_GUARDED_BY(initiator_->lock());
	/* Writes to dropped peers were lost since the last drain. */
	bool lost_with_peer_ PMEM_GUARDED_BY(initiator_->lock()) = false;
};

} // namespace ofi_pmem
