/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "serve/claims.hh"

#include <rdma/fi_errno.h>

#include <netinet/in.h>

#include <algorithm>

namespace fi_pmem
{

namespace
{

Holder describe(const void *sockaddr_storage)
{
	Holder holder;
	if (!sockaddr_storage)
		return holder;
	auto any = static_cast<const sockaddr *>(sockaddr_storage);
	if (any->sa_family == AF_INET) {
		auto in = static_cast<const sockaddr_in *>(sockaddr_storage);
		auto from =
			reinterpret_cast<const unsigned char *>(&in->sin_addr);
		holder.family = 4;
		holder.port = ntohs(in->sin_port);
		std::copy_n(from, sizeof(in->sin_addr), holder.address.begin());
	} else if (any->sa_family == AF_INET6) {
		auto in6 = static_cast<const sockaddr_in6 *>(sockaddr_storage);
		holder.family = 6;
		holder.port = ntohs(in6->sin6_port);
		std::copy_n(in6->sin6_addr.s6_addr, holder.address.size(),
			    holder.address.begin());
	}
	return holder;
}

template <typename Part> bool overlap(const Part &one, const Claim &other)
{
	return one.offset < other.offset + other.length &&
	       other.offset < one.offset + one.length;
}

bool lies_within(uint64_t length, const Claim &claim)
{
	return claim.length && claim.offset <= length &&
	       claim.length <= length - claim.offset;
}

DescriptorBytes deny(Denial::Reason reason, int ret = 0)
{
	Denial denial;
	denial.reason = reason;
	denial.error = static_cast<uint16_t>(-ret);
	return encode_denial(denial);
}

} // namespace

void Claims::open(const fi_info *info, fid_domain *domain)
{
	info_ = info;
	domain_ = domain;
}

void Claims::add_region(void *base, uint64_t length)
{
	regions_.push_back({static_cast<char *>(base), length});
}

void Claims::introduce(const fid_ep *client, uint32_t region,
		       const void *sockaddr_storage)
{
	Client &known = clients_[client];
	known.region = region;
	known.holder = describe(sockaddr_storage);
}

void Claims::forget(const fid_ep *client)
{
	clients_.erase(client);
	evicted_.erase(std::remove(evicted_.begin(), evicted_.end(), client),
		       evicted_.end());
}

/*
 * Ends what others have claimed of this part of the region, if the claim says
 * so. Returns 0, -FI_EBUSY with `*denial` set, or a negative fi_errno if access
 * could not be ended.
 */
int Claims::evict(const fid_ep *claimant, uint32_t region, const Claim &claim,
		  Denial *denial)
{
	for (auto &[client, other] : clients_) {
		if (client == claimant || other.region != region ||
		    !other.part || !overlap(*other.part, claim))
			continue;
		if (!(claim.flags & Claim::kTakeover)) {
			auto held = Clock::now() - other.part->since;
			denial->reason = Denial::Reason::in_use;
			denial->seconds = static_cast<uint32_t>(
				std::chrono::duration_cast<
					std::chrono::seconds>(held)
					.count());
			denial->holder = other.holder;
			return -FI_EBUSY;
		}
		int ret = other.part->gate.shut();
		if (ret)
			return ret;
		other.part.reset();
		evicted_.push_back(client);
	}
	return 0;
}

int Claims::grant(Client *client, const Claim &claim, Descriptor *part)
{
	char *base = regions_[client->region].base;
	client->part.reset(
		new Part{claim.offset,
			 claim.length,
			 {info_, domain_, base + claim.offset, claim.length},
			 Clock::now()});
	ofi_pmem_log::Place place;
	int ret = client->part->gate.admit(&place);
	if (ret) {
		client->part.reset();
		return ret;
	}
	client->holder.process = claim.process;
	part->address = place.addr;
	part->key = place.key;
	part->length = place.len;
	part->region = client->region;
	return 0;
}

DescriptorBytes Claims::judge(const fid_ep *client, const Claim &claim)
{
	auto known = clients_.find(client);
	if (known == clients_.end())
		return deny(Denial::Reason::unconnected);
	uint32_t region = known->second.region;
	if (region >= regions_.size())
		return deny(Denial::Reason::failed, -FI_EACCES);
	if (!lies_within(regions_[region].length, claim))
		return deny(Denial::Reason::range);
	Denial denial;
	int ret = evict(client, region, claim, &denial);
	if (ret == -FI_EBUSY && denial.reason == Denial::Reason::in_use)
		return encode_denial(denial);
	Descriptor part;
	if (!ret)
		ret = grant(&known->second, claim, &part);
	return ret ? deny(Denial::Reason::failed, ret) : encode_grant(part);
}

std::vector<const fid_ep *> Claims::take_evicted()
{
	std::vector<const fid_ep *> taken;
	taken.swap(evicted_);
	return taken;
}

} // namespace fi_pmem
