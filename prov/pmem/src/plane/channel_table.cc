/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/channel_table.hh"

#include <algorithm>
#include <cinttypes>

#include "core/log.hh"
#include "core/params.hh"

namespace ofi_pmem
{

namespace
{

const char *name_of(const PersistentOp &op) noexcept
{
	if (op.atomic)
		return "atomic";
	if (op.flush != FlushScope::none)
		return "flush";
	if (op.verifies)
		return "verify";
	return op.write ? "write" : "read";
}

/* What is longer nobody takes for one store (persist/backend.hh). */
constexpr size_t kLongestStore = 8;

/* One that is either failure-atomic, or too long to be taken for that. */
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
		  ": must be of 1, 2, 4 or 8 bytes, aligned to as many, or "
		  "longer; the region's memory is aligned to %zu",
		  range.len, range.addr, target.failure_atomic);
	return -FI_EINVAL;
}

int check_digest(DigestAlgorithm digest, const wire::Region &info)
{
	if (digest_bit(digest) & own_digests() & info.digests)
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "the digest %s: this side has %s; the target has %s",
		  to_string(digest), digest_names(own_digests()).c_str(),
		  digest_names(info.digests).c_str());
	return -FI_EOPNOTSUPP;
}

int check_comparison(const RemoteRegion &region)
{
	if (region.check_by != DigestAlgorithm{})
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "FI_PMEM_VERIFY: FI_OFI_PMEM_DIGEST has %s; this side has "
		  "%s; the target has %s",
		  digest_names(mask_of(params().digests)).c_str(),
		  digest_names(own_digests()).c_str(),
		  digest_names(region.info.digests).c_str());
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
	std::lock_guard guard(initiator_->lock());
	channels_.clear();
}

void ChannelTable::open(size_t operations)
{
	for (size_t i = 0; i < operations; i++) {
		ops_.push_back(std::make_unique<PersistentOp>(this));
		free_ops_.push_back(ops_.back().get());
	}
	to_notify_.reserve(operations);
	notifying_.reserve(operations);
	refused_.reserve(operations);
}

int ChannelTable::channel_to(fi_addr_t peer, uint16_t port, Channel **channel)
{
	auto [entry, added] = channels_.try_emplace(PeerService{peer, port});
	if (added) {
		IpAddress address;
		int ret = owner_->peer_address(peer, &address);
		if (ret) {
			channels_.erase(entry);
			return ret;
		}
		address.set_port(port);
		entry->second = std::make_unique<Channel>(initiator_, this,
							  peer, address);
	}
	*channel = entry->second.get();
	return (*channel)->ready();
}

ssize_t ChannelTable::submit(const OpRequest &request, fi_addr_t peer)
{
	const fi_msg_rma &msg = *request.msg;
	std::lock_guard guard(initiator_->lock());
	Channel *channel = nullptr;
	Key key(msg.rma_iov[0].key);
	int ret = channel_to(peer, key.port(), &channel);
	if (ret == -FI_EAGAIN)
		initiator_->progress_locked();
	if (ret)
		return ret;
	if (free_ops_.empty())
		return -FI_EAGAIN;
	PersistentOp *op = free_ops_.back();
	op->assign(request, initiator_->new_operation_id());
	ret = resolve_ranges(channel, request, op);
	if (ret == -FI_EAGAIN)
		initiator_->progress_locked();
	if (!ret && request.checked && request.flush == FlushScope::none)
		ret = channel->expect(op);
	if (ret)
		return ret;
	op->table_peer = peer;
	op->service_port = key.port();
	if (op->is_drain() || op->flush != FlushScope::none)
		ret = vouch(*op, channel);
	if (ret)
		return ret;
	if (op->checked && op->inject)
		op->keep_copy();
	ret = owner_->reserve_completion();
	if (ret)
		return ret;
	free_ops_.pop_back();
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA, "op %" PRIu64 " submit %s len %zu",
			   op->id, name_of(*op), op->len);
	ret = channel->submit(op);
	if (ret) {
		owner_->unreserve_completion();
		free_ops_.push_back(op);
	}
	return ret;
}

int ChannelTable::query(fi_addr_t peer, Key key, RemoteRegion *region)
{
	std::lock_guard guard(initiator_->lock());
	Channel *channel = nullptr;
	const RemoteRegion *known = nullptr;
	int ret = channel_to(peer, key.port(), &channel);
	if (!ret)
		ret = channel->resolve(key.token(), &known);
	if (ret == -FI_EAGAIN)
		initiator_->progress_locked();
	if (!ret)
		*region = *known;
	return ret;
}

