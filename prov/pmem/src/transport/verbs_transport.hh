/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The transport over raw RC queue pairs, made with librdmacm. Where the device
 * has FLUSH or ATOMIC WRITE, it is posted to by libibverbs' extended calls
 * (ibv_wr_post(3)), which alone have these; else by ibv_post_send(3), which
 * every device has.
 */
#pragma once

#include "transport/transport.hh"

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <memory>
#include <string>

namespace ofi_pmem
{

struct VerbsClose {
	void operator()(ibv_pd *pd) const noexcept { ibv_dealloc_pd(pd); }
	void operator()(ibv_mr *mr) const noexcept { ibv_dereg_mr(mr); }
	void operator()(ibv_cq *cq) const noexcept { ibv_destroy_cq(cq); }
	void operator()(ibv_comp_channel *channel) const noexcept
	{
		ibv_destroy_comp_channel(channel);
	}
	void operator()(rdma_event_channel *channel) const noexcept
	{
		rdma_destroy_event_channel(channel);
	}
	void operator()(rdma_cm_id *id) const noexcept { rdma_destroy_id(id); }
	/* The list of devices, which keeps them open. */
	void operator()(ibv_context **devices) const noexcept
	{
		rdma_free_devices(devices);
	}
};

template <typename Object> using VerbsPtr = std::unique_ptr<Object, VerbsClose>;

/* A queue pair copies at most this many bytes into its queue. */
inline constexpr uint32_t kMaxInline = 256;

/* The limits of the device to which links are made. */
struct VerbsLimits {
	uint8_t initiator_depth; /* READ, FLUSH and ATOMIC WRITE at once */
	uint8_t responder_resources;
	uint32_t max_send_wr;
	uint32_t max_sge;
	int max_cqe;
};

class VerbsTransport final : public Transport
{
public:
	/*
	 * See open_transport(). Returns a negative fi_errno if the device
	 * cannot do what the links need.
	 */
	[[nodiscard]] int open(const fi_info &app_info);

	int open_queues(size_t completions,
			std::unique_ptr<Queues> *queues) const override;
	int connect(const IpAddress &peer, Queues *queues, const LinkAttr &attr,
		    std::unique_ptr<Link> *link) const override;
	int listen(const IpAddress &address, Queues *queues,
		   std::unique_ptr<Listener> *listener) const override;
	int register_memory(const void *base, size_t len, uint64_t access,
			    bool persistent,
			    std::unique_ptr<LinkMemory> *memory) const override;

	ibv_context *device() const noexcept { return device_; }
	ibv_pd *pd() const noexcept { return pd_.get(); }
	const VerbsLimits &limits() const noexcept { return limits_; }

	/* Queue pairs need the extended calls. */
	bool extended() const noexcept
	{
		return traits_.native_flush || traits_.atomic_write;
	}

private:
	[[nodiscard]] int find_device(const char *domain_name);
	[[nodiscard]] int learn_traits();

	VerbsPtr<ibv_context *> devices_;
	ibv_context *device_ = nullptr;
	VerbsPtr<ibv_pd> pd_;
	VerbsLimits limits_{};
	NicKind nic_ = NicKind::unknown;
};

} // namespace ofi_pmem
