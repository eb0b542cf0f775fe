/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/domain.hh"
#include "app/wrapper.hh"
#include "bridge/ep_plane.hh"
#include "bridge/plane_host.hh"

#include <rdma/fi_endpoint.h>
#include <rdma/fi_rma.h>

#include <memory>
#include <vector>

namespace ofi_pmem
{

class AddressVector;
class CompletionQueue;
class Counter;

/* The bindings that we use; null if there is none. Aliases share them. */
struct Bindings {
	CompletionQueue *tx_cq = nullptr;
	CompletionQueue *rx_cq = nullptr;
	AddressVector *av = nullptr;
	/* The transmit queue has FI_SELECTIVE_COMPLETION. */
	bool tx_selective = false;
};

/*
 * A MSG, RDM or DGRAM endpoint, or an alias of one. Data-path calls come from
 * application threads, as parallel as the domain's threading model allows;
 * control, bind and close are serialised against them by the application.
 */
class Endpoint final : public Wrapper<fid_ep>
{
public:
	static int open(Domain &domain, const fi_info &info, uint64_t flags,
			void *context, fid_ep **ep);

	Domain &domain() const noexcept { return domain_; }
	const Bindings &bindings() const noexcept { return bindings_; }

	/* The persistence plane's half sees this of it. */
	const PlaneHost &host() const noexcept { return host_; }

	/* A copy of the info that the endpoint was opened with. */
	const fi_info &info() const noexcept { return *info_; }

	/*
	 * The flags of transmit operations whose call takes none: those of the
	 * info, later those of FI_SETOPSFLAG. They include FI_COMMIT_COMPLETE,
	 * which the inner endpoint never sees.
	 */
	uint64_t tx_op_flags() const noexcept { return tx_op_flags_; }

	/* Returns the persistence plane's half, or null on a plain domain. */
	EndpointPlane *plane() const noexcept { return plane_; }

	/* True if an operation with these flags owes a completion entry. */
	bool completes(uint64_t flags) const noexcept
	{
		return !bindings_.tx_selective || (flags & FI_COMPLETION);
	}

	bool completes_by_default() const noexcept
	{
		return completes(tx_op_flags_);
	}

	/*
	 * Every RMA write enters here, whichever call the application used;
	 * `inner_call` repeats that call on the inner endpoint. `request`
	 * describes the write (its iovecs and descriptors may live shorter than
	 * the operation). `flags` are the call's own or the defaults, with
	 * FI_INJECT and FI_REMOTE_CQ_DATA if the call implies them. `report`
	 * says whether success owes a completion entry.
	 */
	template <typename InnerCall>
	ssize_t submit_write(const fi_msg_rma &request, uint64_t flags,
			     bool report, InnerCall &&inner_call) noexcept;

	/* Every RMA read enters here. */
	template <typename InnerCall>
	ssize_t submit_read(const fi_msg_rma &request, uint64_t flags,
			    InnerCall &&inner_call) noexcept;

	int bind(fid_t other, uint64_t flags);
	int control(int command, void *arg);
	int ops_open(const char *name, uint64_t flags, void **table,
		     void *context) noexcept;
	int close() noexcept;

	/*
	 * Makes the regions of the domain reachable at the address of this
	 * endpoint, once it has one of its own.
	 */
	[[nodiscard]] int announce_address();

private:
	Endpoint(Domain &domain, void *context) noexcept;

	void adopt_inner(fid_ep *inner);
	void choose_tables() noexcept;
	void record(fid_t other, uint64_t flags) noexcept;
	int set_op_flags(uint64_t flags) noexcept;
	int get_op_flags(uint64_t *flags) noexcept;
	int open_alias(struct fi_alias *request);
	int open_plane();
	int bind_inner(fid_t other, fid_t below, uint64_t flags);
	int hook_plane(fid_t other);
	template <typename InnerCall>
	ssize_t transmit(const fi_msg_rma &request, uint64_t flags,
			 Transmit kind, InnerCall &&inner_call) noexcept;

	Domain &domain_;
	Dependence parent_;
	/* For an alias: the endpoint it was made from. */
	Dependence original_;
	std::vector<Dependence> bound_;
	Bindings bindings_;
	PlaneHost host_;
	InfoPtr info_;
	uint64_t tx_op_flags_ = 0;
	FidMapEntry events_;
	AddressEntry announced_;
	std::unique_ptr<EndpointPlane> own_plane_;
	/* Our own, or for an alias that of the original. */
	EndpointPlane *plane_ = nullptr;
};

/* Returns the endpoint behind the application's handle. */
inline Endpoint &endpoint_of(fid_ep *ep) noexcept
{
	return *static_cast<Endpoint *>(ep);
}

} // namespace ofi_pmem
