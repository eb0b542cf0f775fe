/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The secret that initiators and targets share (fi_endpoint(3), auth_key), and
 * the file that it may come from.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* Empty: no authentication. */
using AuthKey = std::vector<uint8_t>;

/* Bytes. Shorter ones can be guessed from one overheard greeting. */
inline constexpr size_t kMinAuthKey = 16;
inline constexpr size_t kMaxAuthKey = 4096;

/*
 * All bytes of a file of this user or root, which nobody else can read but, of
 * root's, a group of the process. False, with *why, when it cannot be used.
 */
[[nodiscard]] bool read_auth_key(const char *path, AuthKey *key,
				 std::string *why);

/*
 * Why the keys of an info cannot be used; null when they can. Its endpoint and
 * its domain may both name one, then the same: a domain has one key.
 */
const char *unfit_auth_key(const fi_info &info) noexcept;

/* The key of an info that has a fit one, or none. */
AuthKey auth_key_of(const fi_info &info);

/* Names the key in an info, at its endpoint and its domain. */
void set_auth_key(fi_info *info, const AuthKey &key);

} // namespace ofi_pmem
