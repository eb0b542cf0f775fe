/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Goes from an address to a connected queue pair; verbs_post.cc posts to it. */
#include "transport/verbs_link.hh"

#include "core/log.hh"
#include "core/params.hh"
#include "transport/verbs_extensions.hh"

#include <rdma/fi_domain.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

namespace
{

/* The send queue has these entries beside those for messages. */
constexpr uint32_t kOneSidedEntries = 512;

constexpr int kResolveTimeoutMs = 2000;

/*
 * A message that is not acknowledged for 4.096 us * 2^17, half a second, is
 * sent again, six times (rdma_set_option(3)): a dead target is noticed within
 * five seconds. Without the option the kernel takes half a minute and more.
 * Seven is the largest count, but Soft-RoCE (Linux 6.12) takes it to mean no
 * limit.
 */
constexpr uint8_t kAckTimeout = 17;
constexpr uint8_t kRetries = 6;
constexpr uint8_t kRetriesForever = 7; /* while no receive is posted */

ibv_qp_init_attr_ex queue_pair_attr(const VerbsTransport &transport, ibv_cq *cq,
				    uint32_t sends, uint32_t receives)
{
	const TransportTraits &traits = transport.traits();
	ibv_qp_init_attr_ex attr{};
	attr.send_cq = cq;
	attr.recv_cq = cq;
	attr.qp_type = IBV_QPT_RC;
	attr.cap.max_send_wr = sends;
	attr.cap.max_recv_wr = receives;
	attr.cap.max_send_sge = std::min<uint32_t>(kMaxOneSidedBuffers,
						   transport.limits().max_sge);
	attr.cap.max_recv_sge = 1;
	attr.cap.max_inline_data = static_cast<uint32_t>(traits.inline_bytes);
	attr.pd = transport.pd();
	attr.comp_mask = IBV_QP_INIT_ATTR_PD;
	if (!transport.extended())
		return attr;
	attr.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	attr.send_ops_flags = IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_RDMA_WRITE |
			      IBV_QP_EX_WITH_RDMA_READ;
	if (traits.native_flush)
		attr.send_ops_flags |= kFlushOps;
	if (traits.atomic_write)
		attr.send_ops_flags |= kAtomicWriteOps;
	return attr;
}

int error_of(rdma_cm_event_type type, int status) noexcept
{
	if (type == RDMA_CM_EVENT_REJECTED)
		return FI_ECONNREFUSED;
	return status < 0 ? -status : FI_EHOSTUNREACH;
}

} // namespace

VerbsLink::~VerbsLink()
{
	if (!id_)
		return;
	if (established_)
		rdma_disconnect(id_.get());
	if (id_->qp)
		rdma_destroy_qp(id_.get());
}

int VerbsLink::probe(const VerbsTransport &transport, uint32_t *inline_bytes)
{
	VerbsPtr<ibv_cq> cq(
		ibv_create_cq(transport.device(), 16, nullptr, nullptr, 0));
	if (!cq)
		return -errno;
	/* Devices refuse more than they can, and none says how much that is. */
	ibv_qp *qp = nullptr;
	for (uint32_t bytes = kMaxInline; !qp; bytes /= 2) {
		auto attr = queue_pair_attr(transport, cq.get(), 8, 8);
		attr.cap.max_inline_data = bytes;
		errno = EINVAL; /* some libraries set none */
		qp = ibv_create_qp_ex(transport.device(), &attr);
		*inline_bytes = std::min(bytes, attr.cap.max_inline_data);
		if (!qp && !bytes)
			return -errno;
	}
	ibv_destroy_qp(qp);
	return 0;
}

int VerbsLink::connect(const IpAddress &peer, VerbsQueues *queues)
{
	queues_ = queues;
	int ret = open_buffers(transport_);
	if (ret)
		return ret;
	VerbsEventHandler *handler = this;
	rdma_cm_id *id = nullptr;
	if (rdma_create_id(queues->events(), &id, handler, RDMA_PS_TCP))
		return -errno;
	id_.reset(id);
	IpAddress target = peer;
	IpAddress own = transport_.own_address();
	own.set_port(0);
	/*
	 * It must have the target's family; otherwise the route gives an
	 * address.
	 */
	bool usable = !own.wildcard() && own.family() == peer.family();
	sockaddr *source = usable ? own.raw() : nullptr;
	if (rdma_resolve_addr(id, source, target.raw(), kResolveTimeoutMs))
		return -errno;
	return 0;
}

