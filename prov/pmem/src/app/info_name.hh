/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Provider names. Ours is the last part, "tcp;ofi_rxm;ofi_pmem", or stands
 * alone; libfabric also accepts a layering provider first, "ofi_pmem;tcp".
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ofi_pmem
{

/*
 * Returns the rest of a provider name without ours: "" if it is ours alone,
 * nothing if it does not name us.
 */
std::optional<std::string> inner_name(std::string_view name);

/*
 * Returns the inner providers to offer for a hint (may be null) and the value
 * of FI_PROVIDER (may be null), in order of preference. It is empty if neither
 * names us. A hint that names another provider still gets us if FI_PROVIDER
 * asks for us on top of that provider.
 */
std::vector<std::string> wanted_inner_names(const char *hint,
					    const char *filter);

/*
 * Returns what to write instead of a FI_PROVIDER (may be null) that names us,
 * or nearly so, but not over the provider that it also names: "tcp,ofi_pmem",
 * "ofi_pmem;tcp", "tcp;pmem". Returns "" if there is nothing to say.
 */
std::string filter_advice(const char *filter);

/* Compares without case: people type the names of providers. */
bool same_name(std::string_view left, std::string_view right) noexcept;

/*
 * Returns the names that layer on those of `names` on which nothing else there
 * layers, and that are not among them. A user who names tcp gets ofi_rxm over
 * it if tcp cannot do what is requested.
 */
std::vector<std::string> layered_on(const std::vector<std::string> &names);

} // namespace ofi_pmem
