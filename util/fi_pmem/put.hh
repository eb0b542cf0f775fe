/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem put: a local file into a region. By default it returns 0 only when
 * every byte is durable at the peer.
 */
#pragma once

namespace fi_pmem
{

struct Options;
class Report;

[[nodiscard]] int run_put(const Options &options, Report &report);

} // namespace fi_pmem
