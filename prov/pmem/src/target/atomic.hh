/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What fi_atomic(3) makes of the elements of a region: every operation of
 * libfabric, 1.17 to 2.x, on integers of every size, floating-point numbers
 * from 32 bits on, and complex ones, where the operation has a meaning. Works
 * on copies in ordinary memory; what makes the elements of a region atomic and
 * durable is target/executor.cc.
 *
 * Elements are copied in and out, so no alignment is needed. Integers wrap.
 * Comparisons compare values: the two zeros are equal, a NaN is not itself.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* The bytes of one element; 0 for datatypes that are not known. */
size_t atomic_size(unsigned datatype) noexcept;

/* What an operation takes and does beside fetching. */
struct AtomicTraits {
	bool takes_operand = false; /* all but FI_ATOMIC_READ */
	bool compares = false;	    /* FI_CSWAP to FI_MSWAP */

	/* Those of no use without their result: fetch and compare calls only.
	 */
	bool must_fetch() const noexcept { return compares || !takes_operand; }
	bool modifies() const noexcept { return takes_operand; }
};
AtomicTraits atomic_traits(unsigned op) noexcept;

/*
 * Applies the operation to `count` elements at `target`. `operand` and
 * `compare` are not looked at unless the traits say so.
 */
using AtomicFunction = void (*)(uint8_t *target, const uint8_t *operand,
				const uint8_t *compare, size_t count) noexcept;

/* Null when there is no such operation on this datatype. */
AtomicFunction find_atomic(unsigned datatype, unsigned op) noexcept;

} // namespace ofi_pmem
