/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Computes what fi_atomic(3) does to the elements of a region: every operation
 * of libfabric, 1.17 to 2.x, on integers of every size, floating-point numbers
 * from 32 bits on, and complex ones, where the operation has a meaning. It
 * works on copies in ordinary memory; service/executor.cc makes the elements of
 * a region atomic and durable.
 *
 * Elements are copied in and out, so no alignment is needed. Integers wrap.
 * Comparisons compare values: the two zeros are equal, a NaN is not itself.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* Returns the bytes of one element, or 0 for unknown datatypes. */
size_t atomic_size(unsigned datatype) noexcept;

/* Describes an operation apart from fetching. */
struct AtomicTraits {
	bool takes_operand = false; /* all but FI_ATOMIC_READ */
	bool compares = false;	    /* FI_CSWAP to FI_MSWAP */

	/* It is useless without its result: only fetch and compare calls. */
	bool must_fetch() const noexcept { return compares || !takes_operand; }
	bool modifies() const noexcept { return takes_operand; }
};
AtomicTraits atomic_traits(unsigned op) noexcept;

/*
 * Applies the operation to `count` elements at `target`. `operand` and
 * `compare` are not read unless the traits say so.
 */
using AtomicFunction = void (*)(uint8_t *target, const uint8_t *operand,
				const uint8_t *compare, size_t count) noexcept;

/* Returns null if there is no such operation on this datatype. */
AtomicFunction find_atomic(unsigned datatype, unsigned op) noexcept;

} // namespace ofi_pmem