/* Takes the next step of connecting; the event of the one before begins it. */
int VerbsLink::proceed(const Event &event, bool *connected)
{
	switch (event.type) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		return resolve_route();
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		return request_connection();
	case RDMA_CM_EVENT_ESTABLISHED:
		established_ = true;
		*connected = true;
		return 0;
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
		return -error_of(event.type, event.status);
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		return -FI_ENODEV;
	default:
		return 0;
	}
}

bool VerbsLink::on_event(const Event &event, LinkEvent *told)
{
	bool connected = false;
	int ret = 0;
	*told = LinkEvent{};
	told->link = id();
	if (event.type == RDMA_CM_EVENT_DISCONNECTED) {
		told->kind = LinkEvent::Kind::closed;
		return true;
	}
	ret = proceed(event, &connected);
	if (ret) {
		told->kind = LinkEvent::Kind::failed;
		told->err = -ret;
	} else {
		told->kind = LinkEvent::Kind::connected;
	}
	return ret || connected;
}

int VerbsLink::resolve_route()
{
	if (id_->verbs != transport_.device()) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "the route to the target leads through device %s, "
			  "but the domain is on %s",
			  ibv_get_device_name(id_->verbs->device),
			  ibv_get_device_name(transport_.device()->device));
		return -FI_EHOSTUNREACH;
	}
	return rdma_resolve_route(id_.get(), kResolveTimeoutMs) ? -errno : 0;
}

int VerbsLink::open_queue_pair()
{
	uint8_t timeout = kAckTimeout;
	/* Older kernels do not know this option, and use their own timeout. */
	static_cast<void>(rdma_set_option(id_.get(), RDMA_OPTION_ID,
					  RDMA_OPTION_ID_ACK_TIMEOUT, &timeout,
					  sizeof(timeout)));
	uint32_t entries = std::min(attr().sends + kOneSidedEntries,
				    transport_.limits().max_send_wr);
	auto wanted = queue_pair_attr(transport_, queues_->cq(), entries,
				      attr().receives);
	if (rdma_create_qp_ex(id_.get(), &wanted))
		return -errno;
	if (transport_.extended())
		qp_ = ibv_qp_to_qp_ex(id_->qp);
	free_entries_ = entries;
	chain_lengths_.resize(attr().chains);
	return post_receives();
}

rdma_conn_param VerbsLink::parameters() const noexcept
{
	rdma_conn_param param{};
	param.initiator_depth = transport_.limits().initiator_depth;
	param.responder_resources = transport_.limits().responder_resources;
	param.retry_count = kRetries;
	param.rnr_retry_count = kRetriesForever;
	return param;
}

int VerbsLink::request_connection()
{
	int ret = open_queue_pair();
	if (ret)
		return ret;
	rdma_conn_param param = parameters();
	return rdma_connect(id_.get(), &param) ? -errno : 0;
}

int VerbsLink::accept(VerbsPtr<rdma_cm_id> id, const rdma_conn_param &asked,
		      VerbsQueues *queues)
{
	VerbsEventHandler *handler = this;
	queues_ = queues;
	id_ = std::move(id);
	id_->context = handler;
	int ret = open_buffers(transport_);
	if (!ret)
		ret = open_queue_pair();
	rdma_conn_param param = parameters();
	param.initiator_depth =
		std::min(param.initiator_depth, asked.initiator_depth);
	param.responder_resources =
		std::min(param.responder_resources, asked.responder_resources);
	if (!ret && rdma_accept(id_.get(), &param))
		ret = -errno;
	if (ret)
		rdma_reject(id_.get(), nullptr, 0);
	return ret;
}

} // namespace ofi_pmem
