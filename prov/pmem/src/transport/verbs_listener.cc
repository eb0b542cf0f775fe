/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/verbs_listener.hh"

#include "core/log.hh"
#include "transport/verbs_link.hh"

#include <rdma/fi_errno.h>

#include <cerrno>

namespace ofi_pmem
{

namespace
{

constexpr int kBacklog = 256;

} // namespace

int VerbsListener::open(IpAddress address, VerbsQueues *queues)
{
	VerbsEventHandler *handler = this;
	rdma_cm_id *id = nullptr;
	if (rdma_create_id(queues->events(), &id, handler, RDMA_PS_TCP))
		return -errno;
	id_.reset(id);
	if (rdma_bind_addr(id, address.raw()))
		return -errno;
	/* A wildcard has no device. */
	if (id->verbs && id->verbs != transport_.device())
		return -FI_ENODEV;
	if (rdma_listen(id, kBacklog))
		return -errno;
	port_ = ntohs(rdma_get_src_port(id));
	return 0;
}

bool VerbsListener::on_event(const Event &event, LinkEvent *told)
{
	if (event.type != RDMA_CM_EVENT_CONNECT_REQUEST)
		return false;
	VerbsPtr<rdma_cm_id> id(event.id);
	id->context = nullptr; /* it came with ours */
	rdma_conn_param asked{};
	asked.responder_resources = event.responder_resources;
	asked.initiator_depth = event.initiator_depth;
	*told = LinkEvent{};
	told->kind = LinkEvent::Kind::request;
	told->request = std::make_unique<VerbsConnectRequest>(
		transport_, std::move(id), asked);
	return true;
}

VerbsConnectRequest::~VerbsConnectRequest()
{
	if (id_)
		rdma_reject(id_.get(), nullptr, 0);
}

int VerbsConnectRequest::accept(Queues *queues, const LinkAttr &attr,
				std::unique_ptr<Link> *link)
{
	if (id_->verbs != transport_.device()) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "a channel arrived through device %s, but the domain "
			  "is on %s",
			  ibv_get_device_name(id_->verbs->device),
			  ibv_get_device_name(transport_.device()->device));
		return -FI_EADDRNOTAVAIL;
	}
	auto made = std::make_unique<VerbsLink>(attr, transport_);
	int ret = made->accept(std::move(id_), asked_,
			       static_cast<VerbsQueues *>(queues));
	if (!ret)
		*link = std::move(made);
	return ret;
}

} // namespace ofi_pmem
