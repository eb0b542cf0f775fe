/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/ep_plane.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <rdma/fi_cm.h>

#include <algorithm>

namespace ofi_pmem
{

namespace
{

/* At least this many operations fit, whatever the endpoint's attributes say. */
constexpr size_t kMinOperations = 64;

constexpr uint64_t kReadFlags = FI_COMPLETION | FI_MORE | FI_FENCE |
				FI_INJECT_COMPLETE | FI_TRANSMIT_COMPLETE |
				FI_DELIVERY_COMPLETE | FI_COMMIT_COMPLETE |
				kPriority;
constexpr uint64_t kWriteFlags =
	kReadFlags | FI_INJECT | FI_REMOTE_CQ_DATA | FI_PMEM_VERIFY;

/* Remote CQ data promises that the data is there. */
Level level_of(const RmaCall &call) noexcept
{
	constexpr uint64_t kVisible = FI_DELIVERY_COMPLETE | FI_REMOTE_CQ_DATA;
	if (call.kind == OpKind::write &&
	    ((call.flags & FI_COMMIT_COMPLETE) ||
	     params().commit == CommitChoice::all))
		return Level::commit;
	return call.flags & kVisible ? Level::delivery : Level::transmit;
}

/* Returns false when the sum wraps. */
template <typename Length>
bool sum_lengths(size_t count, Length length, uint64_t *total) noexcept
{
	*total = 0;
	for (size_t i = 0; i < count; i++) {
		if (__builtin_add_overflow(*total, length(i), total))
			return false;
	}
	return true;
}

/* The local and the remote side must agree; *len is what they agree on. */
int check_ranges(const fi_msg_rma &msg, const fi_tx_attr &limits,
		 uint64_t *len) noexcept
{
	/* getinfo() caps both at kMaxIov and kMaxRmaIov. */
	size_t max_iov = std::min(limits.iov_limit, kMaxIov);
	size_t max_rma_iov = std::min(limits.rma_iov_limit, kMaxRmaIov);
	uint64_t local = 0;
	uint64_t remote = 0;
	bool sums =
		msg.iov_count <= max_iov && msg.rma_iov_count <= max_rma_iov &&
		sum_lengths(
			msg.iov_count,
			[&](size_t i) { return msg.msg_iov[i].iov_len; },
			&local) &&
		sum_lengths(
			msg.rma_iov_count,
			[&](size_t i) { return msg.rma_iov[i].len; }, &remote);
	if (!sums || local != remote || !same_service(msg)) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "local length %llu in %zu buffers (at most %zu), "
			  "remote length %llu in %zu ranges (at most %zu): "
			  "the lengths must be equal, and the ranges in one "
			  "peer's persistent regions",
			  static_cast<unsigned long long>(local), msg.iov_count,
			  max_iov, static_cast<unsigned long long>(remote),
			  msg.rma_iov_count, max_rma_iov);
		return -FI_EINVAL;
	}
	*len = local;
	return 0;
}

} // namespace

bool same_service(const fi_msg_rma &msg) noexcept
{
	Key first(msg.rma_iov[0].key);
	for (size_t i = 0; i < msg.rma_iov_count; i++) {
		Key key(msg.rma_iov[i].key);
		if (!key.persistent() || key.port() != first.port())
			return false;
	}
	return true;
}

namespace
{

bool any_empty(const fi_msg_rma &msg) noexcept
{
	return std::any_of(msg.rma_iov, msg.rma_iov + msg.rma_iov_count,
			   [](const fi_rma_iov &range) { return !range.len; });
}

/* Checks an operation without local buffers, which the message calls `what`. */
int check_remote(const fi_msg_rma &msg, bool may_be_empty,
		 const char *what) noexcept
{
	if (msg.rma_iov_count && msg.rma_iov_count <= kMaxRmaIov &&
	    same_service(msg) && (may_be_empty || !any_empty(msg)))
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "a %s of %zu ranges: it needs 1 to %zu, %sin one peer's "
		  "persistent regions",
		  what, msg.rma_iov_count, kMaxRmaIov,
		  may_be_empty ? "" : "none empty, ");
	return -FI_EINVAL;
}

} // namespace

EndpointPlane::~EndpointPlane()
{
	close();
}

int EndpointPlane::open()
{
	OpOwner *owner = this;
	channels_ = std::make_unique<ChannelTable>(
		&host_.persistence->initiator(), owner);
	size_t wanted = host_.info->tx_attr->size;
	channels_->open(std::clamp(wanted, kMinOperations, kMaxTransmits));
	if (!(host_.info->caps & FI_FENCE))
		return 0;
	return open_transmit_gate(host_, &gate_);
}

