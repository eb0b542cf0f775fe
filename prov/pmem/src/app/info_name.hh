/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Provider names. We are named as the last part, "tcp;ofi_rxm;ofi_pmem", or
 * alone; libfabric also takes a layering provider first, "ofi_pmem;tcp".
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ofi_pmem
{

/*
 * What is left of a provider name without ours: "" when it is ours alone,
 * nothing when it does not name us.
 */
std::optional<std::string> inner_name(std::string_view name);

/*
 * The inner providers to offer for a hint (may be null) and the value of
 * FI_PROVIDER (may be null), in order of preference. Empty when neither names
 * us. A hint that names another provider still gets us when FI_PROVIDER asks
 * for us on top of that provider.
 */
std::vector<std::string> wanted_inner_names(const char *hint,
					    const char *filter);

/*
 * What to write in the place of a FI_PROVIDER (may be null) that names us, or
 * nearly so, but not over the provider that it names too: "tcp,ofi_pmem",
 * "ofi_pmem;tcp", "tcp;pmem". "" when there is nothing to say.
 */
std::string filter_advice(const char *filter);

/* Names of providers differ in case only when someone typed them. */
bool same_name(std::string_view left, std::string_view right) noexcept;

/*
 * What layers on those of them that nothing layers on, and is not among them.
 * Who names tcp gets ofi_rxm over it where tcp cannot do what is asked for.
 */
std::vector<std::string> layered_on(const std::vector<std::string> &names);

} // namespace ofi_pmem
