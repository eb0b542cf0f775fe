/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The authenticated ciphers that records are sealed with, by OpenSSL's EVP.
 */
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>

struct evp_cipher_ctx_st;

namespace ofi_pmem
{

/* The numbers are those of enum fi_pmem_cipher, and travel. */
enum class Cipher : uint8_t {
	aes_128_gcm = 1,
	aes_256_gcm = 2,
	aes_128_ccm = 3,
	aes_256_ccm = 4,
	chacha20_poly1305 = 5,
};

inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kMaxKeyBytes = 32;

struct CipherTraits {
	Cipher cipher;
	const char *name; /* as in a key file: "aes-256-gcm" */
	size_t key_bytes;
	/* A traffic key is renewed before it has sealed more. */
	uint64_t max_blocks; /* of 16 bytes */
	uint64_t max_records;
	bool reads_twice; /* the plaintext, which must not change meanwhile */
};

/* Both return null if there is no such cipher. */
const CipherTraits *cipher_traits(Cipher cipher) noexcept;
const CipherTraits *cipher_traits(const char *name) noexcept;

/*
 * One direction of one traffic key. Not thread-safe.
 */
class CipherContext
{
public:
	enum class Direction { seal, open };

	CipherContext() noexcept;
	~CipherContext();
	CipherContext(CipherContext &&) noexcept;
	CipherContext &operator=(CipherContext &&) noexcept;

	/* `key` has key_bytes of the cipher. Returns false if the library
	 * cannot do it. */
	[[nodiscard]] bool open(const CipherTraits &traits, Direction direction,
				const uint8_t *key) noexcept;

	/*
	 * Seals `len` bytes, gathered from `plain`, to `out`, which has as many
	 * and does not overlap them, except that it may be the same as the only
	 * buffer. A cipher that reads_twice takes one buffer.
	 */
	[[nodiscard]] bool seal(const uint8_t *nonce, const uint8_t *aad,
				size_t aad_len, const iovec *plain,
				size_t count, size_t len, uint8_t *out,
				uint8_t *tag) noexcept;

	/* Opens in place. Returns false, and then `bytes` are undefined, if
	 * anything is not as it was sealed. */
	[[nodiscard]] bool unseal(const uint8_t *nonce, const uint8_t *aad,
				  size_t aad_len, uint8_t *bytes, size_t len,
				  const uint8_t *tag) noexcept;

private:
	struct Free {
		void operator()(evp_cipher_ctx_st *context) const noexcept;
	};

	bool begin(const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
		   size_t len) noexcept;

	std::unique_ptr<evp_cipher_ctx_st, Free> context_;
	const CipherTraits *traits_ = nullptr;
	uint8_t key_[kMaxKeyBytes] = {}; /* CCM takes it with each nonce */
};

} // namespace ofi_pmem