/*
 * A fenced commit stands for every earlier write to the peer, also for those
 * on channels to other services there (another domain, or one that is gone); as
 * does a flush of everything. And no flush stands for what was lost.
 */
int ChannelTable::vouch(const PersistentOp &op, const Channel *channel)
{
	bool done = true;
	for (auto &[service, other] : channels_) {
		if (service.peer != op.table_peer || other.get() == channel ||
		    op.selects())
			continue;
		if (!(op.is_drain() ? other->drained() : other->quiet()))
			done = false;
	}
	if (!done) {
		initiator_->progress_locked();
		return -FI_EAGAIN;
	}
	if (!lost_.erase(op.table_peer))
		return 0;
	return lost_before(op.flush == FlushScope::none ? "fenced commit"
							: "flush");
}

ssize_t ChannelTable::drain_all(void *context, bool report, bool checked)
{
	std::lock_guard guard(initiator_->lock());
	std::vector<Channel *> dirty;
	for (auto &[service, channel] : channels_) {
		if (!channel->clean() || (checked && channel->expects()))
			dirty.push_back(channel.get());
	}
	if (!lost_.empty() || lost_with_peer_) {
		lost_.clear();
		lost_with_peer_ = false;
		return lost_before("drain");
	}
	if (free_ops_.size() <= dirty.size()) {
		initiator_->progress_locked();
		return -FI_EAGAIN;
	}
	int ret = owner_->reserve_completion();
	if (ret)
		return ret;
	fi_msg_rma msg{};
	msg.context = context;
	OpRequest request{&msg,	 true,	Level::commit, true,
			  false, false, report,	       false};
	request.flush = FlushScope::everything;
	request.checked = checked;
	PersistentOp *whole = take(request);
	whole->unfinished = static_cast<uint32_t>(dirty.size());
	for (Channel *channel : dirty) {
		PersistentOp *part = take(request);
		part->whole = whole;
		/* Only an inject is refused. */
		static_cast<void>(channel->submit(part));
	}
	whole->fully_posted = true;
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

/* Whether a range of the application's is one of the region's. */
int ChannelTable::check_range(const fi_rma_iov &rma, const OpRequest &request,
			      const wire::Region &info)
{
	int ret = request.ordered ? check_ordered(rma, target_traits(info)) : 0;
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

/* From the application's addresses and keys to tokens and offsets, checked. */
int ChannelTable::resolve_ranges(Channel *channel, const OpRequest &request,
				 PersistentOp *op)
{
	const fi_msg_rma &msg = *request.msg;
	uint8_t needed = request.needed_access();
	for (size_t i = 0; i < msg.rma_iov_count; i++) {
		const fi_rma_iov &rma = msg.rma_iov[i];
		const RemoteRegion *region = nullptr;
		int ret = channel->resolve(Key(rma.key).token(), &region);
		if (ret)
			return ret;
		const wire::Region &info = region->info;
		bool whole = request.flush == FlushScope::regions ||
			     request.flush == FlushScope::everything;
		ret = whole ? 0 : check_range(rma, request, info);
		if (ret)
			return ret;
		uint8_t missing = needed & static_cast<uint8_t>(~info.access);
		if (missing) {
			PMEM_WARN(FI_LOG_EP_DATA,
				  "the region was not registered for %s",
				  missing & wire::kRemoteWrite
					  ? "FI_REMOTE_WRITE"
					  : "FI_REMOTE_READ");
			return -FI_EACCES;
		}
		if (request.verify)
			ret = check_digest(request.verify->digest, info);
		else if (request.checked)
			ret = check_comparison(*region);
		if (ret)
			return ret;
		op->ranges[i] = {Key(rma.key).token(),
				 whole ? 0 : rma.addr - info.base,
				 whole ? info.length : rma.len};
		if (!i) {
			op->notify_addr = info.notify_base;
			op->notify_key = info.notify_key;
		}
	}
	return 0;
}

void ChannelTable::finish(PersistentOp *op)
{
	op->expected = {};
	if (PersistentOp *whole = op->whole) {
		whole->fail(op->failure);
		whole->earlier_bytes += op->earlier_bytes;
		whole->bad_blocks.insert(whole->bad_blocks.end(),
					 op->bad_blocks.begin(),
					 op->bad_blocks.end());
		free_ops_.push_back(op);
		if (--whole->unfinished || !whole->fully_posted)
			return;
		op = whole;
	}
	op->local_memory.clear();
	if (!op->failure && op->local_commit &&
	    owner_->commit_local(op->local.iov(), op->local.count()))
		op->fail({FI_EIO, Cause::local_flush_failed});
	if (op->notify && !op->failure) {
		op->refused_at = {};
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
	size_t len =
		op->flush == FlushScope::none ? op->len : op->earlier_bytes;
	OpResult result{
		op->context, op->completion_flags, op->report,	   counted,
		len,	     op->failure,	   &op->bad_blocks};
	free_ops_.push_back(op);
	owner_->completed(result);
}

void ChannelTable::begin_notifications()
{
	std::lock_guard guard(initiator_->lock());
	refused_.clear();
}

bool ChannelTable::take_notification(Notification *notification)
{
	std::lock_guard guard(initiator_->lock());
	auto next = std::find_if(
		to_notify_.begin(), to_notify_.end(),
		[&](const PersistentOp *op) {
			return std::find(refused_.begin(), refused_.end(),
					 op->table_peer) == refused_.end();
		});
	if (next == to_notify_.end())
		return false;
	PersistentOp *op = *next;
	to_notify_.erase(next);
	notifying_.push_back(op);
	*notification = {op->peer, op->notify_addr, op->notify_key, op->data,
			 op};
	return true;
}

void ChannelTable::return_notification(const Notification &notification)
{
	std::lock_guard guard(initiator_->lock());
	PersistentOp *op = notification.op;
	notifying_.erase(std::find(notifying_.begin(), notifying_.end(), op));
	if (int err = why_not_notified(op)) {
		end_notification(op, err, false);
		return;
	}
	to_notify_.insert(to_notify_.begin(), op);
	refused_.push_back(op->table_peer);
	owner_->notification_ready();
}

/*
 * Whether the inner provider will not take it any more, which rxm does not
 * tell: it tries to connect to a peer that has died for as long as it is asked
 * to. Positive fi_errno, or 0.
 */
int ChannelTable::why_not_notified(PersistentOp *op) const
{
	auto channel = channels_.find({op->table_peer, op->service_port});
	if (channel == channels_.end() || !channel->second->stands())
		return FI_ECONNRESET;
	auto now = std::chrono::steady_clock::now();
	if (op->refused_at == std::chrono::steady_clock::time_point{})
		op->refused_at = now;
	std::chrono::milliseconds timeout(params().operation_timeout_ms);
	bool late = timeout.count() && now - op->refused_at >= timeout;
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
	std::lock_guard guard(initiator_->lock());
	auto sent = std::find(notifying_.begin(), notifying_.end(), op);
	if (sent == notifying_.end())
		return;
	notifying_.erase(sent);
	end_notification(op, err, counted);
}

/* Out of the pool; what completes it later finds nobody. */
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
	std::lock_guard guard(initiator_->lock());
	channels_.clear();
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

bool ChannelTable::quiet(fi_addr_t peer)
{
	std::lock_guard guard(initiator_->lock());
	auto to_peer = [peer](const PersistentOp *op) {
		return op->table_peer == peer;
	};
	bool all_quiet =
		std::none_of(to_notify_.begin(), to_notify_.end(), to_peer);
	for (auto &[service, channel] : channels_) {
		if (service.peer == peer && !channel->quiet())
			all_quiet = false;
	}
	if (!all_quiet)
		initiator_->progress_locked();
	return all_quiet;
}

void ChannelTable::drop(fi_addr_t peer)
{
	std::lock_guard guard(initiator_->lock());
	for (auto it = channels_.begin(); it != channels_.end();)
		it = it->first.peer == peer ? channels_.erase(it)
					    : std::next(it);
	if (lost_.erase(peer))
		lost_with_peer_ = true;
	for (size_t i = 0; i < to_notify_.size();) {
		PersistentOp *op = to_notify_[i];
		if (op->table_peer != peer) {
			i++;
			continue;
		}
		to_notify_.erase(to_notify_.begin() +
				 static_cast<ptrdiff_t>(i));
		end_notification(op, FI_ECANCELED, false);
	}
}

} // namespace ofi_pmem