void EndpointPlane::bound_to_av(PeerDirectory *av)
{
	av->add_listener(this);
	av_ = av;
}

void EndpointPlane::bound_to_cq(PlaneQueue *cq)
{
	cq->make_places();
	queues_.reserve(queues_.size() + 1);
	cq->deferred().add(this);
	queues_.push_back(cq);
}

void EndpointPlane::bound_to_counter(PlaneCounter *counter)
{
	counters_.reserve(counters_.size() + 1);
	counter->deferred().add(this);
	counters_.push_back(counter);
}

void EndpointPlane::suspend() noexcept
{
	for (PlaneQueue *cq : queues_)
		cq->deferred().remove(this);
	for (PlaneCounter *counter : counters_)
		counter->deferred().remove(this);
}

void EndpointPlane::resume()
{
	for (PlaneQueue *cq : queues_)
		cq->deferred().add(this);
	for (PlaneCounter *counter : counters_)
		counter->deferred().add(this);
}

void EndpointPlane::close() noexcept
{
	if (av_)
		av_->remove_listener(this);
	av_ = nullptr;
	suspend();
	if (channels_) {
		PlaneQueue *cq = host_.tx_queue;
		for (auto &op : channels_->shutdown()) {
			if (cq)
				cq->adopt(std::move(op));
		}
	}
	channels_.reset();
	if (gate_)
		gate_->close();
	queues_.clear();
	counters_.clear();
}

/* A connected endpoint has one peer, whatever address the call passes. */
fi_addr_t EndpointPlane::identity(fi_addr_t peer) const noexcept
{
	if (host_.info->ep_attr->type == FI_EP_MSG)
		return 0;
	return av_ ? av_->peer_bits(peer) : peer;
}

int EndpointPlane::check(const RmaCall &call) const noexcept
{
	const fi_msg_rma &msg = *call.msg;
	bool write = call.kind == OpKind::write;
	uint64_t known = write ? kWriteFlags : kReadFlags;
	if (call.flags & ~known) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "flags 0x%llx do not apply to an RMA %s",
			  static_cast<unsigned long long>(call.flags & ~known),
			  to_string(call.kind));
		return -FI_EBADFLAGS;
	}
	const fi_tx_attr &limits = *host_.info->tx_attr;
	uint64_t len = 0;
	int ret = check_ranges(msg, limits, &len);
	if (ret)
		return ret;
	uint64_t longest = call.flags & FI_INJECT
				   ? limits.inject_size
				   : host_.info->ep_attr->max_msg_size;
	if (len > longest) {
		PMEM_WARN(FI_LOG_EP_DATA, "length %llu is more than %llu",
			  static_cast<unsigned long long>(len),
			  static_cast<unsigned long long>(longest));
		return -FI_EINVAL;
	}
	if (!write && (call.flags & FI_COMMIT_COMPLETE) &&
	    !host_.persistence->regions().contains(msg.msg_iov,
						   msg.iov_count)) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "FI_COMMIT_COMPLETE of a read needs a local buffer "
			  "in a persistent region");
		return -FI_EINVAL;
	}
	return 0;
}

int EndpointPlane::check_process() const noexcept
{
	return origin_.inherited() ? Origin::refuse() : 0;
}

ssize_t EndpointPlane::start(const OpRequest &request) noexcept
{
	if (notifications_)
		run_deferred();
	/* A flush does not transmit, so it waits for no transmit. */
	bool gated = request.options().fence && !request.is(OpKind::flush);
	int ret = gated && gate_ ? gate_->idle() : 0;
	if (ret)
		return ret;
	return guarded([&] {
		return static_cast<int>(channels_->submit(
			request, identity(request.msg().addr)));
	});
}

ssize_t EndpointPlane::rma(const RmaCall &call) noexcept
{
	int ret = check_process();
	if (!ret)
		ret = check(call);
	if (ret)
		return ret;
	bool write = call.kind == OpKind::write;
	OpRequest request = write ? OpRequest::write(*call.msg)
				  : OpRequest::read(*call.msg);
	return start(request.at(level_of(call))
			     .fence(call.flags & FI_FENCE)
			     .inject(call.flags & FI_INJECT)
			     .notify(call.flags & FI_REMOTE_CQ_DATA)
			     .more(call.flags & FI_MORE)
			     .checked(call.flags & FI_PMEM_VERIFY)
			     .report(call.report)
			     .ordered(call.ordered)
			     .local_commit(!write &&
					   (call.flags & FI_COMMIT_COMPLETE)));
}

