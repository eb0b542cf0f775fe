/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Takes what a peer must say before it has a session: a Hello and, if the
 * target has an auth_key, the proof that the peer has the same key.
 */
#pragma once

#include "protocol/features.hh"
#include "protocol/handshake.hh"
#include "service/domain_events.hh"
#include "transport/link.hh"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class Greeting
{
public:
	/* Both must outlive the greeting. */
	Greeting(const AuthKey &key, DomainEvents &events) noexcept
		: auth_key_(key), events_(events)
	{
	}

	/*
	 * Takes a message from the peer and answers it. Returns false if the
	 * peer must be disconnected.
	 */
	[[nodiscard]] bool take(Link *link, const uint8_t *bytes, size_t len);

	bool done() const noexcept { return done_; }
	/* The peer was asked for the auth_key and has not proven it. */
	bool unproven() const noexcept { return handshake_ && !done_; }
	/* Returns what was negotiated. */
	const Features &features() const noexcept { return features_; }
	/* Returns the initiator's name for the channel (wire::Hello), or 0. */
	uint64_t channel() const noexcept { return channel_; }

private:
	[[nodiscard]] bool on_hello(Link *link, const uint8_t *bytes,
				    size_t len);
	[[nodiscard]] bool challenge(Link *link);
	[[nodiscard]] bool on_response(Link *link, const uint8_t *bytes,
				       size_t len);

	const AuthKey &auth_key_;
	DomainEvents &events_;
	std::unique_ptr<Handshake> handshake_; /* begun, not ended */
	bool done_ = false;
	Features features_;
	uint64_t channel_ = 0;
};

} // namespace ofi_pmem
