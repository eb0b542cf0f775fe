/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Takes a fuzzer's input apart, from its beginning on. */
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace ofi_pmem::fuzz
{

class Input
{
public:
	Input(const uint8_t *data, size_t len) noexcept
		: next_(data), left_(len)
	{
	}

	bool empty() const noexcept { return !left_; }

	/* Bytes that are missing at the end are 0. */
	template <typename Number> Number take() noexcept
	{
		Number number{};
		size_t len = std::min(left_, sizeof(number));
		if (len)
			std::memcpy(&number, next_, len);
		skip(len);
		return number;
	}

	std::vector<uint8_t> take_bytes(size_t most)
	{
		size_t len = std::min(left_, most);
		std::vector<uint8_t> bytes(next_, next_ + len);
		skip(len);
		return bytes;
	}

	std::string take_rest()
	{
		std::string rest(next_, next_ + left_);
		skip(left_);
		return rest;
	}

private:
	void skip(size_t len) noexcept
	{
		next_ += len;
		left_ -= len;
	}

	const uint8_t *next_;
	size_t left_;
};

} // namespace ofi_pmem::fuzz
