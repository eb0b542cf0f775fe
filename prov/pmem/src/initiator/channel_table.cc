/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/channel_table.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <algorithm>
#include <cinttypes>
#include <utility>

namespace ofi_pmem
{

namespace
{

/* Nobody takes a longer write for one store (persist/backend.hh). */
constexpr size_t kLongestStore = 8;

/* Such a write is failure-atomic, or too long to be taken for that. */
bool is_ordered_write(const fi_rma_iov &range,
		      const TargetTraits &target) noexcept
{
	if (range.len > kLongestStore)
		return true;
	bool power_of_two = range.len && !(range.len & (range.len - 1));
	return power_of_two && range.len <= target.failure_atomic &&
	       range.addr % range.len == 0;
}

int check_ordered(const fi_rma_iov &range, const TargetTraits &target) noexcept
{
	if (is_ordered_write(range, target))
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "an ordered write of %zu bytes to address 0x%" PRIx64
		  ": it must have 1, 2, 4 or 8 bytes and that alignment, or "
		  "be longer; the region's memory is aligned to %zu",
		  range.len, range.addr, target.failure_atomic);
	return -FI_EINVAL;
}

int check_digest(DigestAlgorithm digest, const wire::Region &info)
{
	if (digest_bit(digest) & own_digests() & info.digests)
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "both sides must have the digest %s: this side has %s; the "
		  "target has %s",
		  to_string(digest), digest_names(own_digests()).c_str(),
		  digest_names(info.digests).c_str());
	return -FI_EOPNOTSUPP;
}

int check_comparison(const RemoteRegion &region)
{
	if (region.check_by != DigestAlgorithm{})
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "FI_PMEM_VERIFY needs a digest in common: "
		  "FI_OFI_PMEM_DIGEST has %s; this side has %s; the target "
		  "has %s",
		  digest_names(mask_of(params().digests)).c_str(),
		  digest_names(own_digests()).c_str(),
		  digest_names(region.info.digests).c_str());
	return -FI_EOPNOTSUPP;
}

/* Checks that the range lies in the region. */
int check_range(const fi_rma_iov &rma, const OpRequest &request,
		const wire::Region &info)
{
	int ret =
		request.ordered() ? check_ordered(rma, target_traits(info)) : 0;
	if (ret)
		return ret;
	if (rma.addr >= info.base && rma.len <= info.length &&
	    rma.addr - info.base <= info.length - rma.len)
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "address 0x%" PRIx64 " length %zu lies outside the region, "
		  "which has address 0x%" PRIx64 " length %" PRIu64,
		  rma.addr, rma.len, info.base, info.length);
	return -FI_EINVAL;
}

/* Checks that the region allows the request and can do what it asks for. */
int check_region(const fi_rma_iov &rma, const OpRequest &request,
		 const RemoteRegion &region)
{
	const wire::Region &info = region.info;
	int ret = request.whole_regions() ? 0 : check_range(rma, request, info);
	if (ret)
		return ret;
	uint8_t missing =
		request.needed_access() & static_cast<uint8_t>(~info.access);
	if (missing) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "the region was not registered for %s",
			  missing & wire::kRemoteWrite ? "FI_REMOTE_WRITE"
						       : "FI_REMOTE_READ");
		return -FI_EACCES;
	}
	if (request.is(OpKind::verify))
		return check_digest(request.verify_op().digest, info);
	return request.options().checked ? check_comparison(region) : 0;
}

/* Blocks are compared on the channel that wrote them. */
int refuse_unchecked(const char *what) noexcept
{
	PMEM_WARN(FI_LOG_EP_DATA,
		  "blocks that were written under one region key wait to be "
		  "read back, before %s: drain_all() with FI_PMEM_VERIFY",
		  what);
	return -FI_EBUSY;
}

int refuse_cq_data() noexcept
{
	PMEM_WARN(FI_LOG_EP_DATA,
		  "remote CQ data of a write to a sealed region would travel "
		  "in clear; FI_OFI_PMEM_SEAL_CQ_DATA=clear allows it");
	return -FI_EOPNOTSUPP;
}

