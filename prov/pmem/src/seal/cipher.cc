/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/cipher.hh"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <iterator>
#include <utility>

namespace ofi_pmem
{

namespace
{

/*
 * These follow the CFRG's draft on the limits of AEAD algorithms
 * (draft-irtf-cfrg-aead-limits). ChaCha20-Poly1305 is limited by the number of
 * forgeries alone, and the first one ends the connection.
 */
constexpr uint64_t kGcmBlocks = 1ull << 34;
constexpr uint64_t kGcmRecords = 1ull << 32;
constexpr uint64_t kCcmBlocks = 1ull << 32;
constexpr uint64_t kCcmRecords = 1ull << 30;
constexpr uint64_t kChaChaRecords = 1ull << 48;

constexpr CipherTraits kCiphers[] = {
	{Cipher::aes_128_gcm, "aes-128-gcm", 16, kGcmBlocks, kGcmRecords,
	 false},
	{Cipher::aes_256_gcm, "aes-256-gcm", 32, kGcmBlocks, kGcmRecords,
	 false},
	{Cipher::aes_128_ccm, "aes-128-ccm", 16, kCcmBlocks, kCcmRecords, true},
	{Cipher::aes_256_ccm, "aes-256-ccm", 32, kCcmBlocks, kCcmRecords, true},
	{Cipher::chacha20_poly1305, "chacha20-poly1305", 32, UINT64_MAX,
	 kChaChaRecords, false},
};

/*
 * Looking a cipher up takes longer than sealing a small record. What was found
 * is never freed, because threads of ours may run when the program exits.
 */
const EVP_CIPHER *fetched(Cipher cipher) noexcept
{
	static const auto all = [] {
		std::array<const EVP_CIPHER *, std::size(kCiphers)> found;
		for (size_t i = 0; i < found.size(); i++)
			found[i] = EVP_CIPHER_fetch(nullptr, kCiphers[i].name,
						    nullptr);
		return found;
	}();
	return all[static_cast<size_t>(cipher) - 1];
}

bool set_nonce_length(EVP_CIPHER_CTX *context) noexcept
{
	return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN,
				   kNonceBytes, nullptr) == 1;
}

/* CCM must know the length of the tag before the first key. */
bool set_tag_length(EVP_CIPHER_CTX *context) noexcept
{
	return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes,
				   nullptr) == 1;
}

bool get_tag(EVP_CIPHER_CTX *context, uint8_t *tag) noexcept
{
	return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
				   tag) == 1;
}

bool expect_tag(EVP_CIPHER_CTX *context, const uint8_t *tag) noexcept
{
	uint8_t copy[kTagBytes];
	std::memcpy(copy, tag, sizeof(copy));
	return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof(copy),
				   copy) == 1;
}

/* CCM's first block has the length of the plaintext (RFC 3610, 2.2). */
bool announce_length(EVP_CIPHER_CTX *context, size_t len) noexcept
{
	int done = 0;
	return EVP_CipherUpdate(context, nullptr, &done, nullptr,
				static_cast<int>(len)) == 1;
}

bool authenticate(EVP_CIPHER_CTX *context, const uint8_t *aad,
		  size_t len) noexcept
{
	int done = 0;
	return !len || EVP_CipherUpdate(context, nullptr, &done, aad,
					static_cast<int>(len)) == 1;
}

bool transform(EVP_CIPHER_CTX *context, const void *from, size_t len,
	       uint8_t *to) noexcept
{
	int done = 0;
	return EVP_CipherUpdate(context, to, &done,
				static_cast<const uint8_t *>(from),
				static_cast<int>(len)) == 1 &&
	       static_cast<size_t>(done) == len;
}

bool gather(EVP_CIPHER_CTX *context, const iovec *plain, size_t count,
	    size_t len, uint8_t *out) noexcept
{
	for (size_t i = 0; i < count && len; i++) {
		size_t piece = plain[i].iov_len < len ? plain[i].iov_len : len;
		/* To the library a piece of nothing is the end. */
		if (!piece)
			continue;
		if (!transform(context, plain[i].iov_base, piece, out))
			return false;
		out += piece;
		len -= piece;
	}
	return !len;
}

