/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/domain.hh"
#include "app/wrapper.hh"
#include "persist/backend.hh"

#include <rdma/fi_domain.h>

#include <memory>
#include <optional>
#include <vector>

namespace ofi_pmem
{

/* Describes one registration by any of the three calls. */
struct Registration {
	const iovec *iov;
	size_t iov_count;
	uint64_t access;
	uint64_t offset;
	uint64_t requested_key;
	uint64_t flags;
	void *context;
	fi_hmem_iface iface = FI_HMEM_SYSTEM;
	RegionDeclaration declared = {};
	uint64_t key_id = 0; /* the region key; 0: the key file decides */
};

/* What the inner provider is asked for. */
struct InnerRegistration {
	uint64_t key;
	uint64_t flags;
	uint64_t access;
};

/*
 * A memory region. Descriptor and key are the inner region's; a persistent
 * region has a key of our own, and the service knows it, too. The inner region
 * has the application's context, because FI_MR_COMPLETE returns that.
 */
class MemoryRegion final : public Wrapper<fid_mr>
{
public:
	/*
	 * Registers with the inner domain through `inner_reg(inner, &mr)` and
	 * wraps the result. FI_RMA_PMEM makes a region persistent; it is
	 * an error on a plain domain and never reaches the inner provider.
	 */
	template <typename InnerReg>
	static int open(Domain &domain, const Registration &request,
			InnerReg &&inner_reg, fid_mr **mr);

	int bind(fid_t other, uint64_t flags);
	int control(int command, void *arg) noexcept;
	int close() noexcept;

	Domain &domain() const noexcept { return domain_; }

	/* See fi_ops_pmem_domain::mr_key_add(). */
	int add_key(uint64_t id);
	int remove_key(uint64_t id);

private:
	MemoryRegion(Domain &domain, void *context) noexcept;

	void adopt_inner(fid_mr *inner);
	void announce_locally(const Registration &request) noexcept;
	/* Fills in the rest of *region, which keeps the backend on failure. */
	int publish(const Registration &request, RegionRequest *region);
	[[nodiscard]] int open_notify(RegionRequest *region);
	void copy_key() noexcept;

	Domain &domain_;
	Dependence parent_;
	std::optional<Key> persistent_key_;
	std::vector<Dependence> bound_;
	FidMapEntry events_;
	/* Where the CQ data of writes to a sealed region goes: to memory that
	 * holds nothing. */
	uint64_t notify_word_ = 0;
	FidPtr<fid_mr> notify_;
};

/* These are slots of fid_domain::mr. */
extern fi_ops_mr mr_ops;

/* Does fi_mr_regattr(), with the application's declaration of the memory and
 * its region key, or 0. */
int register_memory(Domain &domain, const fi_mr_attr &attr, uint64_t flags,
		    const RegionDeclaration &declared, uint64_t key_id,
		    fid_mr **mr);

} // namespace ofi_pmem
