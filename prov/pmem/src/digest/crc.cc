/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The CRCs of ISA-L. Its functions differ in what they leave to the caller: the
 * 64-bit ones invert the CRC they are given and the one they return, the others
 * do not; crc32_iscsi() takes an int for the length and a pointer to bytes that
 * it does not change. Those for AVX-512 return with the upper halves of vector
 * registers in use.
 */
#include "config.h"

#include "digest/engines.hh"

#include <isa-l/crc.h>
#include <isa-l/crc64.h>

#include <algorithm>
#include <new>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace ofi_pmem
{

namespace
{

#ifdef __x86_64__
__attribute__((target("avx"))) void zero_upper_halves() noexcept
{
	_mm256_zeroupper();
}

/*
 * While upper halves are in use, SSE instructions of this thread wait for one
 * another, and XXH3 without AVX takes four times as long. The thread may be the
 * application's.
 */
void release_upper_halves() noexcept
{
	if (__builtin_cpu_supports("avx"))
		zero_upper_halves();
}
#else
void release_upper_halves() noexcept
{
}
#endif

struct Crc32c {
	using Value = uint32_t;
	static constexpr Value kInitial = 0xffffffff;
	static constexpr Value kInverted = 0xffffffff;

	static Value extend(Value crc, const uint8_t *data,
			    size_t size) noexcept
	{
		constexpr size_t kPart = size_t{1} << 30; /* fits an int */
		while (size) {
			size_t part = std::min(size, kPart);
			crc = crc32_iscsi(const_cast<uint8_t *>(data),
					  static_cast<int>(part), crc);
			data += part;
			size -= part;
		}
		return crc;
	}
};

struct Crc16T10dif {
	using Value = uint16_t;
	static constexpr Value kInitial = 0;
	static constexpr Value kInverted = 0;
	static constexpr auto extend = crc16_t10dif;
};

struct Crc64Ecma {
	using Value = uint64_t;
	static constexpr Value kInitial = 0;
	static constexpr Value kInverted = 0;
	static constexpr auto extend = crc64_ecma_refl;
};

#if HAVE_DECL_CRC64_ROCKSOFT_REFL
struct Crc64Nvme {
	using Value = uint64_t;
	static constexpr Value kInitial = 0;
	static constexpr Value kInverted = 0;
	static constexpr auto extend = crc64_rocksoft_refl;
};
#endif

template <typename Crc> class CrcEngine final : public DigestEngine
{
	using Value = typename Crc::Value;

public:
	void update(const void *data, size_t size) noexcept override
	{
		if (!size)
			return;
		crc_ = Crc::extend(crc_, static_cast<const uint8_t *>(data),
				   size);
		release_upper_halves();
	}

	Digest finish() noexcept override
	{
		Value value = crc_ ^ Crc::kInverted;
		Digest digest;
		digest.length = sizeof(Value);
		for (size_t i = sizeof(Value); i--;) {
			digest.bytes[i] = static_cast<uint8_t>(value);
			value = static_cast<Value>(uint64_t{value} >> 8);
		}
		reset();
		return digest;
	}

	void reset() noexcept override { crc_ = Crc::kInitial; }

private:
	Value crc_ = Crc::kInitial;
};

template <typename Crc> std::unique_ptr<DigestEngine> make_crc() noexcept
{
	return std::unique_ptr<DigestEngine>(new (std::nothrow) CrcEngine<Crc>);
}

} // namespace

std::unique_ptr<DigestEngine> open_crc(DigestAlgorithm algorithm) noexcept
{
	switch (algorithm) {
	case DigestAlgorithm::crc32c:
		return make_crc<Crc32c>();
	case DigestAlgorithm::crc16_t10dif:
		return make_crc<Crc16T10dif>();
	case DigestAlgorithm::crc64_ecma:
		return make_crc<Crc64Ecma>();
#if HAVE_DECL_CRC64_ROCKSOFT_REFL
	case DigestAlgorithm::crc64_nvme:
		return make_crc<Crc64Nvme>();
#endif
	default:
		return nullptr;
	}
}

} // namespace ofi_pmem
