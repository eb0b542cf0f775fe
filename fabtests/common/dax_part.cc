/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/dax_part.hh"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>

namespace pmem_test
{

namespace
{

std::mutex parts_lock;
std::map<uint64_t, uint64_t> parts; /* where each begins, and ends */

/* sysfs has the length of a device DAX; stat(2) says 0. */
uint64_t device_len(const std::string &device)
{
	struct stat status {
	};
	uint64_t len = 0;
	if (!stat(device.c_str(), &status) && S_ISCHR(status.st_mode)) {
		std::ifstream size("/sys/dev/char/" +
				   std::to_string(major(status.st_rdev)) + ':' +
				   std::to_string(minor(status.st_rdev)) +
				   "/size");
		size >> len;
	}
	if (!len)
		throw std::runtime_error(device + " is no device DAX");
	return len;
}

} // namespace

const char *dax_device()
{
	return getenv("PMEM_FABTESTS_DAX");
}

DaxPart::DaxPart(size_t len)
{
	std::lock_guard<std::mutex> guard(parts_lock);
	len = dax_round_up(len);
	for (const auto &[begin, end] : parts) {
		if (begin - offset_ >= len)
			break;
		offset_ = end;
	}
	if (offset_ + len > device_len(dax_device()))
		throw std::runtime_error(std::string(dax_device()) +
					 " has no " + std::to_string(len) +
					 " bytes left");
	parts[offset_] = offset_ + len;
}

DaxPart::~DaxPart()
{
	std::lock_guard<std::mutex> guard(parts_lock);
	parts.erase(offset_);
}

std::string DaxPart::path() const
{
	return std::string(dax_device()) + '@' + std::to_string(offset_);
}

bool split_dax_path(const std::string &path, std::string *device,
		    uint64_t *offset)
{
	size_t at = path.rfind('@');
	if (!dax_device() || at == path.npos ||
	    path.compare(0, at, dax_device()))
		return false;
	*device = path.substr(0, at);
	*offset = std::stoull(path.substr(at + 1));
	return true;
}

} // namespace pmem_test
