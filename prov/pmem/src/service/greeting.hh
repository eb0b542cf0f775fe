/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Takes what a peer must say before it has a session: a Hello and, if the
 * target has an auth_key, the proof that the peer has the same key. If the
 * channel is to be sealed, the peer proves that it has the region key, too.
 */
#pragma once

#include "protocol/features.hh"
#include "protocol/handshake.hh"
#include "protocol/seal_handshake.hh"
#include "seal/key_ring.hh"
#include "service/domain_events.hh"
#include "service/guess_limit.hh"
#include "transport/link.hh"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

/* What a target wants of those who greet it. Everything outlives them. */
struct Gate {
	const AuthKey &auth_key;
	const KeyRing &keys;
	DomainEvents &events;
	GuessLimit &wrong_proofs;
};

class Greeting
{
public:
	explicit Greeting(const Gate &gate) noexcept : gate_(gate) {}

	/*
	 * Takes a message from the peer and answers it. Returns false if the
	 * peer must be disconnected.
	 */
	[[nodiscard]] bool take(Link *link, const uint8_t *bytes, size_t len);

	bool done() const noexcept { return done_; }
	/* The peer was asked for a key and has not proven it. */
	bool unproven() const noexcept { return handshake_ && !done_; }
	/* Returns what was negotiated. */
	const Features &features() const noexcept { return features_; }
	/* Returns the initiator's name for the channel (wire::Hello), or 0. */
	uint64_t channel() const noexcept { return channel_; }
	/* What the channel is sealed with; `key` is null if it is not. */
	const ChannelSeal &seal() const noexcept { return seal_; }

private:
	/* Answers a Hello that names no version of ours. */
	void refuse_version(const wire::Hello &hello, uint8_t least) const;
	wire::HelloAck able(const Link &link, uint8_t least) const;
	[[nodiscard]] bool on_hello(Link *link, const uint8_t *bytes,
				    size_t len);
	[[nodiscard]] bool challenge(Link *link);
	[[nodiscard]] bool on_response(Link *link, const uint8_t *bytes,
				       size_t len);
	[[nodiscard]] bool on_offer(Link *link, const uint8_t *bytes,
				    size_t len);
	[[nodiscard]] bool is_proven(const wire::SealOffer &offer,
				     SealHandshake *seal);
	[[nodiscard]] bool accept(Link *link, const SealHandshake &seal);

	const Gate gate_;
	std::unique_ptr<Handshake> handshake_; /* begun, not ended */
	bool sealing_ = false;		       /* it will be sealed */
	bool done_ = false;
	Features features_;
	uint64_t channel_ = 0;
	ChannelSeal seal_;
};

} // namespace ofi_pmem
