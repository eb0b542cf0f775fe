/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "protocol/seal_handshake.hh"

#include <cstddef>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/* What both sides have said; it has no padding. */
struct Transcript {
	char label[16];
	wire::Hello hello;
	wire::HelloAck ack;
	wire::Nonce target;
	uint8_t offer[offsetof(wire::SealOffer, auth_proof)];
};
static_assert(sizeof(Transcript) ==
	      16 + sizeof(wire::Hello) + sizeof(wire::HelloAck) +
		      sizeof(wire::Nonce) +
		      offsetof(wire::SealOffer, auth_proof));

constexpr char kLabel[] = "ofi_pmem seal 1";
static_assert(sizeof(kLabel) == sizeof(Transcript::label));

constexpr Side other(Side side) noexcept
{
	return side == Side::initiator ? Side::target : Side::initiator;
}

} // namespace

bool SealHandshake::open(std::shared_ptr<RegionKey> key, const Handshake &said,
			 const wire::SealOffer &offer)
{
	Transcript all;
	std::memcpy(all.label, kLabel, sizeof(all.label));
	all.hello = said.hello;
	all.ack = said.ack;
	all.target = said.target;
	std::memcpy(all.offer, &offer, sizeof(all.offer));
	key_ = std::move(key);
	return sha256(&all, sizeof(all), &said_) &&
	       schedule_.open(*key_, said_);
}

bool SealHandshake::derive(Side self, ChannelSeal *seal) const
{
	TrafficSecret sends, receives;
	auto out = std::make_unique<Sealer>(key_);
	auto in = std::make_unique<Opener>(key_);
	if (!schedule_.traffic(self, &sends) ||
	    !schedule_.traffic(other(self), &receives) || !out->open(sends) ||
	    !in->open(receives) || !schedule_.exporter(&seal->exporter))
		return false;
	std::memcpy(&seal->connection, said_.data(), sizeof(seal->connection));
	seal->connection |= 1;
	seal->key = key_;
	seal->out = std::move(out);
	seal->in = std::move(in);
	return true;
}

} // namespace ofi_pmem
