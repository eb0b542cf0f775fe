/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/fi_link.hh"

#include <rdma/fi_cm.h>
#include <rdma/fi_rma.h>

namespace ofi_pmem
{

namespace
{

void *to_context(const Handle &handle) noexcept
{
	static_assert(sizeof(uintptr_t) == 8, "handles need 64-bit contexts");
	return reinterpret_cast<void *>(uintptr_t{handle.to_number()});
}

} // namespace

FiLink::~FiLink()
{
	if (ep_)
		queues_->remove(&ep_->fid);
}

int FiLink::open(const FiTransport &transport, FiQueues *queues, fi_info *info)
{
	queues_ = queues;
	int ret = open_buffers(transport);
	if (!ret)
		ret = open_endpoint(transport, info);
	if (!ret)
		ret = post_receives();
	return ret;
}

int FiLink::open_endpoint(const FiTransport &transport, fi_info *info)
{
	fid_ep *ep = nullptr;
	int ret = fi_endpoint(transport.domain(), info, &ep, nullptr);
	if (ret)
		return ret;
	ep_.reset(ep);
	queues_->add(&ep->fid, id());
	/* Completions of a NIC need no system call. */
	if (!transport.traits().needs_local_memory)
		inject_size_ = info->tx_attr->inject_size;
	ret = fi_ep_bind(ep, &queues_->eq()->fid, 0);
	if (ret)
		return ret;
	ret = fi_ep_bind(ep, &queues_->cq()->fid, FI_TRANSMIT | FI_RECV);
	if (ret)
		return ret;
	return fi_enable(ep);
}

int FiLink::connect(const fi_info &info)
{
	return fi_connect(ep_.get(), info.dest_addr, nullptr, 0);
}

int FiLink::accept()
{
	return fi_accept(ep_.get(), nullptr, 0);
}

int FiLink::post_receive(uint16_t slot) noexcept
{
	return static_cast<int>(fi_recv(
		ep_.get(), receive_buffers_.at(slot), receive_buffers_.bytes(),
		receive_buffers_.desc(), FI_ADDR_UNSPEC,
		to_context(handle(Handle::receive, slot))));
}

/*
 * A completion costs a write() and a read() of the queue's wait object, and
 * says nothing that the answer does not say, too.
 */
int FiLink::post_send(uint16_t slot, size_t len) noexcept
{
	if (len <= inject_size_) {
		ssize_t ret = fi_inject(ep_.get(), send_buffers_.at(slot), len,
					FI_ADDR_UNSPEC);
		return ret ? static_cast<int>(ret) : kInjected;
	}
	return static_cast<int>(fi_send(
		ep_.get(), send_buffers_.at(slot), len, send_buffers_.desc(),
		FI_ADDR_UNSPEC, to_context(handle(Handle::send, slot))));
}

/* Posts one operation only: an endpoint cannot take back a part of more. */
int FiLink::post_chain(const OneSided *chain, size_t count,
		       uint16_t slot) noexcept
{
	if (count != 1)
		return -FI_EINVAL;
	fi_rma_iov rma_iov{chain->addr, chain->len, chain->key};
	void *no_desc = nullptr;
	fi_msg_rma msg{};
	msg.msg_iov = chain->iov;
	msg.desc = chain->desc ? const_cast<void **>(chain->desc) : &no_desc;
	msg.iov_count = chain->iov_count;
	msg.addr = FI_ADDR_UNSPEC;
	msg.rma_iov = &rma_iov;
	msg.rma_iov_count = 1;
	msg.context = to_context(handle(Handle::one_sided, slot));
	switch (chain->kind) {
	case OneSided::Kind::write:
		return static_cast<int>(
			fi_writemsg(ep_.get(), &msg, FI_COMPLETION));
	case OneSided::Kind::read:
		return static_cast<int>(
			fi_readmsg(ep_.get(), &msg, FI_COMPLETION));
	default:
		return -FI_EOPNOTSUPP;
	}
}

int FiListener::open(const FiTransport &transport, FiQueues *queues,
		     fi_info *info)
{
	fid_pep *pep = nullptr;
	int ret = fi_passive_ep(transport.fabric(), info, &pep, nullptr);
	if (ret)
		return ret;
	pep_.reset(pep);
	ret = fi_pep_bind(pep, &queues->eq()->fid, 0);
	if (ret)
		return ret;
	ret = fi_listen(pep);
	if (ret)
		return ret;
	sockaddr_storage bytes{};
	size_t len = sizeof(bytes);
	ret = fi_getname(&pep->fid, &bytes, &len);
	if (ret)
		return ret;
	IpAddress address;
	if (!address.assign(&bytes, len))
		return -FI_EADDRNOTAVAIL;
	port_ = address.port();
	return 0;
}

FiConnectRequest::~FiConnectRequest()
{
	if (!taken_)
		fi_reject(pep_, info_->handle, nullptr, 0);
}

int FiConnectRequest::accept(Queues *queues, const LinkAttr &attr,
			     std::unique_ptr<Link> *link)
{
	auto made = std::make_unique<FiLink>(attr);
	int ret = made->open(transport_, static_cast<FiQueues *>(queues),
			     info_.get());
	taken_ = made->has_endpoint();
	if (!ret)
		ret = made->accept();
	if (!ret)
		*link = std::move(made);
	return ret;
}

} // namespace ofi_pmem
