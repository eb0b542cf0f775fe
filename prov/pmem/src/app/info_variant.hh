/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Makes the two variants of an inner info that we offer, and converts them
 * back. The persistent variant has FI_RMA_PMEM and promises only what two
 * planes together can keep. The plain variant is the inner info without
 * FI_RMA_PMEM, because what inner providers mean by it is not durable.
 */
#pragma once

#include "core/fid.hh"

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* The headers call it FI_MR_BASIC, but since 2.0 using that warns. */
inline constexpr int kMrBasic = 1 << 0;

enum class Variant { plain, persistent };

/*
 * Copies one info. The nic is copied if its provider can, else left out
 * (fi_dupinfo would share it, and two owners would close it); the handle is
 * borrowed. Throws std::bad_alloc.
 */
InfoPtr copy_info(const fi_info &info);

/* Returns true for an info of ours with FI_RMA_PMEM. */
bool is_persistent(const fi_info &info) noexcept;

/* The hints ask for FI_RMA_PMEM; hints may be null. */
bool asks_persistence(const fi_info *hints) noexcept;

/*
 * True if the hints ask for atomics and every region is persistent
 * (FI_OFI_PMEM_REGIONS=all). Then the plane executes atomics, whether the inner
 * provider has any or not.
 */
bool adds_atomics(const fi_info *hints) noexcept;

/* Removes capabilities from an info and from its endpoint attributes. */
void clear_caps(fi_info *info, uint64_t caps) noexcept;

/* True if the hints name any capabilities. */
bool asks_capabilities(const fi_info *hints) noexcept;

/*
 * Returns the completion levels that only the persistence plane offers; the
 * inner provider never sees them. For plain infos they include
 * FI_COMMIT_COMPLETE, too, so that it is refused and not pretended.
 */
uint64_t our_op_flags(const fi_info &outer) noexcept;

/*
 * Returns null if the hints allow `variant`, else the reason why not, for the
 * log.
 */
const char *refusal(const fi_info *hints, Variant variant) noexcept;

/*
 * Returns the hints for the inner provider called `name`: without us and
 * without what we add ourselves. Inner objects replace ours in them. Throws
 * std::bad_alloc.
 */
InfoPtr inner_hints(const fi_info &hints, const char *name, Variant variant);

/*
 * Returns null if `inner` can carry a persistence plane, else the reason why
 * not.
 */
const char *unfit(const fi_info &inner) noexcept;

/* These turn an inner info, in place, into the one that we offer. */
void make_persistent_info(const fi_info *hints, fi_info *info);
void make_plain_info(fi_info *info) noexcept;

/* Traits of the inner provider that an offered info no longer shows. */
struct InnerTraits {
	/* The inner provider chooses keys, so requested keys do not count. */
	bool prov_key = false;
	size_t mr_key_size = 8;
	/* False if all of the info's FI_ATOMIC is ours. */
	bool atomics = true;
};

/*
 * Asks the inner provider for the traits behind a persistent info. If it does
 * not answer, the info is believed.
 */
InnerTraits inner_traits(uint32_t version, const fi_info &outer);

/*
 * Returns the info for an inner object, from that with which the application
 * opens ours. Throws std::bad_alloc.
 */
InfoPtr inner_info(const fi_info &outer, const InnerTraits &traits);

/*
 * Returns the info of a connection request, from that of the passive endpoint
 * and the inner provider's own, which the call takes over. Throws
 * std::bad_alloc.
 */
InfoPtr connreq_info(const fi_info &pep, InfoPtr inner);

/*
 * Returns what to set if the inner provider refuses to enable an endpoint with
 * its default settings, or null if nothing is needed.
 */
const char *enable_advice(const fi_info &outer) noexcept;

} // namespace ofi_pmem
