/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A file of region keys, for programs that know nothing of them
 * (FI_OFI_PMEM_SEAL_KEY_FILE). Each line that is neither empty nor begins with
 * `#` is
 *	ID CIPHER HEX [region=PATH-PREFIX] [host=ADDRESS] [max=SIZE]
 * with ID a decimal number from 1 on, or hexadecimal with 0x; CIPHER a name of
 * CipherTraits; HEX as many bytes as the cipher's key has; SIZE bytes with an
 * optional suffix K, M, G, T (powers of 1024). A key with region= is for the
 * target's regions in files below that path; with host= for the initiator's
 * accesses to that host; with neither it is the default for both. region= and
 * host= may stand together.
 */
#pragma once

#include "seal/key_ring.hh"

#include <cstdint>
#include <string>

namespace ofi_pmem
{

/*
 * Reads the file under the rules of the auth_key's (core/auth_key.hh) and adds
 * its keys, all or none. If `only` is not 0, takes the one line of that id and
 * makes it the default as well. Returns false, with *why, which names the line
 * but never a part of a key.
 */
[[nodiscard]] bool read_key_file(const char *path, uint64_t only, KeyRing *ring,
				 std::string *why);

/* The same for text that was read; `name` stands for the file. For fuzzers. */
[[nodiscard]] bool parse_keys(const char *text, size_t len, uint64_t only,
			      KeyRing *ring, std::string *why);

} // namespace ofi_pmem
