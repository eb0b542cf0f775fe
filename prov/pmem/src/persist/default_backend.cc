/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Finds out what the memory is, and opens the backend that makes it durable. */
#include "persist/default_backend.hh"

#include "core/log.hh"
#include "persist/capture.hh"
#include "persist/guarded_backend.hh"
#include "persist/mapping.hh"
#include "persist/not_durable.hh"
#include "persist/page_backend.hh"
#include "persist/pmem2_backend.hh"
#include "persist/powerfail_backend.hh"
#include "persist/region_declaration.hh"
#include "persist/sysfs_domain.hh"
#include "persist/volatile_backend.hh"

#include <rdma/fi_errno.h>

#include <cerrno>
#include <string>

namespace ofi_pmem
{

namespace
{

/* Says what would work instead of this memory. */
std::string advice(const RegionMemory &memory, const Inspection &found)
{
	if (found.error == -EMFILE || found.error == -ENFILE)
		return "; raise the limit of open files (ulimit -n), or open "
		       "fewer";
	if (memory.declared.any())
		return {};
	if (!found.known)
		return "; its file must be found and opened: register it while "
		       "the process has the privileges, or declare a "
		       "descriptor (fi_pmem_ops(3), mr_reg)";
	std::string text = "; register a shared mapping of a file on a file "
			   "system with a disk, or of an NVDIMM's device DAX";
	if (found.forcible && !memory.forced)
		text += ", or set FI_OFI_PMEM_REGIONS=all to force it";
	return text;
}

/*
 * Finds out what the memory is, and what sysfs says about it. The caller holds
 * capture_lock().
 */
Inspection inspect(const RegionMemory &memory, bool written)
	PMEM_REQUIRES(capture_lock())
{
	Inspection found = inspect_memory(memory.base, memory.len, is_captured,
					  memory.declared, written);
	if (!found.error)
		check_dax_memory(params().domain, memory.declared, &found);
	return found;
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

/* Another file of the same name is another cause. */
bool is_new(const char *what, const Inspection &found)
{
	const MapSegment &segment = found.file.segment;
	return is_new_cause(what + found.obstacle + ' ' +
			    std::to_string(segment.device_major) + ':' +
			    std::to_string(segment.device_minor) + ' ' +
			    std::to_string(segment.inode));
}

void log_forced(const RegionMemory &memory, const Inspection &found)
{
	if (is_new("forced ", found))
		PMEM_WARN(FI_LOG_MR,
			  "FI_OFI_PMEM_REGIONS=all makes a persistent region "
			  "of %s: what is committed there is not durable",
			  found.obstacle.c_str());
	PMEM_INFO(FI_LOG_MR,
		  "memory at %p length %zu forced to be a persistent region "
		  "although it is %s",
		  memory.base, memory.len, found.obstacle.c_str());
}

/*
 * Somebody may believe that a shared mapping of a file is durable, or any
 * memory with FI_OFI_PMEM_REGIONS=all.
 */
void log_ordinary(const RegionMemory &memory, const Inspection &found)
{
	const MapSegment &segment = found.file.segment;
	bool is_file = segment.shared && segment.inode && !found.forcible;
	if ((memory.forced || is_file) && is_new("ordinary ", found))
		PMEM_WARN(FI_LOG_MR,
			  "memory at %p length %zu stays an ordinary region, "
			  "and nothing in it is durable: it is %s",
			  memory.base, memory.len, found.obstacle.c_str());
	PMEM_INFO(FI_LOG_MR,
		  "memory at %p length %zu stays an ordinary region: it is %s",
		  memory.base, memory.len, found.obstacle.c_str());
}

/*
 * Memory with a file behind it, even one that is not durable, may be longer
 * than the file: touching the rest would raise a signal.
 */
std::unique_ptr<Backend> open_forced(const RegionMemory &memory,
				     const Inspection &found,
				     BackendChoice choice)
{
	if (choice == BackendChoice::powerfail)
		return std::make_unique<PowerfailBackend>(memory.base,
							  memory.len);
	std::unique_ptr<Backend> backend =
		std::make_unique<VolatileBackend>(memory.base);
	if (found.file.segment.inode)
		backend = std::make_unique<GuardedBackend>(std::move(backend),
							   memory.base);
	return backend;
}

/* Handles memory that is not a persistent region, or may not be one. */
int open_other(const RegionMemory &memory, const Inspection &found,
	       BackendChoice choice, std::unique_ptr<Backend> *backend)
{
	if (!found.known || memory.declared.any())
		return refuse(memory, found);
	if (memory.forced && found.forcible) {
		log_forced(memory, found);
		*backend = open_forced(memory, found, choice);
		return 0;
	}
	if (memory.flagged)
		return refuse(memory, found);
	log_ordinary(memory, found);
	return 0;
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
			  "file %s could not be synced earlier: close all its "
			  "regions before it is registered again; if that does "
			  "not help, its pages in the page cache cannot be "
			  "written again, and its file system must be "
			  "unmounted and mounted again",
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
	int ret = !memory.written ? 0
				  : allocate_holes(file.fd.get(), file.offset,
						   memory.len);
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
	KnownMedium known;
	int ret = known_medium(file, params().domain, &known);
	if (ret) {
		PMEM_WARN(FI_LOG_MR,
			  "cannot find out whether %s takes a mapping with "
			  "MAP_SYNC: %s (%d)",
			  file.segment.path.c_str(), fi_strerror(-ret), -ret);
		return ret;
	}
	auto text = contradiction(memory.declared, known);
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
	/* The simulated power failure exchanges the pages of all regions. */
	bool simulated = choice == BackendChoice::powerfail;
	Inspection found;
	std::unique_ptr<Capture> capture;
	int ret = 0;
	{
		MutexLock captures(capture_lock());
		found = inspect(memory, memory.written || simulated);
		if (!found.error && simulated)
			ret = Capture::open(memory.base, memory.len,
					    std::move(found.file), &capture);
	}
	if (ret)
		return ret;
	if (capture) {
		*backend = std::make_unique<PowerfailBackend>(
			memory.base, std::move(capture));
		return 0;
	}
	if (found.error)
		return open_other(memory, found, choice, backend);
	return open_pmem2(memory, std::move(found.file), backend);
}

} // namespace ofi_pmem
