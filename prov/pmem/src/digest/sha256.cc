/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * SHA-256 of OpenSSL, which uses the processor's instructions for it. Each call
 * may fail. A failure stays until the next start; the digest then has no
 * length.
 */
#include "digest/engines.hh"

#include <openssl/evp.h>

#include <new>
#include <utility>

namespace ofi_pmem
{

namespace
{

struct ContextDeleter {
	void operator()(EVP_MD_CTX *context) const noexcept
	{
		EVP_MD_CTX_free(context);
	}
};
using ContextPtr = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

class Sha256Engine final : public DigestEngine
{
public:
	/*
	 * Takes a context that EVP_DigestInit_ex() has initialised for SHA-256.
	 */
	explicit Sha256Engine(ContextPtr context) noexcept
		: context_(std::move(context))
	{
	}

	void update(const void *data, size_t size) noexcept override
	{
		if (size && good_)
			good_ = EVP_DigestUpdate(context_.get(), data, size) ==
				1;
	}

	Digest finish() noexcept override
	{
		Digest digest;
		unsigned length = 0;
		if (good_ &&
		    EVP_DigestFinal_ex(context_.get(), digest.bytes.data(),
				       &length) == 1)
			digest.length = static_cast<uint8_t>(length);
		reset();
		return digest;
	}

	void reset() noexcept override
	{
		/*
		 * Without a type it keeps the one it has, and need not look it
		 * up again.
		 */
		good_ = EVP_DigestInit_ex(context_.get(), nullptr, nullptr) ==
			1;
	}

private:
	const ContextPtr context_;
	bool good_ = true;
};

} // namespace

std::unique_ptr<DigestEngine> open_sha256() noexcept
{
	ContextPtr context(EVP_MD_CTX_new());
	if (!context ||
	    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
		return nullptr;
	return std::unique_ptr<DigestEngine>(
		new (std::nothrow) Sha256Engine(std::move(context)));
}

} // namespace ofi_pmem