ssize_t EndpointPlane::flush(const FlushCall &call) noexcept
{
	int ret = check_process();
	if (!ret)
		ret = check_remote(*call.msg, call.scope != FlushScope::ranges,
				   "flush");
	if (ret)
		return ret;
	/* The drain of the channel is that of a fenced commit. */
	bool drains = call.scope == FlushScope::everything &&
		      call.level == Level::commit;
	return start(OpRequest::flush(*call.msg, call.scope)
			     .at(call.level)
			     .fence(drains)
			     .checked(call.checked)
			     .report(call.report));
}

namespace
{

/* Sums the digests of all blocks, none of which is empty; returns false when a
 * size_t cannot count them. */
bool digests_length(const VerifyCall &call, size_t *total) noexcept
{
	const fi_msg_rma &msg = *call.msg;
	size_t block = call.verify.block;
	uint64_t blocks = 0;
	return sum_lengths(
		       msg.rma_iov_count,
		       [&](size_t i) {
			       size_t len = msg.rma_iov[i].len;
			       return block ? (len - 1) / block + 1 : 1;
		       },
		       &blocks) &&
	       !__builtin_mul_overflow(
		       blocks, digest_length(call.verify.digest), total);
}

} // namespace

ssize_t EndpointPlane::verify(const VerifyCall &call) noexcept
{
	int ret = check_process();
	if (!ret)
		ret = check_remote(*call.msg, false, "verification");
	if (ret)
		return ret;
	size_t needed = 0;
	if (!digests_length(call, &needed) || needed > call.digests_size) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "there is room for %zu bytes of digests, which have "
			  "%zu",
			  call.digests_size, needed);
		return -FI_ETOOSMALL;
	}
	return start(
		OpRequest::verify(*call.msg, call.verify).report(call.report));
}

ssize_t EndpointPlane::drain_all(void *context, bool report,
				 bool checked) noexcept
{
	if (int ret = check_process())
		return ret;
	return guarded([&] {
		return static_cast<int>(
			channels_->drain_all(context, report, checked));
	});
}

/* Returns 0 if it is; else -FI_EINVAL after a warning. */
int EndpointPlane::check_key(Key key) noexcept
{
	if (key.persistent())
		return 0;
	PMEM_WARN(FI_LOG_EP_CTRL,
		  "key 0x%llx does not belong to a persistent region",
		  static_cast<unsigned long long>(key.value()));
	return -FI_EINVAL;
}

int EndpointPlane::query(fi_addr_t peer, uint64_t key, RemoteRegion *region,
			 KeyRing::Key *sealed_with) noexcept
{
	int ret = check_process();
	if (!ret)
		ret = check_key(Key(key));
	return ret ? ret : guarded([&] {
		return channels_->query(identity(peer), Key(key), region,
					sealed_with);
	});
}

template <typename Use>
int EndpointPlane::use_seal(fi_addr_t peer, uint64_t key, Use &&use) noexcept
{
	int ret = check_process();
	if (!ret)
		ret = check_key(Key(key));
	if (!ret && !Key(key).sealed())
		ret = -FI_EINVAL;
	return ret ? ret : guarded([&] {
		return channels_->use_seal(identity(peer), Key(key), use);
	});
}

int EndpointPlane::exporter(fi_addr_t peer, uint64_t key, TrafficSecret *secret,
			    uint64_t *connection) noexcept
{
	return use_seal(peer, key, [&](ChannelSeal *seal) {
		*secret = seal->exporter;
		*connection = seal->connection;
		return 0;
	});
}

int EndpointPlane::take_nonces(fi_addr_t peer, uint64_t key, uint64_t count,
			       uint64_t *first, uint64_t *connection) noexcept
{
	return use_seal(peer, key, [&](ChannelSeal *seal) {
		if (count > UINT64_MAX - seal->nonces_taken)
			return -FI_EKEYREJECTED;
		*first = seal->nonces_taken;
		seal->nonces_taken += count;
		*connection = seal->connection;
		return 0;
	});
}

int EndpointPlane::pass_gate(fi_addr_t peer, uint64_t flags,
			     Transmit kind) noexcept
{
	if (int ret = check_process())
		return ret;
	bool fence = flags & FI_FENCE;
	bool after_writes = kind == Transmit::send &&
			    (host_.info->tx_attr->msg_order & FI_ORDER_SAW);
	auto make_visible = [&] {
		return channels_->make_visible(identity(peer)) ? 0 : -FI_EAGAIN;
	};
	if ((fence || after_writes) && guarded(make_visible)) {
		/* Look again, so that no opening is missed before the flag. */
		gated_ = true;
		int ret = guarded(make_visible);
		if (ret)
			return ret;
	}
	return fence && gate_ ? gate_->idle() : 0;
}

/* A thread may sleep in fi_cq_sread() until it can send. */
void EndpointPlane::gate_may_open() noexcept
{
	if (!gated_ || !gated_.exchange(false))
		return;
	for (PlaneQueue *cq : queues_)
		cq->wake_reader();
}

