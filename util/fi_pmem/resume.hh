/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where a put that was interrupted goes on. Nothing is kept of the earlier one:
 * digests tell how long the prefix is that the region has already.
 */
#pragma once

#include <cstdint>

namespace fi_pmem
{

struct Options;
class Report;
class SourceFile;

/*
 * How many bytes from the begin of the file on are the same in the region at
 * --offset. They need not be durable there. Makes a connection of its own. Exit
 * code.
 */
[[nodiscard]] int find_common_prefix(const Options &options, Report &report,
				     SourceFile &file, uint64_t *bytes);

} // namespace fi_pmem
