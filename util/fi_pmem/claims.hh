/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The parts of serve's regions that clients have claimed, to be the only writer
 * there. Each has a registration, and so a key, of its own, which ends with the
 * client's connection or when another client takes the part over. What that key
 * opened is shut before the next one is given out. The key of a whole region,
 * which every client of it has, is not affected.
 */
#pragma once

#include <chrono>
#include <unordered_map>
#include <vector>

#include <ofi_pmem/log.hh>

#include "fabric.hh"
#include "private_data.hh"

namespace fi_pmem
{

class Claims
{
public:
	/* How the regions are registered; both outlive this object. */
	void open(const fi_info *info, fid_domain *domain);

	/*
	 * The next region of which parts may be claimed, the first one has the
	 * number 0; it outlives this object, too.
	 */
	void add_region(void *base, uint64_t length);

	/*
	 * A client is connected, from this address. What it claims is of the
	 * region that it has asked for.
	 */
	void introduce(const fid_ep *client, uint32_t region,
		       const void *sockaddr_storage);

	/* A client has left: what it claimed is free. */
	void forget(const fid_ep *client);

	/* The answer to a claim. */
	[[nodiscard]] DescriptorBytes judge(const fid_ep *client,
					    const Claim &claim);

	/* Those whose claims were taken over since the last call. */
	[[nodiscard]] std::vector<const fid_ep *> take_evicted();

private:
	using Clock = std::chrono::steady_clock;

	struct Part {
		uint64_t offset;
		uint64_t length;
		ofi_pmem_log::Gate gate;
		Clock::time_point since;
	};
	struct Region {
		char *base;
		uint64_t length;
	};
	struct Client {
		uint32_t region = 0;
		Holder holder;
		std::unique_ptr<Part> part;
	};
	using Clients = std::unordered_map<const fid_ep *, Client>;

	[[nodiscard]] int evict(const fid_ep *claimant, uint32_t region,
				const Claim &claim, Denial *denial);
	[[nodiscard]] int grant(Client *client, const Claim &claim,
				Descriptor *part);

	const fi_info *info_ = nullptr;
	fid_domain *domain_ = nullptr;
	std::vector<Region> regions_; /* none: all are read only */
	Clients clients_;
	std::vector<const fid_ep *> evicted_;
};

} // namespace fi_pmem
