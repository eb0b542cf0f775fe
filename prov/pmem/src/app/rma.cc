/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/rma.hh"

#include "app/ep.hh"
#include "core/log.hh"

#include <rdma/fi_ext_pmem.h>

namespace ofi_pmem
{

namespace
{

/* True when the operation targets a persistent region. */
bool persistent(const fi_msg_rma &request) noexcept
{
	return request.rma_iov_count &&
	       Key(request.rma_iov[0].key).persistent();
}

} // namespace

/*
 * Does RMA to ordinary memory. A commit that cannot be kept fails at the call:
 * an ordinary key has no persistence domain, and inner providers pretend. A
 * comparison fails likewise.
 */
template <typename InnerCall>
ssize_t Endpoint::transmit(const fi_msg_rma &request, uint64_t flags,
			   Transmit kind, InnerCall &&inner_call) noexcept
{
	if (flags & (FI_COMMIT_COMPLETE | FI_PMEM_VERIFY))
		return -FI_EINVAL;
	if (!plane_)
		return own_use(*this, [&] { return inner_call(inner()); });
	return plane_->transmit(request.addr, flags, kind,
				[&] { return inner_call(inner()); });
}

template <typename InnerCall>
ssize_t Endpoint::submit_write(const fi_msg_rma &request, uint64_t flags,
			       bool report, InnerCall &&inner_call) noexcept
{
	if (plane_ && persistent(request))
		return plane_->rma({OpKind::write, &request, flags, report});
	return transmit(request, flags, Transmit::write, inner_call);
}

template <typename InnerCall>
ssize_t Endpoint::submit_read(const fi_msg_rma &request, uint64_t flags,
			      InnerCall &&inner_call) noexcept
{
	if (plane_ && persistent(request))
		return plane_->rma(
			{OpKind::read, &request, flags, completes(flags)});
	return transmit(request, flags, Transmit::read, inner_call);
}

namespace
{

/* A remote address that a call passes as plain arguments. */
struct Remote {
	fi_addr_t peer;
	uint64_t addr;
	uint64_t key;
};

/*
 * One request and the iovecs it points to. `len` of the remote side is that of
 * all local iovecs together.
 */
class Request
{
public:
	Request(const void *buf, size_t len, void **desc, const Remote &remote,
		void *context, uint64_t data = 0) noexcept
		: local_{const_cast<void *>(buf), len}
	{
		fill(&local_, desc, 1, len, remote, context, data);
	}

	Request(const iovec *iov, void **desc, size_t count,
		const Remote &remote, void *context) noexcept
	{
		size_t len = 0;
		for (size_t i = 0; i < count; i++)
			len += iov[i].iov_len;
		fill(iov, desc, count, len, remote, context, 0);
	}
	Request(const Request &) = delete;
	Request &operator=(const Request &) = delete;

	const fi_msg_rma &operator*() const noexcept { return request_; }

private:
	void fill(const iovec *iov, void **desc, size_t count, size_t len,
		  const Remote &remote, void *context, uint64_t data) noexcept
	{
		target_ = {remote.addr, len, remote.key};
		request_ = {iov,      desc, count,   remote.peer,
			    &target_, 1,    context, data};
	}

