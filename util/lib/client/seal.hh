/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the environment says about region keys (fi_pmem_seal(7)), and how an
 * option sets it. The environment counts when the provider is loaded, and for
 * the processes that this one starts.
 */
#pragma once

#include <rdma/fi_ext_pmem.h>

#include <cstdint>
#include <string>

namespace fi_pmem
{

struct SealSetting {
	bool off = false;
	bool required = false;
	std::string file; /* of region keys; empty: none */
	uint64_t id = 0;  /* of the only key that is used; 0: any */
};

/* Parameters that the provider would refuse count as not set. */
[[nodiscard]] SealSetting seal_setting();

/*
 * Has every region sealed by a key of `source`, which is FILE or FILE:ID. It
 * replaces what the environment says. Returns empty, or what is wrong with
 * `source`.
 */
[[nodiscard]] std::string require_seal(const std::string &source);

/* Returns what is wrong with the file of region keys; empty if nothing is. */
[[nodiscard]] std::string seal_problem();

/* Returns the name in a key file. */
[[nodiscard]] const char *cipher_name(fi_pmem_cipher cipher);

} // namespace fi_pmem