int lost_before(const char *what) noexcept
{
	PMEM_WARN(FI_LOG_EP_DATA,
		  "writes that were not committed were lost with their "
		  "connection; this %s cannot vouch for them",
		  what);
	return -FI_ECONNABORTED;
}

} // namespace

ChannelTable::~ChannelTable()
{
	MutexLock guard(initiator_->lock());
	close_channels();
}

/* Meanwhile they still call the table. */
void ChannelTable::close_channels()
{
	routes_.clear();
	last_ = {};
	auto closing = std::exchange(channels_, {});
	closing.clear();
	ended_.clear();
}

void ChannelTable::open(size_t operations)
{
	MutexLock guard(initiator_->lock());
	for (size_t i = 0; i < operations; i++) {
		NotificationSink *sink = this;
		ops_.push_back(std::make_unique<PersistentOp>(sink));
		free_ops_.push_back(ops_.back().get());
	}
	to_notify_.reserve(operations);
	notifying_.reserve(operations);
	refused_.reserve(operations);
}

namespace
{

/* A free operation that is being prepared. Unless it is started, also when
 * something throws, it holds nothing afterwards. */
class Preparation
{
public:
	explicit Preparation(PersistentOp *op) noexcept : op_(op) {}
	~Preparation()
	{
		if (op_)
			op_->release();
	}
	Preparation(const Preparation &) = delete;
	Preparation &operator=(const Preparation &) = delete;

	PersistentOp *get() const noexcept { return op_; }
	PersistentOp *done() noexcept { return std::exchange(op_, nullptr); }

private:
	PersistentOp *op_;
};

} // namespace

ssize_t ChannelTable::submit(const OpRequest &request, fi_addr_t peer)
{
	MutexLock guard(initiator_->lock());
	Channel *channel = nullptr;
	int ret = channel_to_all(request, peer, &channel);
	if (!ret && (free_ops_.empty() || fenced_elsewhere(peer, channel)))
		ret = -FI_EAGAIN;
	if (!ret) {
		Preparation op(free_ops_.back());
		ret = prepare(request, peer, channel, op.get());
		if (!ret)
			return start(op.done(), channel);
	}
	if (ret == -FI_EAGAIN)
		initiator_->progress_locked();
	return ret;
}

/* Fills in a free operation. If this fails nothing has happened. */
int ChannelTable::prepare(const OpRequest &request, fi_addr_t peer,
			  Channel *channel, PersistentOp *op)
{
	op->assign(request, initiator_->new_operation_id());
	op->peer.channel = peer;
	op->peer.port = Key(request.msg().rma_iov[0].key).port();
	op->peer.key_id = channel->key() ? channel->key()->id() : 0;
	int ret = resolve_ranges(channel, request, op);
	bool flush = request.is(OpKind::flush);
	if (!ret && request.options().checked && !flush)
		ret = channel->digest(op);
	if (!ret && (request.is_drain() || flush))
		ret = vouch(*op, channel);
	else if (!ret && request.options().fence)
		ret = follow_others(peer, channel);
	if (ret)
		return ret;
	if (op->options.checked && op->options.inject)
		op->keep_copy();
	return owner_->reserve_completion();
}

/* Takes the last of the free operations, which is prepared. */
int ChannelTable::start(PersistentOp *op, Channel *channel)
{
	free_ops_.pop_back();
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA, "op %" PRIu64 " submit %s len %zu",
			   op->id, to_string(op->kind()), op->len);
	op->peer.fences = op->options.fence;
	fences_ += op->peer.fences;
	channel->fences += op->peer.fences;
	peers_.find(op->peer.channel)->second.fences += op->peer.fences;
	int ret = channel->submit(op);
	if (!ret)
		return 0;
	end_fence(op);
	owner_->unreserve_completion();
	op->release();
	free_ops_.push_back(op);
	return ret;
}

int ChannelTable::use_seal(fi_addr_t peer, Key key, const UseSeal &use)
{
	MutexLock guard(initiator_->lock());
	Channel *channel = nullptr;
	int ret = channel_to(peer, key, &channel);
	if (ret == -FI_EAGAIN)
		initiator_->progress_locked();
	return ret ? ret : use(channel->seal());
}