int EndpointPlane::peer_address(fi_addr_t peer, IpAddress *address) noexcept
{
	sockaddr_storage found{};
	size_t len = sizeof(found);
	int ret;
	if (host_.info->ep_attr->type == FI_EP_MSG)
		ret = fi_getpeer(host_.inner, &found, &len);
	else if (av_)
		ret = av_->ip_of(peer, &found);
	else
		ret = -FI_ENOAV;
	if (ret)
		return ret;
	return address->assign(&found, sizeof(found)) ? 0 : -FI_EADDRNOTAVAIL;
}

int EndpointPlane::reserve_completion() noexcept
{
	PlaneQueue *cq = host_.tx_queue;
	return cq ? cq->reserve() : 0;
}

void EndpointPlane::unreserve_completion() noexcept
{
	if (PlaneQueue *cq = host_.tx_queue)
		cq->unreserve();
}

void EndpointPlane::count(const OpResult &result) noexcept
{
	PlaneCounter *counter = result.flags & FI_WRITE ? host_.write_counter
							: host_.read_counter;
	if (!counter)
		return;
	if (result.counted)
		return;
	if (result.failure)
		counter->add_own_error(1);
	else
		counter->add_own(1);
}

void EndpointPlane::completed(const OpResult &result) noexcept
{
	count(result);
	gate_may_open();
	PlaneQueue *cq = host_.tx_queue;
	if (!cq)
		return;
	if (result.failure) {
		fi_cq_err_entry error{};
		error.op_context = result.context;
		error.flags = result.flags;
		error.len = result.len;
		error.err = result.failure.err;
		error.prov_errno = prov_errno_of(result.failure.cause);
		error.err_data = const_cast<fi_pmem_bad_block *>(
			result.bad_blocks->data());
		error.err_data_size =
			result.bad_blocks->size() * sizeof(fi_pmem_bad_block);
		cq->push_error(error);
	} else if (result.report) {
		fi_cq_tagged_entry entry{};
		entry.op_context = result.context;
		entry.flags = result.flags;
		entry.len = result.len;
		cq->push(entry, FI_ADDR_NOTAVAIL);
	} else {
		cq->unreserve();
	}
}

/* Every queue and counter gets it, because the thread may read any of them. */
void EndpointPlane::notification_ready() noexcept
{
	notifications_ = true;
	for (PlaneQueue *cq : queues_)
		cq->announce_deferred();
	for (PlaneCounter *counter : counters_)
		counter->announce_deferred();
}

int EndpointPlane::commit_local(const iovec *iov, size_t count) noexcept
{
	return host_.persistence->regions().commit_local(iov, count);
}

void EndpointPlane::address_removed(fi_addr_t address) noexcept
{
	if (!origin_.inherited())
		channels_->drop(identity(address));
}

/* Sends the remote CQ data of writes that are as durable as requested. */
void EndpointPlane::run_deferred() noexcept
{
	if (origin_.inherited())
		return;
	notifications_ = false;
	channels_->begin_notifications();
	Notification note{};
	while (channels_->take_notification(&note)) {
		ssize_t ret = notify(note);
		if (ret == -FI_EAGAIN) {
			channels_->return_notification(note);
			continue;
		}
		if (ret)
			channels_->notified(note.op, static_cast<int>(-ret),
					    false);
	}
}

ssize_t EndpointPlane::notify(const Notification &note) noexcept
{
	PlaneQueue *cq = host_.tx_queue;
	InternalOp *op = note.op;
	fi_rma_iov target{note.addr, 0, note.key};
	/*
	 * There is one empty local range, because verbs writes the first
	 * element whatever the count is. It is injected and has no descriptor,
	 * because verbs and rxm look into the descriptor of any other range.
	 */
	iovec nothing{};
	fi_msg_rma msg{};
	msg.msg_iov = &nothing;
	msg.iov_count = 1;
	msg.addr = note.peer;
	msg.rma_iov = &target;
	msg.rma_iov_count = 1;
	msg.context = op;
	msg.data = note.data;
	if (cq)
		cq->expect(op);
	if (gate_)
		gate_->begin(Transmit::write);
	ssize_t ret =
		fi_writemsg(host_.inner, &msg,
			    FI_REMOTE_CQ_DATA | FI_INJECT | FI_COMPLETION);
	if (gate_)
		gate_->end(Transmit::write, !ret);
	if (ret) {
		if (cq)
			cq->forget(op);
		return ret;
	}
	/* Without a queue only a counter sees its completion. */
	if (!cq)
		channels_->notified(note.op, 0, true);
	return 0;
}

} // namespace ofi_pmem
