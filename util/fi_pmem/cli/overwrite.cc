/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "cli/overwrite.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <filesystem>

namespace fi_pmem
{

int check_overwriting(Report &report, const std::string &path, bool force)
{
	namespace fs = std::filesystem;
	std::error_code failure;
	fs::file_status status = fs::status(path, failure);
	bool empty = fs::is_regular_file(status) &&
		     !fs::file_size(path, failure) && !failure;
	if (!fs::exists(status) || empty || force)
		return kOk;
	return report.fail(kLocalFile,
			   "%s: exists and would be overwritten; --force "
			   "allows it",
			   path.c_str());
}

} // namespace fi_pmem
