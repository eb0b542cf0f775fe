/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The remote regions of one connection, by the tokens in their keys. A region
 * is described by the target and looked up once for each operation, which then
 * holds it.
 */
#pragma once

#include "core/address.hh"
#include "core/errors.hh"
#include "digest/digest.hh"
#include "initiator/settling.hh"
#include "protocol/features.hh"
#include "protocol/wire.hh"
#include "transport/transport.hh"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace ofi_pmem
{

/* A write that the NIC orders has this length (IB ATOMIC WRITE). */
inline constexpr size_t kAtomicWriteBytes = 8;

/* A resolved key, or one that is being resolved. */
struct RemoteRegion {
	enum class State { unknown, asked, known, refused };
	State state = State::unknown;
	wire::Region info{};
	const Settling *settling = nullptr; /* by the region's method */
	const char *reason = "";	    /* for that method; static */
	/* This is kAtomicWriteBytes if the NIC orders such writes, else 0. */
	size_t native_order = 0;
	/* The digest that FI_PMEM_VERIFY compares; 0 if it cannot. */
	DigestAlgorithm check_by{};
	Failure refusal;
	uint32_t users = 0; /* operations that hold it */

	bool known() const noexcept { return state == State::known; }
	Method method() const noexcept { return settling->method(); }

	/* Returns an operation on `len` bytes from `offset` on, without local
	 * buffers. */
	OneSided operation(OneSided::Kind kind, uint64_t offset,
			   uint64_t len) const noexcept
	{
		OneSided made{};
		made.kind = kind;
		made.addr = info.lower_base + offset;
		made.key = info.lower_key;
		made.len = len;
		return made;
	}
};

/* It is not thread-safe. */
class RegionCache
{
public:
	RegionCache(const Transport &transport, const IpAddress &peer) noexcept
		: transport_(transport), peer_(peer)
	{
	}

	/* Returns the entry, which is new if its state is unknown. */
	RemoteRegion *find(uint64_t token) { return &regions_[token]; }

	/* Returns null unless the region is known. */
	const RemoteRegion *known(uint64_t token) const noexcept;

	/*
	 * Takes over the target's description, chooses the region's method, and
	 * keeps only what both sides have. Returns false if the description
	 * contradicts itself.
	 */
	[[nodiscard]] bool accept(uint64_t token, const wire::Region &info,
				  const Features &features);

	/* The target does not have the region, or does not resolve it. */
	void refuse(uint64_t token, const Failure &failure);

	/*
	 * The region was closed, or its refusal was reported: the next call
	 * asks again. Entries that no operation holds are removed.
	 */
	void forget(uint64_t token);

private:
	const Transport &transport_;
	const IpAddress &peer_;
	std::unordered_map<uint64_t, RemoteRegion> regions_;
};

} // namespace ofi_pmem
