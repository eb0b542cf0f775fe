/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The two variants of an inner info that we offer, and the way back. The
 * persistent one has FI_RMA_PMEM and promises only what two planes together
 * can keep; the plain one is the inner info without FI_RMA_PMEM, since what
 * inner providers mean by it is not durable.
 */
#pragma once

#include "core/info_ptr.hh"

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* Named FI_MR_BASIC in the headers, where its use warns since 2.0. */
inline constexpr int kMrBasic = 1 << 0;

/*
 * Operations of an endpoint at a time: tx_attr->size of a persistent info is at
 * most the first of these, unless the hints ask for more, and that many fit.
 */
inline constexpr size_t kDefaultTransmits = 1024;
inline constexpr size_t kMaxTransmits = 16384;

enum class Variant { plain, persistent };

/*
 * A copy of one info. The nic is copied when its provider can, else left out
 * (fi_dupinfo would share it, and two owners would close it); the handle is
 * borrowed. Throws std::bad_alloc.
 */
InfoPtr copy_info(const fi_info &info);

/* True for an info of ours with FI_RMA_PMEM. */
bool is_persistent(const fi_info &info) noexcept;

/* The hints ask for FI_RMA_PMEM; hints may be null. */
bool asks_persistence(const fi_info *hints) noexcept;

/*
 * The hints ask for atomics, and every region is persistent
 * (FI_OFI_PMEM_REGIONS=all): the plane executes them, whether the inner
 * provider has any or not.
 */
bool adds_atomics(const fi_info *hints) noexcept;

/* Removes capabilities from an info and from its endpoint attributes. */
void clear_caps(fi_info *info, uint64_t caps) noexcept;

/* The hints name capabilities at all. */
bool asks_capabilities(const fi_info *hints) noexcept;

/*
 * Completion levels that only the persistence plane gives; the inner provider
 * never gets to see them. Plain infos have FI_COMMIT_COMPLETE there too, so
 * that it is refused and not pretended.
 */
uint64_t our_op_flags(const fi_info &outer) noexcept;

/*
 * Null when the hints leave room for `variant`, else the reason why not, for
 * the log.
 */
const char *refusal(const fi_info *hints, Variant variant) noexcept;

/*
 * The hints for the inner provider called `name`: without us and without what
 * we add ourselves. Our objects in them are replaced by the inner ones. Throws
 * std::bad_alloc.
 */
InfoPtr inner_hints(const fi_info &hints, const char *name, Variant variant);

/*
 * Null when `inner` can carry a persistence plane, else the reason why not.
 */
const char *unfit(const fi_info &inner) noexcept;

/* Turn an inner info, in place, into the one that we offer. */
void make_persistent_info(const fi_info *hints, fi_info *info);
void make_plain_info(fi_info *info) noexcept;

/* What an offered info does not say of the inner provider any more. */
struct InnerTraits {
	/* The inner provider chooses keys, so requested keys do not count. */
	bool prov_key = false;
	size_t mr_key_size = 8;
	/* False when the FI_ATOMIC of the info is all ours. */
	bool atomics = true;
};

/*
 * Asks the inner provider for the traits behind a persistent info. When it
 * does not answer, it is taken at the word of the info.
 */
InnerTraits inner_traits(uint32_t version, const fi_info &outer);

/*
 * The info for an inner object, from the one that the application opens ours
 * with. Throws std::bad_alloc.
 */
InfoPtr inner_info(const fi_info &outer, const InnerTraits &traits);

/*
 * The info of a connection request, from that of the passive endpoint and the
 * inner provider's own, which the call takes over. Throws std::bad_alloc.
 */
InfoPtr connreq_info(const fi_info &pep, InfoPtr inner);

/*
 * What to set where the inner provider refuses to enable an endpoint with the
 * settings that it has by default; null when it needs none.
 */
const char *enable_advice(const fi_info &outer) noexcept;

} // namespace ofi_pmem
