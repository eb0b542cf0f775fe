/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Only --force overwrites what a person may want to keep.
 */
#pragma once

#include <string>

namespace fi_pmem
{

class Report;

/*
 * Returns kLocalFile if there is something at `path` other than an empty file,
 * and `force` is false; else kOk. A directory counts as something.
 */
[[nodiscard]] int check_overwriting(Report &report, const std::string &path,
				    bool force);

} // namespace fi_pmem