int ChannelTable::query(fi_addr_t peer, Key key, RemoteRegion *region,
			KeyRing::Key *sealed_with)
{
	MutexLock guard(initiator_->lock());
	Channel *channel = nullptr;
	RemoteRegion *known = nullptr;
	int ret = channel_to(peer, key, &channel);
	if (!ret)
		ret = channel->resolve(key.token(), &known);
	if (ret == -FI_EAGAIN)
		initiator_->progress_locked();
	if (ret)
		return ret;
	*region = *known;
	if (sealed_with)
		*sealed_with = channel->key();
	return 0;
}

/*
 * A fenced commit, like a flush of everything, stands for every earlier write
 * to the peer, including those on channels to other services there (another
 * domain, or one that is gone). No flush stands for writes that were lost.
 */
int ChannelTable::vouch(const PersistentOp &op, const Channel *channel)
{
	bool done = true;
	for (auto &[service, other] : channels_) {
		if (service.peer != op.peer.channel || other.get() == channel)
			continue;
		if (op.checks_earlier() && service.port == op.peer.port &&
		    other->expects())
			return refuse_unchecked("those of another");
		if (op.selects())
			continue;
		if (!(op.is_drain() ? other->make_durable()
				    : other->make_visible()))
			done = false;
	}
	if (!done)
		return -FI_EAGAIN;
	if (!take_lost(op.peer.channel))
		return 0;
	return lost_before(op.is(OpKind::flush) ? "flush" : "fenced commit");
}

/*
 * What was written under its key is durable before another key is used: a later
 * drain could find that the target does not accept the earlier one any more.
 */
int ChannelTable::leave(Channel *channel)
{
	if (!channel->stands())
		return 0;
	if (channel->expects())
		return refuse_unchecked("another region key");
	return channel->make_durable() ? 0 : -FI_EAGAIN;
}

/* What follows a fence comes after it, also on another channel. */
bool ChannelTable::fenced_elsewhere(fi_addr_t peer,
				    const Channel *channel) const
{
	if (!fences_)
		return false;
	auto found = peers_.find(peer);
	return found != peers_.end() && found->second.fences > channel->fences;
}

/* The channel, or the peer, may be gone. */
void ChannelTable::end_fence(PersistentOp *op)
{
	if (!std::exchange(op->peer.fences, false))
		return;
	fences_--;
	auto peer = peers_.find(op->peer.channel);
	if (peer != peers_.end() && peer->second.fences)
		peer->second.fences--;
	auto found = channels_.find(
		{op->peer.channel, op->peer.port, op->peer.key_id});
	if (found != channels_.end() && found->second->fences)
		found->second->fences--;
}

/* A fence without a commit orders what is visible. */
int ChannelTable::follow_others(fi_addr_t peer, const Channel *channel)
{
	bool visible = true;
	for (auto &[service, other] : channels_) {
		if (service.peer == peer && other.get() != channel &&
		    !other->make_visible())
			visible = false;
	}
	return visible ? 0 : -FI_EAGAIN;
}

bool ChannelTable::take_lost(fi_addr_t peer) noexcept
{
	auto found = peers_.find(peer);
	return found != peers_.end() &&
	       std::exchange(found->second.lost, false);
}

ssize_t ChannelTable::drain_all(void *context, bool report, bool checked)
{
	MutexLock guard(initiator_->lock());
	std::vector<Channel *> dirty;
	for (auto &[service, channel] : channels_) {
		if (!channel->clean() || (checked && channel->expects()))
			dirty.push_back(channel.get());
	}
	bool lost = std::exchange(lost_with_peer_, false);
	for (auto &[name, peer] : peers_)
		lost = std::exchange(peer.lost, false) || lost;
	if (lost)
		return lost_before("drain");
	if (free_ops_.size() <= dirty.size()) {
		initiator_->progress_locked();
		return -FI_EAGAIN;
	}
	int ret = owner_->reserve_completion();
	if (ret)
		return ret;
	fi_msg_rma msg{};
	msg.context = context;
	OpRequest request = OpRequest::flush(msg, FlushScope::everything)
				    .at(Level::commit)
				    .fence()
				    .report(report)
				    .checked(checked);
	PersistentOp *whole = take(request);
	whole->unfinished = static_cast<uint32_t>(dirty.size());
	for (Channel *channel : dirty) {
		PersistentOp *part = take(request);
		part->whole = whole;
		/* Only an inject is refused. */
		static_cast<void>(channel->submit(part));
	}
	whole->posting.complete = true;
	if (whole->finished())
		finish(whole);
	return 0;
}

