/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "shared/key_file_check.hh"

#include "seal/key_file.hh"

namespace ofi_pmem
{

std::string key_file_problem(const std::string &path, uint64_t id)
{
	KeyRing keys;
	std::string why;
	return read_key_file(path.c_str(), id, &keys, &why) ? "" : why;
}

} // namespace ofi_pmem
