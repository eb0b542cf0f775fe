/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Says what to change on a host so that its commits get better: safer first,
 * then faster. It tries nothing, but follows from what was found.
 */
#pragma once

#include "info/host.hh"
#include "info/probe.hh"

#include <string>
#include <vector>

namespace fi_pmem
{

/* Each string is one sentence. */
[[nodiscard]] std::vector<std::string>
advise(const Probe &found, const std::vector<RdmaDevice> &devices,
       const std::vector<MemoryDevice> &memory);

} // namespace fi_pmem
