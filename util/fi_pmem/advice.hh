/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What to change on a host so that its commits get better: safer first, then
 * faster. Nothing is tried here; it follows from what was found.
 */
#pragma once

#include <string>
#include <vector>

#include "host.hh"
#include "probe.hh"

namespace fi_pmem
{

/* A sentence each. */
[[nodiscard]] std::vector<std::string>
advise(const Probe &found, const std::vector<RdmaDevice> &devices,
       const std::vector<MemoryDevice> &memory);

} // namespace fi_pmem
