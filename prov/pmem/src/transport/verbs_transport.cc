/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/verbs_transport.hh"

#include "core/device_name.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "transport/verbs_extensions.hh"
#include "transport/verbs_link.hh"
#include "transport/verbs_listener.hh"
#include "transport/verbs_queues.hh"

#include <rdma/fi_domain.h>
#include <rdma/fi_errno.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

namespace
{

/* Soft-RoCE has this and no PCI device, see the kernel's rxe_param.h. */
constexpr uint32_t kSoftVendor = 0xffffff;

constexpr size_t kMaxChain = 64;

/* A deeper queue gains nothing: one thread posts at a time. */
constexpr int kMaxDepth = 16;

NicKind kind_of(const ibv_device_attr &attr, const ibv_context *device)
{
	if (attr.vendor_id == kSoftVendor)
		return NicKind::software;
	std::string pci = device->device->ibdev_path;
	pci += "/device/vendor";
	return access(pci.c_str(), R_OK) ? NicKind::unknown : NicKind::hardware;
}

/* On iWARP the answer to a READ is a write from remote (RFC 5040, 5.2). */
int to_verbs_access(uint64_t access, bool iwarp)
{
	int flags = 0;
	if (access & (FI_RECV | FI_READ | FI_REMOTE_WRITE))
		flags |= IBV_ACCESS_LOCAL_WRITE;
	if (access & FI_READ && iwarp)
		flags |= IBV_ACCESS_REMOTE_WRITE;
	if (access & FI_REMOTE_WRITE)
		flags |= IBV_ACCESS_REMOTE_WRITE;
	if (access & FI_REMOTE_READ)
		flags |= IBV_ACCESS_REMOTE_READ;
	return flags;
}

class VerbsMemory final : public LinkMemory
{
public:
	explicit VerbsMemory(VerbsPtr<ibv_mr> mr) noexcept : mr_(std::move(mr))
	{
		desc = mr_.get();
		base = reinterpret_cast<uintptr_t>(mr_->addr);
		key = mr_->rkey;
	}

private:
	VerbsPtr<ibv_mr> mr_;
};

} // namespace

int VerbsTransport::find_device(const char *domain_name)
{
	int count = 0;
	if (!domain_name)
		return -FI_ENODEV;
	devices_.reset(rdma_get_devices(&count));
	for (int i = 0; devices_ && i < count; i++) {
		ibv_context *device = devices_.get()[i];
		if (is_of_device(domain_name,
				 ibv_get_device_name(device->device))) {
			device_ = device;
			return 0;
		}
	}
	return -FI_ENODEV;
}

int VerbsTransport::learn_traits()
{
	ibv_device_attr_ex attr{};
	int ret = ibv_query_device_ex(device_, nullptr, &attr);
	if (ret)
		return -ret;
	const ibv_device_attr &basic = attr.orig_attr;
	nic_ = kind_of(basic, device_);
	limits_.initiator_depth = static_cast<uint8_t>(
		std::min(basic.max_qp_init_rd_atom, kMaxDepth));
	limits_.responder_resources =
		static_cast<uint8_t>(std::min(basic.max_qp_rd_atom, kMaxDepth));
	limits_.max_send_wr = static_cast<uint32_t>(basic.max_qp_wr);
	limits_.max_sge = static_cast<uint32_t>(basic.max_sge);
	/*
	 * For a list of buffers, the library of Soft-RoCE (rdma-core 56) counts
	 * the length of the first for each of them, and reports success for
	 * bytes that were never sent.
	 */
	if (nic_ == NicKind::software)
		limits_.max_sge = 1;
	/* A READ may take fewer than a WRITE. */
	if (basic.max_sge_rd > 0)
		limits_.max_sge =
			std::min(limits_.max_sge,
				 static_cast<uint32_t>(basic.max_sge_rd));
	traits_.max_buffers =
		std::min<size_t>(kMaxOneSidedBuffers, limits_.max_sge);
	limits_.max_cqe = basic.max_cqe;

	ibv_port_attr port{};
	ret = ibv_query_port(device_, 1, &port);
	if (ret)
		return -ret;
	traits_.needs_local_memory = true;
	traits_.max_transfer = port.max_msg_sz;
	traits_.max_chain = kMaxChain;
	if (params().native_flush != NativeFlushChoice::off) {
		uint64_t has = attr.device_cap_flags_ex;
		traits_.native_flush =
			kHasFlush && (has & kDeviceFlushes) == kDeviceFlushes;
		traits_.atomic_write =
			kHasAtomicWrite && (has & kDeviceWritesAtomically);
	}
	traits_.placement_wait = true;
	traits_.reliable_ack =
		device_->device->transport_type == IBV_TRANSPORT_IB;
	return 0;
}

int VerbsTransport::open(const fi_info &app_info)
{
	int ret = find_device(app_info.domain_attr->name);
	if (!ret)
		ret = learn_traits();
	if (ret)
		return ret;
	pd_.reset(ibv_alloc_pd(device_));
	if (!pd_)
		return -errno;
	learn_own_address(app_info);
	uint32_t inline_bytes = 0;
	ret = VerbsLink::probe(*this, &inline_bytes);
	if (ret)
		return ret;
	traits_.inline_bytes = inline_bytes;
	PMEM_INFO(FI_LOG_DOMAIN,
		  "persistence plane on raw queue pairs of %s, FLUSH %s",
		  ibv_get_device_name(device_->device),
		  traits_.native_flush ? "yes" : "no");
	return 0;
}

int VerbsTransport::open_queues(size_t completions,
				std::unique_ptr<Queues> *queues) const
{
	auto made = std::make_unique<VerbsQueues>();
	int wanted = static_cast<int>(completions);
	int ret = made->open(device_, std::min(wanted, limits_.max_cqe));
	if (!ret)
		*queues = std::move(made);
	return ret;
}

int VerbsTransport::connect(const IpAddress &peer, Queues *queues,
			    const LinkAttr &attr,
			    std::unique_ptr<Link> *link) const
{
	auto made = std::make_unique<VerbsLink>(attr, *this);
	int ret = made->connect(peer, static_cast<VerbsQueues *>(queues));
	if (!ret)
		*link = std::move(made);
	return ret;
}

int VerbsTransport::listen(const IpAddress &address, Queues *queues,
			   std::unique_ptr<Listener> *listener) const
{
	auto made = std::make_unique<VerbsListener>(*this);
	int ret = made->open(address, static_cast<VerbsQueues *>(queues));
	if (!ret)
		*listener = std::move(made);
	return ret;
}

int VerbsTransport::register_memory(const void *base, size_t len,
				    uint64_t access, bool persistent,
				    std::unique_ptr<LinkMemory> *memory) const
{
	auto address = const_cast<void *>(base);
	bool iwarp = device_->device->transport_type == IBV_TRANSPORT_IWARP;
	int flags = to_verbs_access(access, iwarp);
	VerbsPtr<ibv_mr> mr;
	/* Memory that is not persistent is refused with EINVAL. */
	if (persistent && traits_.native_flush)
		mr.reset(ibv_reg_mr(pd(), address, len, flags | kFlushAccess));
	bool flushable = mr != nullptr;
	if (!mr)
		mr.reset(ibv_reg_mr(pd(), address, len, flags));
	if (!mr)
		return -errno;
	auto made = std::make_unique<VerbsMemory>(std::move(mr));
	made->flushable = flushable;
	made->nic = nic_;
	*memory = std::move(made);
	return 0;
}

} // namespace ofi_pmem
