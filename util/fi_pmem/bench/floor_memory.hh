/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The file that floors write to, mapped and flushed by libpmem2 as a target's
 * region is.
 */
#pragma once

#include <libpmem2.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fi_pmem
{

class Place;
class Report;

class FloorMemory
{
public:
	FloorMemory() = default;
	FloorMemory(const FloorMemory &) = delete;
	FloorMemory &operator=(const FloorMemory &) = delete;
	~FloorMemory();

	/* Makes the file, if it has to, and maps it. Returns an exit code. */
	[[nodiscard]] int open(Report &report, const Place &place);

	/* Else only a sync makes anything durable. */
	[[nodiscard]] bool flushes_lines() const { return flushes_lines_; }
	[[nodiscard]] uint64_t length() const { return length_; }
	[[nodiscard]] int fd() const { return fd_; }
	[[nodiscard]] char *at(uint64_t offset) const { return base_ + offset; }

	/* Makes a range durable, or leaves that to a sync. */
	void flush(uint64_t offset, size_t bytes) const
	{
		if (flushes_lines_)
			persist_(at(offset), bytes);
	}
	/* Makes durable what was stored; returns 0 or a positive errno. */
	[[nodiscard]] int sync() const;

private:
	struct Unmap {
		void operator()(pmem2_map *map) const noexcept
		{
			pmem2_map_delete(&map);
		}
	};

	[[nodiscard]] int map();

	int fd_ = -1;
	std::unique_ptr<pmem2_map, Unmap> map_;
	char *base_ = nullptr;
	uint64_t length_ = 0;
	pmem2_persist_fn persist_ = nullptr;
	bool flushes_lines_ = false;
};

} // namespace fi_pmem
