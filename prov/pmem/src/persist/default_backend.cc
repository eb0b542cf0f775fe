/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* From what the memory is to the backend that makes it durable. */
#include "config.h"

#include "persist/default_backend.hh"

#include <atomic>
#include <mutex>
#include <string>

#include <rdma/fi_errno.h>

#include "core/log.hh"
#include "persist/capture.hh"
#include "persist/guarded_backend.hh"
#include "persist/mapping.hh"
#include "persist/page_backend.hh"
#include "persist/pmem2_backend.hh"
#include "persist/powerfail_backend.hh"
#include "persist/region_declaration.hh"
#include "persist/volatile_backend.hh"

namespace ofi_pmem
{

namespace
{

/* What would work, for memory that is found out. */
std::string advice(const RegionMemory &memory, const Inspection &found)
{
	if (memory.declared.any())
		return {};
	std::string text = "; register a shared mapping of a file on a file "
			   "system with a disk, or of device DAX";
	if (found.forcible && !memory.forced)
		text += ", or set FI_OFI_PMEM_REGIONS=all to force it";
	return text;
}

int refuse(const RegionMemory &memory, const Inspection &found)
{
	PMEM_WARN(FI_LOG_MR,
		  "memory at %p length %zu cannot be a persistent region: it "
		  "is %s%s",
		  memory.base, memory.len, found.obstacle.c_str(),
		  advice(memory, found).c_str());
	return found.error;
}

/* One warning for the process: middleware registers many regions. */
void log_forced(const RegionMemory &memory, const Inspection &found)
{
	static std::atomic<bool> warned{false};
	if (!warned.exchange(true))
		PMEM_WARN(FI_LOG_MR,
			  "FI_OFI_PMEM_REGIONS=all makes a persistent region "
			  "of %s: what is committed there, or to other such "
			  "memory, is not durable",
			  found.obstacle.c_str());
	PMEM_INFO(FI_LOG_MR,
		  "memory at %p length %zu forced to be a persistent region "
		  "although it is %s",
		  memory.base, memory.len, found.obstacle.c_str());
}

std::unique_ptr<Backend> open_forced(const RegionMemory &memory,
				     BackendChoice choice)
{
	if (choice == BackendChoice::powerfail)
		return std::make_unique<PowerfailBackend>(memory.base,
							  memory.len);
	return std::make_unique<VolatileBackend>(memory.base);
}

int open_page(const RegionMemory &memory, FileMapping file,
	      std::unique_ptr<Backend> *backend)
{
	if (file.device_dax) {
		PMEM_WARN(FI_LOG_MR,
			  "PMEM2_FORCE_GRANULARITY asks for pages, which "
			  "device DAX %s cannot sync",
			  file.segment.path.c_str());
		return -FI_EOPNOTSUPP;
	}
	std::string path = file.segment.path;
	auto opened = std::make_unique<PageBackend>(std::move(file));
	int ret = opened->open(memory.base);
	if (ret) {
		PMEM_WARN(FI_LOG_MR,
			  "file %s could not be synced earlier, and what the "
			  "page cache has of it cannot be written again: mount "
			  "its file system anew before it is a region again",
			  path.c_str());
		return ret;
	}
	*backend = std::move(opened);
	return 0;
}

/* A device has neither holes nor a size that changes. */
int open_stored_to(const RegionMemory &memory, const FileMapping &file,
		   const Pmem2Method &method, std::unique_ptr<Backend> *backend)
{
	*backend = std::make_unique<Pmem2Backend>(memory.base, method);
	if (file.device_dax)
		return 0;
	int ret = allocate_holes(file.fd.get(), file.offset, memory.len);
	if (ret) {
		PMEM_WARN(FI_LOG_MR,
			  "file %s has holes that cannot be allocated: %s (%d)",
			  file.segment.path.c_str(), fi_strerror(-ret), -ret);
		return ret;
	}
	*backend = std::make_unique<GuardedBackend>(std::move(*backend),
						    memory.base);
	return 0;
}

int check_declaration(const RegionMemory &memory, const FileMapping &file)
{
	if (!memory.declared.any())
		return 0;
	auto text = contradiction(memory.declared,
				  known_medium(file, params().domain));
	if (text.empty())
		return 0;
	PMEM_WARN(FI_LOG_MR,
		  "memory at %p length %zu of %s is declared with %s",
		  memory.base, memory.len, file.segment.path.c_str(),
		  text.c_str());
	return -FI_EINVAL;
}

int open_pmem2(const RegionMemory &memory, FileMapping file,
	       std::unique_ptr<Backend> *backend)
{
	if (params().domain != DomainChoice::automatic &&
	    !file.reaches_medium())
		PMEM_INFO(FI_LOG_MR,
			  "FI_OFI_PMEM_DOMAIN does not concern file %s, whose "
			  "mapping is not persistent memory itself",
			  file.segment.path.c_str());
	int ret = check_declaration(memory, file);
	if (ret)
		return ret;
	Pmem2Method method;
	ret = choose_pmem2_method(file, params().domain, memory.declared,
				  &method);
	if (ret)
		return ret;
	if (method.promised_by_user)
		PMEM_WARN(FI_LOG_MR,
			  "PMEM2_FORCE_GRANULARITY makes libpmem2 treat file "
			  "%s as granularity %s, which it is not: commits do "
			  "not survive a power failure",
			  file.segment.path.c_str(),
			  to_string(method.functions.granularity));
	if (method.functions.granularity == Granularity::page)
		return open_page(memory, std::move(file), backend);
	return open_stored_to(memory, file, method, backend);
}

} // namespace

int open_default_backend(const RegionMemory &memory, BackendChoice choice,
			 std::unique_ptr<Backend> *backend)
{
	std::unique_lock<std::mutex> captures(capture_lock());
	Inspection found = inspect_memory(memory.base, memory.len, is_captured,
					  memory.declared);
	bool forcible =
		memory.forced && found.forcible && !memory.declared.any();
	if (found.error && !forcible)
		return refuse(memory, found);
	if (!found.error && choice == BackendChoice::powerfail) {
		std::unique_ptr<Capture> capture;
		int ret = Capture::open(memory.base, memory.len,
					std::move(found.file), &capture);
		captures.unlock();
		if (!ret)
			*backend = std::make_unique<PowerfailBackend>(
				memory.base, std::move(capture));
		return ret;
	}
	captures.unlock();
	if (!found.error)
		return open_pmem2(memory, std::move(found.file), backend);
	log_forced(memory, found);
	*backend = open_forced(memory, choice);
	return 0;
}

bool is_persistent_memory(const void *base, size_t len)
{
	std::lock_guard<std::mutex> captures(capture_lock());
	Inspection found = inspect_memory(base, len, is_captured);
	if (found.error)
		PMEM_INFO(FI_LOG_MR,
			  "memory at %p length %zu stays an ordinary region: "
			  "it is %s",
			  base, len, found.obstacle.c_str());
	return !found.error;
}

} // namespace ofi_pmem
