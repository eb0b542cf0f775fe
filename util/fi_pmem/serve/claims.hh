/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The parts of serve's regions that clients have claimed, to be the only writer
 * there. Each part has a registration, and so a key, of its own. The key ends
 * with the client's connection, or when another client takes the part over, and
 * the next key is given out only after that. The key of a whole region, which
 * every client of it has, is not affected.
 */
#pragma once

#include "client/fabric.hh"
#include "client/private_data.hh"

#include <ofi_pmem/log.hh>

#include <chrono>
#include <unordered_map>
#include <vector>

namespace fi_pmem
{

class Claims
{
public:
	/* Regions are registered with these two, which outlive this object. */
	void open(const fi_info *info, fid_domain *domain);

	/*
	 * Adds the next region of which parts may be claimed; the first one has
	 * the number 0. The memory outlives this object, too.
	 */
	void add_region(void *base, uint64_t length);

	/*
	 * A client has connected from this address and has asked for this
	 * region, to which its claims refer.
	 */
	void introduce(const fid_ep *client, uint32_t region,
		       const void *sockaddr_storage);

	/* A client has left, and what it claimed is free. */
	void forget(const fid_ep *client);

	/* Returns the answer to a claim. */
	[[nodiscard]] DescriptorBytes judge(const fid_ep *client,
					    const Claim &claim);

	/*
	 * Returns the clients whose claims were taken over since the last call.
	 */
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
	std::vector<Region> regions_; /* empty if all regions are read-only */
	Clients clients_;
	std::vector<const fid_ep *> evicted_;
};

} // namespace fi_pmem
