/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/schedule.hh"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <memory>

namespace ofi_pmem
{

namespace
{

/* The hash of all that is derived here. */
constexpr char kSha256[] = "SHA256";

struct KdfFree {
	void operator()(EVP_KDF_CTX *context) const noexcept
	{
		EVP_KDF_CTX_free(context); /* wipes what it was given, too */
	}
};
using Kdf = std::unique_ptr<EVP_KDF_CTX, KdfFree>;

/* It is never freed: threads of ours may run when the program exits. */
Kdf make_hkdf() noexcept
{
	static EVP_KDF *const hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
	return Kdf(hkdf ? EVP_KDF_CTX_new(hkdf) : nullptr);
}

/* The library does not change what its parameters point to. */
OSSL_PARAM octets(const char *name, const void *bytes, size_t len) noexcept
{
	return OSSL_PARAM_construct_octet_string(
		name, const_cast<void *>(bytes), len);
}

OSSL_PARAM digest() noexcept
{
	return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						const_cast<char *>(kSha256), 0);
}

bool expand(const TrafficSecret &secret, std::string_view label, uint8_t *out,
	    size_t len) noexcept
{
	return hkdf_expand(secret.bytes, label.data(), label.size(), out, len);
}

bool hmac(const Hash &key, const Hash &message, Hash *mac) noexcept
{
	size_t len = 0;
	return EVP_Q_mac(nullptr, "HMAC", nullptr, kSha256, nullptr, key.data(),
			 key.size(), message.data(), message.size(),
			 mac->data(), mac->size(), &len) &&
	       len == mac->size();
}

} // namespace

TrafficSecret::~TrafficSecret()
{
	OPENSSL_cleanse(bytes.data(), bytes.size());
}

TrafficKey::~TrafficKey()
{
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(iv, sizeof(iv));
}

bool sha256(const void *bytes, size_t len, Hash *hash) noexcept
{
	size_t written = 0;
	return EVP_Q_digest(nullptr, kSha256, nullptr, bytes, len, hash->data(),
			    &written) == 1 &&
	       written == hash->size();
}

bool hkdf_extract(const uint8_t *salt, size_t salt_len, const uint8_t *key,
		  size_t key_len, Hash *prk) noexcept
{
	static constexpr Hash kNoSalt{}; /* RFC 5869, 2.2 */
	int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode), digest(),
		octets(OSSL_KDF_PARAM_SALT, salt_len ? salt : kNoSalt.data(),
		       salt_len ? salt_len : kNoSalt.size()),
		octets(OSSL_KDF_PARAM_KEY, key, key_len),
		OSSL_PARAM_construct_end()};
	Kdf kdf = make_hkdf();
	return kdf &&
	       EVP_KDF_derive(kdf.get(), prk->data(), prk->size(), params) == 1;
}

bool hkdf_expand(const Hash &prk, const void *info, size_t info_len,
		 uint8_t *out, size_t len) noexcept
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode), digest(),
		octets(OSSL_KDF_PARAM_KEY, prk.data(), prk.size()),
		/* The library does not take one of no bytes. */
		info_len ? octets(OSSL_KDF_PARAM_INFO, info, info_len)
			 : OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end()};
	Kdf kdf = make_hkdf();
	return kdf && EVP_KDF_derive(kdf.get(), out, len, params) == 1;
}

bool Schedule::open(const RegionKey &key, const Hash &th) noexcept
{
	uint8_t bytes[kMaxKeyBytes];
	size_t len = key.cipher().key_bytes;
	th_ = th;
	opened_ = key.secret().copy(bytes, len) &&
		  hkdf_extract(th.data(), th.size(), bytes, len, &prk_.bytes);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return opened_;
}

bool Schedule::expand(std::string_view label, TrafficSecret *out) const noexcept
{
	return opened_ && ofi_pmem::expand(prk_, label, out->bytes.data(),
					   out->bytes.size());
}

bool Schedule::prove(Side who, Hash *proof) const noexcept
{
	TrafficSecret key;
	bool initiator = who == Side::initiator;
	return expand(initiator ? "ofi_pmem proof i" : "ofi_pmem proof t",
		      &key) &&
	       hmac(key.bytes, th_, proof);
}

bool Schedule::proven(Side who, const Hash &proof) const noexcept
{
	Hash right;
	return prove(who, &right) &&
	       !CRYPTO_memcmp(right.data(), proof.data(), right.size());
}

bool Schedule::traffic(Side sender, TrafficSecret *secret) const noexcept
{
	bool initiator = sender == Side::initiator;
	return expand(initiator ? "ofi_pmem i2t" : "ofi_pmem t2i", secret);
}

bool Schedule::exporter(TrafficSecret *secret) const noexcept
{
	return expand("ofi_pmem exporter", secret);
}

bool export_key(const TrafficSecret &exporter, std::string_view label,
		uint8_t *out, size_t len) noexcept
{
	static constexpr std::string_view kPrefix = "ofi_pmem export ";
	uint8_t info[256];
	if (label.size() > sizeof(info) - kPrefix.size())
		return false;
	std::copy(kPrefix.begin(), kPrefix.end(), info);
	std::copy(label.begin(), label.end(), info + kPrefix.size());
	return hkdf_expand(exporter.bytes, info, kPrefix.size() + label.size(),
			   out, len);
}

bool derive_key(const TrafficSecret &secret, const CipherTraits &cipher,
		TrafficKey *key) noexcept
{
	return expand(secret, "ofi_pmem key", key->key, cipher.key_bytes) &&
	       expand(secret, "ofi_pmem iv", key->iv, sizeof(key->iv));
}

bool next_secret(TrafficSecret *secret) noexcept
{
	TrafficSecret next;
	if (!expand(*secret, "ofi_pmem ku", next.bytes.data(),
		    next.bytes.size()))
		return false;
	*secret = next;
	return true;
}

} // namespace ofi_pmem