/* These ciphers write no bytes at the end, but compute or compare the tag. */
bool finish(EVP_CIPHER_CTX *context) noexcept
{
	uint8_t none[EVP_MAX_BLOCK_LENGTH];
	int done = 0;
	return EVP_CipherFinal_ex(context, none, &done) == 1;
}

} // namespace

const CipherTraits *cipher_traits(Cipher cipher) noexcept
{
	for (const CipherTraits &traits : kCiphers) {
		if (traits.cipher == cipher)
			return &traits;
	}
	return nullptr;
}

const CipherTraits *cipher_traits(const char *name) noexcept
{
	for (const CipherTraits &traits : kCiphers) {
		if (!std::strcmp(traits.name, name))
			return &traits;
	}
	return nullptr;
}

void CipherContext::Free::operator()(evp_cipher_ctx_st *context) const noexcept
{
	EVP_CIPHER_CTX_free(context); /* wipes the key schedule, too */
}

CipherContext::CipherContext() noexcept = default;

CipherContext::~CipherContext()
{
	OPENSSL_cleanse(key_, sizeof(key_));
}

CipherContext::CipherContext(CipherContext &&other) noexcept
{
	*this = std::move(other);
}

CipherContext &CipherContext::operator=(CipherContext &&other) noexcept
{
	if (this == &other)
		return *this;
	context_ = std::move(other.context_);
	traits_ = std::exchange(other.traits_, nullptr);
	std::memcpy(key_, other.key_, sizeof(key_));
	OPENSSL_cleanse(other.key_, sizeof(other.key_));
	return *this;
}

bool CipherContext::open(const CipherTraits &traits, Direction direction,
			 const uint8_t *key) noexcept
{
	const EVP_CIPHER *cipher = fetched(traits.cipher);
	context_.reset(EVP_CIPHER_CTX_new());
	if (!cipher || !context_)
		return false;
	traits_ = &traits;
	EVP_CIPHER_CTX *context = context_.get();
	int sealing = direction == Direction::seal;
	/* The length of the nonce is set here alone: to set it for each record
	 * would halve the rate of GCM. */
	if (EVP_CipherInit_ex2(context, cipher, nullptr, nullptr, sealing,
			       nullptr) != 1 ||
	    !set_nonce_length(context))
		return false;
	if (!traits.reads_twice)
		return EVP_CipherInit_ex2(context, nullptr, key, nullptr, -1,
					  nullptr) == 1;
	std::memcpy(key_, key, traits.key_bytes);
	return set_tag_length(context);
}

/* What any record begins with, to be sealed or opened. */
bool CipherContext::begin(const uint8_t *nonce, const uint8_t *aad,
			  size_t aad_len, size_t len) noexcept
{
	if (!context_ || !traits_)
		return false;
	EVP_CIPHER_CTX *context = context_.get();
	const uint8_t *key = traits_->reads_twice ? key_ : nullptr;
	return EVP_CipherInit_ex2(context, nullptr, key, nonce, -1, nullptr) ==
		       1 &&
	       (!traits_->reads_twice || announce_length(context, len)) &&
	       authenticate(context, aad, aad_len);
}

bool CipherContext::seal(const uint8_t *nonce, const uint8_t *aad,
			 size_t aad_len, const iovec *plain, size_t count,
			 size_t len, uint8_t *out, uint8_t *tag) noexcept
{
	return begin(nonce, aad, aad_len, len) &&
	       gather(context_.get(), plain, count, len, out) &&
	       finish(context_.get()) && get_tag(context_.get(), tag);
}

bool CipherContext::unseal(const uint8_t *nonce, const uint8_t *aad,
			   size_t aad_len, uint8_t *bytes, size_t len,
			   const uint8_t *tag) noexcept
{
	if (!begin(nonce, aad, aad_len, len) ||
	    !expect_tag(context_.get(), tag) ||
	    !transform(context_.get(), bytes, len, bytes))
		return false;
	/* CCM compares the tag where it decrypts, and has no end. */
	return traits_->reads_twice || finish(context_.get());
}

} // namespace ofi_pmem
