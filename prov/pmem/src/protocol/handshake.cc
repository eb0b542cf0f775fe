/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "protocol/handshake.hh"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <sys/random.h>

#include <array>

namespace ofi_pmem
{

bool draw(wire::Nonce *nonce) noexcept
{
	return getrandom(nonce, sizeof(*nonce), 0) == sizeof(*nonce);
}

bool prove(const AuthKey &key, std::string_view who, const Handshake &said,
	   wire::Proof *proof) noexcept
{
	std::array<uint8_t, sizeof(said) + 32> message;
	if (who.size() > message.size() - sizeof(said))
		return false;
	std::memcpy(message.data(), &said, sizeof(said));
	std::memcpy(message.data() + sizeof(said), who.data(), who.size());
	size_t length = 0;
	return EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr,
			 key.data(), key.size(), message.data(),
			 sizeof(said) + who.size(), proof->data(),
			 proof->size(), &length) &&
	       length == proof->size();
}

bool proven(const AuthKey &key, std::string_view who, const Handshake &said,
	    const wire::Proof &proof) noexcept
{
	wire::Proof right;
	return prove(key, who, said, &right) &&
	       !CRYPTO_memcmp(right.data(), proof.data(), right.size());
}

} // namespace ofi_pmem
