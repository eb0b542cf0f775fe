/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The two ends of a channel that is to be sealed prove to each other that they
 * have the same region key, and derive from it what each direction is sealed
 * with. Everything depends on all that was said, with a random number of each
 * side in it, so nothing can be replayed, reflected, or moved to another
 * connection. The initiator proves first, as protocol/handshake.hh says.
 */
#pragma once

#include "protocol/handshake.hh"
#include "seal/record.hh"
#include "seal/schedule.hh"

#include <cstdint>
#include <memory>

namespace ofi_pmem
{

/* What seals one end of a channel. */
struct ChannelSeal {
	std::shared_ptr<RegionKey> key;
	std::unique_ptr<Sealer> out;
	std::unique_ptr<Opener> in;
	/* For keys of the upper layer's own. */
	TrafficSecret exporter;
	/* Names the connection, the same at both ends; not 0. */
	uint64_t connection = 0;
	/* Nonces that the upper layer has got so far. */
	uint64_t nonces_taken = 0;
};

class SealHandshake
{
public:
	/*
	 * `said` has what came before, with the target's random number; the
	 * proofs in the offer do not matter. Returns false if the library
	 * fails or the key is removed.
	 */
	[[nodiscard]] bool open(std::shared_ptr<RegionKey> key,
				const Handshake &said,
				const wire::SealOffer &offer);

	[[nodiscard]] bool prove(Side who, wire::Proof *proof) const noexcept
	{
		return schedule_.prove(who, proof);
	}
	[[nodiscard]] bool proven(Side who,
				  const wire::Proof &proof) const noexcept
	{
		return schedule_.proven(who, proof);
	}

	/* Derives what this side needs. Returns false if the library fails. */
	[[nodiscard]] bool derive(Side self, ChannelSeal *seal) const;

private:
	std::shared_ptr<RegionKey> key_;
	Schedule schedule_;
	Hash said_{};
};

} // namespace ofi_pmem
