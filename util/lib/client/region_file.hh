/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The memory that serve exports: a file whose space is really allocated, or a
 * device DAX, mapped shared.
 */
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

namespace fi_pmem
{

class ErrorSink;

class RegionFile
{
public:
	RegionFile() = default;
	RegionFile(const RegionFile &) = delete;
	RegionFile &operator=(const RegionFile &) = delete;
	~RegionFile();

	/*
	 * Makes the file at least `size` long, never shorter. Unless keep()
	 * says that it is needed, a file that was created is removed again, and
	 * one that grew is cut again. A read-only file is not changed at all,
	 * and other servers may serve it in the same way.
	 */
	[[nodiscard]] int open(ErrorSink &sink, const std::string &path,
			       std::optional<uint64_t> size,
			       bool read_only = false);
	void keep() { kept_ = true; }

	/*
	 * Returns whether the path names this file or device, perhaps by
	 * another name.
	 */
	[[nodiscard]] bool is(const std::string &path) const;

	[[nodiscard]] void *base() const { return base_; }
	[[nodiscard]] uint64_t length() const { return length_; }
	[[nodiscard]] bool map_sync() const { return map_sync_; }

private:
	[[nodiscard]] int open_file(ErrorSink &sink,
				    std::optional<uint64_t> size);
	[[nodiscard]] int open_device(ErrorSink &sink,
				      const struct stat &status,
				      std::optional<uint64_t> size);
	[[nodiscard]] int open_fd(ErrorSink &sink, int flags);
	[[nodiscard]] int allocate(ErrorSink &sink, uint64_t size);
	void undo();
	[[nodiscard]] int map(ErrorSink &sink);

	std::string path_;
	void *base_ = nullptr;
	uint64_t length_ = 0;
	int fd_ = -1;
	bool map_sync_ = false;
	bool read_only_ = false;
	bool created_ = false;
	std::optional<uint64_t> grew_from_;
	bool kept_ = false;
};

} // namespace fi_pmem
