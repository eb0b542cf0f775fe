/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Holds what survives a simulated power failure, addressed as the simulation
 * addresses its lines: a file by file offset, memory without a file by virtual
 * address.
 */
#pragma once

#include "persist/extent.hh"
#include "persist/file_bytes.hh"

#include <cstring>
#include <vector>

namespace ofi_pmem
{

class DurableImage
{
public:
	virtual ~DurableImage() = default;
	[[nodiscard]] virtual int read(uint64_t at, void *target,
				       size_t len) noexcept = 0;
	[[nodiscard]] virtual int write(uint64_t at, const void *source,
					size_t len) noexcept = 0;
	/* Returns an error if the bytes before `end` are no longer there. */
	[[nodiscard]] virtual int check_end(uint64_t end) noexcept = 0;
};

class FileImage final : public DurableImage
{
public:
	/* See FileBytes. */
	FileImage(SharedFd fd, std::string path) noexcept
		: bytes_(std::move(fd), std::move(path))
	{
	}

	int read(uint64_t at, void *target, size_t len) noexcept override
	{
		return bytes_.read(at, target, len);
	}
	int write(uint64_t at, const void *source, size_t len) noexcept override
	{
		return bytes_.write(at, source, len);
	}
	int check_end(uint64_t end) noexcept override
	{
		return bytes_.check_end(end);
	}

private:
	FileBytes bytes_;
};

/* Starts as a copy of the memory in `extent`. Throws std::bad_alloc. */
class MemoryImage final : public DurableImage
{
public:
	explicit MemoryImage(const Extent &extent)
		: begin_(extent.begin),
		  bytes_(reinterpret_cast<const char *>(extent.begin),
			 reinterpret_cast<const char *>(extent.end))
	{
	}

	int read(uint64_t at, void *target, size_t len) noexcept override
	{
		memcpy(target, bytes_.data() + (at - begin_), len);
		return 0;
	}
	int write(uint64_t at, const void *source, size_t len) noexcept override
	{
		memcpy(bytes_.data() + (at - begin_), source, len);
		return 0;
	}
	int check_end(uint64_t) noexcept override { return 0; }

private:
	uint64_t begin_;
	std::vector<char> bytes_;
};

} // namespace ofi_pmem
