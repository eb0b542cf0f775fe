/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Makes a file durable together with its name: fsync of the file alone leaves
 * its directory entry to luck.
 */
#pragma once

#include <string>

namespace fi_pmem
{

/* Returns 0 or a positive errno. */
[[nodiscard]] int sync_file_and_name(int fd, const std::string &path);

} // namespace fi_pmem