PersistentOp *ChannelTable::take(const OpRequest &request)
{
	PersistentOp *op = free_ops_.back();
	free_ops_.pop_back();
	op->assign(request, initiator_->new_operation_id());
	return op;
}

/*
 * Turns the application's addresses and keys into checked tokens and offsets.
 */
int ChannelTable::resolve_ranges(Channel *channel, const OpRequest &request,
				 PersistentOp *op)
{
	const fi_msg_rma &msg = request.msg();
	bool whole = request.whole_regions();
	for (size_t i = 0; i < msg.rma_iov_count; i++) {
		const fi_rma_iov &rma = msg.rma_iov[i];
		Key key(rma.key);
		RemoteRegion *region = nullptr;
		int ret = channel->resolve(key.token(), &region);
		if (!ret)
			ret = check_region(rma, request, *region);
		if (ret)
			return ret;
		op->hold(i, region);
		const wire::Region &info = region->info;
		op->ranges[i] = {key.token(), whole ? 0 : rma.addr - info.base,
				 whole ? info.length : rma.len};
	}
	if (request.options().notify) {
		/* The target has no word for it either, unless it allows it. */
		if (channel->key() && (!params().seal_cq_data ||
				       !op->regions[0]->info.notify_key))
			return refuse_cq_data();
		op->write().notify_addr = op->regions[0]->info.notify_base;
		op->write().notify_key = op->regions[0]->info.notify_key;
	}
	return 0;
}

void ChannelTable::finish(PersistentOp *op)
{
	initiator_->lock().assert_held();
	op->release();
	end_fence(op);
	op->checks.expected = {};
	if (PersistentOp *whole = op->whole) {
		whole->fail(op->failure);
		whole->checks.earlier_bytes += op->checks.earlier_bytes;
		whole->bad_blocks.insert(whole->bad_blocks.end(),
					 op->bad_blocks.begin(),
					 op->bad_blocks.end());
		free_ops_.push_back(op);
		if (--whole->unfinished || !whole->posting.complete)
			return;
		op = whole;
	}
	if (!op->failure && op->commits_locally() &&
	    owner_->commit_local(op->local.iov(), op->local.count()))
		op->fail({FI_EIO, Cause::local_flush_failed});
	if (op->options.notify && !op->failure) {
		to_notify_.push_back(op);
		owner_->notification_ready();
		return;
	}
	complete(op, false);
}

void ChannelTable::complete(PersistentOp *op, bool counted)
{
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA, "op %" PRIu64 " complete err %d",
			   op->id, op->failure.err);
	size_t len = op->is(OpKind::flush) ? op->checks.earlier_bytes : op->len;
	OpResult result{
		op->context, op->completion_flags, op->options.report, counted,
		len,	     op->failure,	   &op->bad_blocks};
	free_ops_.push_back(op);
	owner_->completed(result);
}

void ChannelTable::begin_notifications()
{
	MutexLock guard(initiator_->lock());
	refused_.clear();
}

bool ChannelTable::is_refused(fi_addr_t peer) const
{
	return std::find(refused_.begin(), refused_.end(), peer) !=
	       refused_.end();
}

bool ChannelTable::take_notification(Notification *notification)
{
	MutexLock guard(initiator_->lock());
	auto next = to_notify_.begin();
	while (next != to_notify_.end() && is_refused((*next)->peer.channel))
		++next;
	if (next == to_notify_.end())
		return false;
	PersistentOp *op = *next;
	to_notify_.erase(next);
	notifying_.push_back(op);
	const WritePayload &write = op->write();
	*notification = {op->peer.named, write.notify_addr, write.notify_key,
			 write.cq_data, op};
	return true;
}

void ChannelTable::return_notification(const Notification &notification)
{
	MutexLock guard(initiator_->lock());
	PersistentOp *op = notification.op;
	notifying_.erase(std::find(notifying_.begin(), notifying_.end(), op));
	if (int err = why_not_notified(op)) {
		end_notification(op, err, false);
		return;
	}
	to_notify_.insert(to_notify_.begin(), op);
	refused_.push_back(op->peer.channel);
	owner_->notification_ready();
}

