/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds where a put that was interrupted can go on. The earlier one left no
 * notes: digests show how long a prefix the region has already.
 */
#pragma once

#include <cstdint>

namespace fi_pmem
{

struct Options;
class Report;
class SourceFile;

/*
 * Finds how many bytes from the beginning of the file are the same in the
 * region at --offset. They need not be durable there. It makes a connection of
 * its own. Returns an exit code.
 */
[[nodiscard]] int find_common_prefix(const Options &options, Report &report,
				     SourceFile &file, uint64_t *bytes);

} // namespace fi_pmem
