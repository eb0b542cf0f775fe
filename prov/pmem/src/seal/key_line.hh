/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* One line of a file of region keys (seal/key_file.hh). */
#pragma once

#include "core/address.hh"
#include "seal/cipher.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ofi_pmem
{

struct KeyLine {
	size_t number = 0; /* from 1 on */
	uint64_t id = 0;
	const CipherTraits *cipher = nullptr;
	uint8_t bytes[kMaxKeyBytes] = {};
	std::string region; /* empty: none */
	std::optional<IpAddress> host;
	uint64_t max_bytes = 0; /* 0: any */

	KeyLine() = default;
	KeyLine(const KeyLine &) = default;
	KeyLine &operator=(const KeyLine &) = default;
	/* Wipes the key. */
	~KeyLine();

	bool is_default() const noexcept { return region.empty() && !host; }
};

/* True if there is nothing but white space. */
bool is_blank(std::string_view text) noexcept;

/*
 * Returns null, or what is wrong with a line that is not blank; that never has
 * a part of it, which may be key bytes at the wrong place.
 */
[[nodiscard]] const char *parse_key_line(std::string_view text, KeyLine *line);

} // namespace ofi_pmem
