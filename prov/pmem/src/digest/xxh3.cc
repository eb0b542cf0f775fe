/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * XXH3 of libxxhash. Its functions fail only for null pointers, which they are
 * not given. The library allocates the state, which has an alignment of its
 * own.
 */
#include "config.h"

#include "digest/engines.hh"

#include <xxhash.h>
#ifdef HAVE_XXH3_DISPATCH
/* Replaces the functions by those for AVX2 or AVX-512, if the CPU has it. */
#include <xxh_x86dispatch.h>
#endif

#include <algorithm>
#include <new>
#include <utility>

namespace ofi_pmem
{

namespace
{

struct StateDeleter {
	void operator()(XXH3_state_t *state) const noexcept
	{
		XXH3_freeState(state);
	}
};
using StatePtr = std::unique_ptr<XXH3_state_t, StateDeleter>;

template <size_t length>
Digest make_digest(const unsigned char (&canonical)[length]) noexcept
{
	Digest digest;
	digest.length = length;
	std::copy(canonical, canonical + length, digest.bytes.begin());
	return digest;
}

struct Bits64 {
	static constexpr auto start = XXH3_64bits_reset;
	static constexpr auto extend = XXH3_64bits_update;

	static Digest digest(const XXH3_state_t *state) noexcept
	{
		XXH64_canonical_t canonical;
		XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(state));
		return make_digest(canonical.digest);
	}
};

struct Bits128 {
	static constexpr auto start = XXH3_128bits_reset;
	static constexpr auto extend = XXH3_128bits_update;

	static Digest digest(const XXH3_state_t *state) noexcept
	{
		XXH128_canonical_t canonical;
		XXH128_canonicalFromHash(&canonical,
					 XXH3_128bits_digest(state));
		return make_digest(canonical.digest);
	}
};

template <typename Bits> class Xxh3Engine final : public DigestEngine
{
public:
	explicit Xxh3Engine(StatePtr state) noexcept : state_(std::move(state))
	{
		Bits::start(state_.get());
	}

	void update(const void *data, size_t size) noexcept override
	{
		if (size)
			Bits::extend(state_.get(), data, size);
	}

	Digest finish() noexcept override
	{
		Digest digest = Bits::digest(state_.get());
		reset();
		return digest;
	}

	void reset() noexcept override { Bits::start(state_.get()); }

private:
	const StatePtr state_;
};

template <typename Bits> std::unique_ptr<DigestEngine> make_xxh3() noexcept
{
	StatePtr state(XXH3_createState());
	if (!state)
		return nullptr;
	return std::unique_ptr<DigestEngine>(
		new (std::nothrow) Xxh3Engine<Bits>(std::move(state)));
}

} // namespace

std::unique_ptr<DigestEngine> open_xxh3(DigestAlgorithm algorithm) noexcept
{
	switch (algorithm) {
	case DigestAlgorithm::xxh3_64:
		return make_xxh3<Bits64>();
	case DigestAlgorithm::xxh3_128:
		return make_xxh3<Bits128>();
	default:
		return nullptr;
	}
}

} // namespace ofi_pmem
