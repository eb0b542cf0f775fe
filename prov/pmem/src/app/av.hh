/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/domain.hh"
#include "app/wrapper.hh"
#include "bridge/peer_directory.hh"

#include <rdma/fi_domain.h>

namespace ofi_pmem
{

/*
 * An address vector: forwarded, except that listeners hear of removals. The
 * sets of fi_av_set() are the inner provider's own objects.
 */
class AddressVector final : public Wrapper<fid_av>
{
public:
	static int open(Domain &domain, fi_av_attr *attr, void *context,
			fid_av **av);

	/* The persistence plane uses this part of it. */
	PeerDirectory &peers() noexcept { return peers_; }

	int remove(fi_addr_t *addresses, size_t count, uint64_t flags) noexcept;
	int bind(fid_t other, uint64_t flags);

private:
	AddressVector(Domain &domain, void *context) noexcept;

	Dependence parent_;
	Dependence queue_;
	FidMapEntry events_;
	PeerDirectory peers_;
};

} // namespace ofi_pmem