	iovec local_{};
	fi_rma_iov target_{};
	fi_msg_rma request_{};
};

/* A default commit concerns writes; it does not make a read invalid. */
uint64_t read_flags(const Endpoint &ep) noexcept
{
	return ep.tx_op_flags() & ~(FI_COMMIT_COMPLETE | FI_PMEM_VERIFY);
}

/* The gate, where there is one, keeps a fence: inner providers ignore it. */
uint64_t inner_flags(const Endpoint &ep, uint64_t flags) noexcept
{
	return ep.plane() ? flags & ~FI_FENCE : flags;
}

/* Inject calls report no completion, whatever the defaults. */
uint64_t inject_flags(const Endpoint &ep) noexcept
{
	return (ep.tx_op_flags() & ~FI_COMPLETION) | FI_INJECT;
}

ssize_t ep_read(fid_ep *ep, void *buf, size_t len, void *desc,
		fi_addr_t src_addr, uint64_t addr, uint64_t key,
		void *context) noexcept
{
	Request request(buf, len, &desc, {src_addr, addr, key}, context);
	auto &outer = endpoint_of(ep);
	return outer.submit_read(*request, read_flags(outer), [&](auto inner) {
		return fi_read(inner, buf, len, desc, src_addr, addr, key,
			       context);
	});
}

ssize_t ep_readv(fid_ep *ep, const iovec *iov, void **desc, size_t count,
		 fi_addr_t src_addr, uint64_t addr, uint64_t key,
		 void *context) noexcept
{
	Request request(iov, desc, count, {src_addr, addr, key}, context);
	auto &outer = endpoint_of(ep);
	return outer.submit_read(*request, read_flags(outer), [&](auto inner) {
		return fi_readv(inner, iov, desc, count, src_addr, addr, key,
				context);
	});
}

ssize_t ep_readmsg(fid_ep *ep, const fi_msg_rma *request,
		   uint64_t flags) noexcept
{
	auto &outer = endpoint_of(ep);
	return outer.submit_read(*request, flags, [&](auto inner) {
		return fi_readmsg(inner, request, inner_flags(outer, flags));
	});
}

ssize_t ep_write(fid_ep *ep, const void *buf, size_t len, void *desc,
		 fi_addr_t dest_addr, uint64_t addr, uint64_t key,
		 void *context) noexcept
{
	Request request(buf, len, &desc, {dest_addr, addr, key}, context);
	auto &outer = endpoint_of(ep);
	return outer.submit_write(
		*request, outer.tx_op_flags(), outer.completes_by_default(),
		[&](auto inner) {
			return fi_write(inner, buf, len, desc, dest_addr, addr,
					key, context);
		});
}

ssize_t ep_writev(fid_ep *ep, const iovec *iov, void **desc, size_t count,
		  fi_addr_t dest_addr, uint64_t addr, uint64_t key,
		  void *context) noexcept
{
	Request request(iov, desc, count, {dest_addr, addr, key}, context);
	auto &outer = endpoint_of(ep);
	return outer.submit_write(
		*request, outer.tx_op_flags(), outer.completes_by_default(),
		[&](auto inner) {
			return fi_writev(inner, iov, desc, count, dest_addr,
					 addr, key, context);
		});
}

ssize_t ep_writemsg(fid_ep *ep, const fi_msg_rma *request,
		    uint64_t flags) noexcept
{
	auto &outer = endpoint_of(ep);
	return outer.submit_write(
		*request, flags, outer.completes(flags), [&](auto inner) {
			return fi_writemsg(inner, request,
					   inner_flags(outer, flags));
		});
}

ssize_t ep_inject_write(fid_ep *ep, const void *buf, size_t len,
			fi_addr_t dest_addr, uint64_t addr,
			uint64_t key) noexcept
{
	Request request(buf, len, nullptr, {dest_addr, addr, key}, nullptr);
	auto &outer = endpoint_of(ep);
	return outer.submit_write(
		*request, inject_flags(outer), false, [&](auto inner) {
			return fi_inject_write(inner, buf, len, dest_addr, addr,
					       key);
		});
}

ssize_t ep_writedata(fid_ep *ep, const void *buf, size_t len, void *desc,
		     uint64_t data, fi_addr_t dest_addr, uint64_t addr,
		     uint64_t key, void *context) noexcept
{
	Request request(buf, len, &desc, {dest_addr, addr, key}, context, data);
	auto &outer = endpoint_of(ep);
	return outer.submit_write(
		*request, outer.tx_op_flags() | FI_REMOTE_CQ_DATA,
		outer.completes_by_default(), [&](auto inner) {
			return fi_writedata(inner, buf, len, desc, data,
					    dest_addr, addr, key, context);
		});
}

ssize_t ep_inject_writedata(fid_ep *ep, const void *buf, size_t len,
			    uint64_t data, fi_addr_t dest_addr, uint64_t addr,
			    uint64_t key) noexcept
{
	Request request(buf, len, nullptr, {dest_addr, addr, key}, nullptr,
			data);
	auto &outer = endpoint_of(ep);
	return outer.submit_write(
		*request, inject_flags(outer) | FI_REMOTE_CQ_DATA, false,
		[&](auto inner) {
			return fi_inject_writedata(inner, buf, len, data,
						   dest_addr, addr, key);
		});
}

fi_ops_rma make_rma_ops() noexcept
{
	fi_ops_rma ops{};
	ops.size = sizeof(ops);
	ops.read = ep_read;
	ops.readv = ep_readv;
	ops.readmsg = ep_readmsg;
	ops.write = ep_write;
	ops.writev = ep_writev;
	ops.writemsg = ep_writemsg;
	ops.inject = ep_inject_write;
	ops.writedata = ep_writedata;
	ops.injectdata = ep_inject_writedata;
	return ops;
}

fi_ops_rma make_no_rma_ops() noexcept
{
	fi_ops_rma ops{};
	ops.size = sizeof(ops);
	ops.read = no_sys;
	ops.readv = no_sys;
	ops.readmsg = no_sys;
	ops.write = no_sys;
	ops.writev = no_sys;
	ops.writemsg = no_sys;
	ops.inject = no_sys;
	ops.writedata = no_sys;
	ops.injectdata = no_sys;
	return ops;
}

} // namespace

fi_ops_rma ep_rma_ops = make_rma_ops();
fi_ops_rma no_rma_ops = make_no_rma_ops();

} // namespace ofi_pmem
