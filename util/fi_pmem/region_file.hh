/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The memory that serve exports: a file whose space is really allocated, or a
 * device DAX, mapped shared.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/stat.h>

namespace fi_pmem
{

class Report;

class RegionFile
{
public:
	RegionFile() = default;
	RegionFile(const RegionFile &) = delete;
	RegionFile &operator=(const RegionFile &) = delete;
	~RegionFile();

	/*
	 * Makes the file at least `size` long, never shorter. A file that was
	 * created is removed again, and one that grew is cut again, unless
	 * keep() says that it is needed. A file that is read only is not
	 * changed at all, and may be served by others who do the same.
	 */
	[[nodiscard]] int open(Report &report, const std::string &path,
			       std::optional<uint64_t> size,
			       bool read_only = false);
	void keep() { kept_ = true; }

	/* Whether the path names this file or device, maybe by another name. */
	[[nodiscard]] bool is(const std::string &path) const;

	[[nodiscard]] void *base() const { return base_; }
	[[nodiscard]] uint64_t length() const { return length_; }
	[[nodiscard]] bool map_sync() const { return map_sync_; }

private:
	[[nodiscard]] int open_file(Report &report,
				    std::optional<uint64_t> size);
	[[nodiscard]] int open_device(Report &report, const struct stat &status,
				      std::optional<uint64_t> size);
	[[nodiscard]] int open_fd(Report &report, int flags);
	[[nodiscard]] int allocate(Report &report, uint64_t size);
	void undo();
	[[nodiscard]] int map(Report &report);

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
