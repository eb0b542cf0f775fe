/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Random choices that a printed seed repeats.
 */
#pragma once

#include "common/region_file.hh"

#include <cstdint>
#include <cstdlib>
#include <random>

namespace pmem_test
{

class Random
{
public:
	explicit Random(uint64_t seed) : state_(seed) {}

	uint64_t next() { return mix(state_++); }

	/* [0, limit) */
	uint64_t below(uint64_t limit) { return next() % limit; }

	/* [low, high] */
	uint64_t between(uint64_t low, uint64_t high)
	{
		return low + below(high - low + 1);
	}

private:
	uint64_t state_;
};

/* The number in environment variable `name`, or `otherwise`. */
inline uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoull(text, nullptr, 0) : otherwise;
}

/*
 * Takes the seed from environment variable `name`, or a new one for every run.
 */
inline uint64_t choose_seed(const char *name)
{
	return env_number(name, std::random_device{}());
}

} // namespace pmem_test
