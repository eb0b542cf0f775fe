/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Files that hold persistent regions, mappings of them, and contents that
 * differ at every position.
 */
#pragma once

#include "common/dax_part.hh"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmem_test
{

using Bytes = std::vector<uint8_t>;

/* Bytes of stream `seed` from position `first` on. */
Bytes pattern(uint64_t seed, size_t len, uint64_t first = 0);

/* Returns a 64-bit value that looks random but is deterministic. */
uint64_t mix(uint64_t value);

uint64_t hash(const void *data, size_t len);

/* Empty when both are the same, else where and how they first differ. */
std::string difference(const Bytes &got, const Bytes &wanted);

/*
 * A file of zeros in work_dir(), removed by the destructor; where there is a
 * dax_device(), zeros in a part of it.
 */
class RegionFile
{
public:
	explicit RegionFile(size_t len);
	~RegionFile();
	RegionFile(const RegionFile &) = delete;
	RegionFile &operator=(const RegionFile &) = delete;

	const std::string &path() const { return path_; }

	/*
	 * Opens the file again and reads. The result is shorter at the end of
	 * the file.
	 */
	Bytes read(uint64_t offset, size_t len) const;
	Bytes read() const;

	/* Resizes a file only: a device has no length to change. */
	void resize(size_t len);

private:
	std::string path_;
	std::optional<DaxPart> part_;
	size_t part_len_ = 0;
};

/* A mapping; flags as mmap(2) has them, `path` empty for anonymous memory, or
 * as RegionFile::path() has it. */
class Mapping
{
public:
	Mapping(const std::string &path, size_t len, int flags = MAP_SHARED);
	~Mapping();
	Mapping(const Mapping &) = delete;
	Mapping &operator=(const Mapping &) = delete;

	uint8_t *data() const { return static_cast<uint8_t *>(base_); }
	size_t size() const { return len_; }

	/* Unmaps what is behind these bytes; size() stays. */
	void leave(size_t bytes);

	/*
	 * Says what is mapped, and from where on; fd() is -1 for anonymous
	 * memory.
	 */
	int fd() const { return fd_; }
	uint64_t offset() const { return offset_; }

private:
	int fd_ = -1;
	uint64_t offset_ = 0;
	void *base_;
	size_t len_;
	size_t mapped_len_; /* a device maps whole units only */
};

} // namespace pmem_test
