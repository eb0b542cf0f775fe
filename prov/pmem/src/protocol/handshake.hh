/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The two ends of a channel prove to each other that they have the same
 * auth_key: each sends the HMAC-SHA-256 (FIPS 198-1) of what both have said
 * before, and of a number that the other one has just drawn. Nothing can be
 * replayed or reflected, and the versions and the channel's name are part of
 * the proof. The initiator proves first, so a stranger who merely connects to a
 * service gets nothing to try guesses on.
 */
#pragma once

#include "core/auth_key.hh"
#include "protocol/wire.hh"

#include <cstdint>
#include <string_view>

namespace ofi_pmem
{

/* Has no padding. */
struct Handshake {
	wire::Hello hello;
	wire::HelloAck ack;
	wire::Nonce target;
	wire::Nonce initiator;
};
static_assert(sizeof(Handshake) == sizeof(wire::Hello) +
					   sizeof(wire::HelloAck) +
					   2 * sizeof(wire::Nonce));

/* The role of the side that proves; a part of the proof. */
inline constexpr std::string_view kInitiator = "ofi_pmem initiator";
inline constexpr std::string_view kTarget = "ofi_pmem target";

/* Returns false if the system has no random numbers. */
[[nodiscard]] bool draw(wire::Nonce *nonce) noexcept;

/* Returns false if the library fails or memory is short. */
[[nodiscard]] bool prove(const AuthKey &key, std::string_view who,
			 const Handshake &said, wire::Proof *proof) noexcept;

/* Checks `proof`; takes the same time wherever it differs. */
[[nodiscard]] bool proven(const AuthKey &key, std::string_view who,
			  const Handshake &said,
			  const wire::Proof &proof) noexcept;

} // namespace ofi_pmem