/*
 * Returns a positive fi_errno if there is no point in trying again to notify,
 * else 0. rxm does not report this: it tries to connect to a peer that has died
 * for as long as it is asked to.
 */
int ChannelTable::why_not_notified(PersistentOp *op) const
{
	auto channel = channels_.find(
		{op->peer.channel, op->peer.port, op->peer.key_id});
	if (channel == channels_.end() || !channel->second->stands())
		return FI_ECONNRESET;
	auto now = std::chrono::steady_clock::now();
	auto &refused_at = op->write().refused_at;
	if (refused_at == std::chrono::steady_clock::time_point{})
		refused_at = now;
	std::chrono::milliseconds timeout(params().operation_timeout_ms);
	bool late = timeout.count() && now - refused_at >= timeout;
	return late ? FI_ETIMEDOUT : 0;
}

void ChannelTable::end_notification(PersistentOp *op, int err, bool counted)
{
	if (err)
		op->fail({err, Cause::remote_cq_data_failed});
	complete(op, counted);
}

void ChannelTable::notified(PersistentOp *op, int err, bool counted)
{
	MutexLock guard(initiator_->lock());
	auto sent = std::find(notifying_.begin(), notifying_.end(), op);
	if (sent == notifying_.end())
		return;
	notifying_.erase(sent);
	end_notification(op, err, counted);
}

/* Takes the operation out of the pool; a later completion finds no owner. */
std::unique_ptr<PersistentOp> ChannelTable::detach(PersistentOp *op)
{
	op->detach();
	free_ops_.erase(std::find(free_ops_.begin(), free_ops_.end(), op));
	auto owner = std::find_if(ops_.begin(), ops_.end(),
				  [&](auto &one) { return one.get() == op; });
	std::unique_ptr<PersistentOp> detached = std::move(*owner);
	ops_.erase(owner);
	return detached;
}

std::vector<std::unique_ptr<InternalOp>> ChannelTable::shutdown()
{
	MutexLock guard(initiator_->lock());
	close_channels();
	for (PersistentOp *op : to_notify_)
		end_notification(op, FI_ECANCELED, false);
	to_notify_.clear();
	std::vector<std::unique_ptr<InternalOp>> sent;
	for (PersistentOp *op : notifying_) {
		end_notification(op, FI_ECANCELED, true);
		sent.push_back(detach(op));
	}
	notifying_.clear();
	return sent;
}

bool ChannelTable::make_visible(fi_addr_t peer)
{
	MutexLock guard(initiator_->lock());
	auto to_peer = [peer](const PersistentOp *op) {
		return op->peer.channel == peer;
	};
	bool visible =
		std::none_of(to_notify_.begin(), to_notify_.end(), to_peer);
	for (auto &[service, channel] : channels_) {
		if (service.peer == peer && !channel->make_visible())
			visible = false;
	}
	if (!visible)
		initiator_->progress_locked();
	return visible;
}

void ChannelTable::drop(fi_addr_t peer)
{
	MutexLock guard(initiator_->lock());
	last_ = {};
	for (auto it = routes_.begin(); it != routes_.end();)
		it = it->first.peer == peer ? routes_.erase(it) : std::next(it);
	for (auto it = channels_.begin(); it != channels_.end();)
		it = it->first.peer == peer ? channels_.erase(it)
					    : std::next(it);
	ended_.erase(std::remove_if(ended_.begin(), ended_.end(),
				    [peer](const Ended &one) {
					    return one.peer == peer;
				    }),
		     ended_.end());
	lost_with_peer_ = take_lost(peer) || lost_with_peer_;
	peers_.erase(peer);
	for (size_t i = 0; i < to_notify_.size();) {
		PersistentOp *op = to_notify_[i];
		if (op->peer.channel != peer) {
			i++;
			continue;
		}
		to_notify_.erase(to_notify_.begin() +
				 static_cast<ptrdiff_t>(i));
		end_notification(op, FI_ECANCELED, false);
	}
}

} // namespace ofi_pmem
