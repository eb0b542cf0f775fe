/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The secret that initiators and targets share (fi_endpoint(3), auth_key), and
 * the file that it may come from.
 */
#pragma once

#include <rdma/fabric.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ofi_pmem
{

/* An empty key means no authentication. */
using AuthKey = std::vector<uint8_t>;

/* Bytes. Shorter keys can be guessed from one overheard greeting. */
inline constexpr size_t kMinAuthKey = 16;
inline constexpr size_t kMaxAuthKey = 4096;

/*
 * Reads a key: all bytes of a file of this user or root that nobody else can
 * read, except, for a file of root, a group of the process. Returns false, with
 * *why, if the file cannot be used.
 */
[[nodiscard]] bool read_auth_key(const char *path, AuthKey *key,
				 std::string *why);

/* The same for another file of secrets, with at most so many bytes. */
[[nodiscard]] bool read_secret_file(const char *path, size_t most,
				    std::vector<uint8_t> *bytes,
				    std::string *why);

/*
 * Returns why the keys of an info cannot be used, or null if they can. If its
 * endpoint and its domain both name a key, it must be the same: a domain has
 * one key.
 */
const char *unfit_auth_key(const fi_info &info) noexcept;

/* Returns the key of an info that has a usable one, or an empty key. */
AuthKey auth_key_of(const fi_info &info);

/* Sets the key of an info, in its endpoint and its domain. */
void set_auth_key(fi_info *info, const AuthKey &key);

} // namespace ofi_pmem
