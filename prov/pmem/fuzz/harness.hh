/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Every target links this: the provider object, and replacements of libfabric's
 * functions that log and that read the environment. A message is formatted, as
 * a sanitizer may object to its arguments, but not printed.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

namespace ofi_pmem::fuzz
{

/* Ends the program where it does not hold: the fuzzer keeps the input. */
void require(bool holds, const char *what) noexcept;

/* The environment, by the parameters' names; read by load_params(). */
using Environment = std::map<std::string, std::string>;
Environment &environment();

} // namespace ofi_pmem::fuzz
