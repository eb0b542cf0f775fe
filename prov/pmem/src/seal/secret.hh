/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The bytes of a region key: in a page of their own that is not swapped out,
 * not dumped, empty in a child of fork(2), and wiped at the end.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class Secret
{
public:
	Secret() = default;
	~Secret() { wipe(); }
	Secret(const Secret &) = delete;
	Secret &operator=(const Secret &) = delete;

	/* Returns 0 or a negative fi_errno. */
	[[nodiscard]] int assign(const uint8_t *bytes, size_t len) noexcept;
	void wipe() noexcept;

	const uint8_t *data() const noexcept { return bytes_; }
	size_t size() const noexcept { return len_; }
	/* Takes the same time wherever they differ. */
	bool equals(const uint8_t *bytes, size_t len) const noexcept;

private:
	uint8_t *bytes_ = nullptr;
	size_t len_ = 0;
};

} // namespace ofi_pmem
