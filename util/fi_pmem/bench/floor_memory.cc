/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/floor_memory.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "serve/local_server.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fi_pmem
{

FloorMemory::~FloorMemory()
{
	map_.reset();
	if (fd_ >= 0)
		close(fd_);
}

int FloorMemory::open(Report &report, const Place &place)
{
	const char *path = place.path().c_str();
	int flags = O_RDWR | O_CLOEXEC | (place.bytes() ? O_CREAT : 0);
	fd_ = ::open(path, flags, 0600);
	int error = fd_ < 0 ? errno : 0;
	if (!error && place.bytes())
		error = posix_fallocate(fd_, 0,
					static_cast<off_t>(place.bytes()));
	if (error)
		return report.fail(kLocalFile, "%s: %s", path, strerror(error));
	if (map())
		return report.fail(kLocalFile, "%s: cannot be mapped: %s", path,
				   pmem2_errormsg());
	return kOk;
}

/* Returns 0 or an error of libpmem2. */
int FloorMemory::map()
{
	pmem2_source *source = nullptr;
	pmem2_config *config = nullptr;
	pmem2_map *map = nullptr;
	int ret = pmem2_source_from_fd(&source, fd_);
	if (!ret)
		ret = pmem2_config_new(&config);
	if (!ret)
		ret = pmem2_config_set_required_store_granularity(
			config, PMEM2_GRANULARITY_PAGE);
	if (!ret)
		ret = pmem2_map_new(&map, config, source);
	pmem2_config_delete(&config);
	pmem2_source_delete(&source);
	if (ret)
		return ret;
	map_.reset(map);
	base_ = static_cast<char *>(pmem2_map_get_address(map));
	length_ = pmem2_map_get_size(map);
	persist_ = pmem2_get_persist_fn(map);
	flushes_lines_ =
		pmem2_map_get_store_granularity(map) != PMEM2_GRANULARITY_PAGE;
	return 0;
}

int FloorMemory::sync() const
{
	if (flushes_lines_)
		return 0;
	return fdatasync(fd_) ? errno : 0;
}

} // namespace fi_pmem
