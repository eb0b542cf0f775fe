/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/region_declaration.hh"

#include "persist/sysfs_domain.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace ofi_pmem
{

namespace
{

/*
 * A DAX file has no page cache however it is mapped (statx(2)). Without
 * MAP_SYNC the file system may still owe the medium the file's metadata, so by
 * itself it is of page granularity; the application may know that it does not.
 */
bool is_dax_file(int fd)
{
	struct statx attributes {
	};
	return !statx(fd, "", AT_EMPTY_PATH, 0, &attributes) &&
	       (attributes.stx_attributes & STATX_ATTR_DAX);
}

/* Asks the kernel by a mapping of one page. */
int find_sync_need(const FileMapping &file, bool *needs_sync)
{
	auto offset = static_cast<off_t>(align_down(file.offset, page_size()));
	void *probe =
		mmap(nullptr, page_size(), PROT_READ,
		     MAP_SHARED_VALIDATE | MAP_SYNC, file.fd.get(), offset);
	*needs_sync = probe == MAP_FAILED && errno == EOPNOTSUPP;
	if (probe == MAP_FAILED)
		return *needs_sync ? 0 : -errno;
	munmap(probe, page_size());
	return 0;
}

bool is_of_memory(std::optional<PersistenceDomain> domain)
{
	return domain == PersistenceDomain::memory_controller ||
	       domain == PersistenceDomain::cpu_cache;
}

constexpr char kPageCache[] = ", but there is a page cache in front of the "
			      "file: it is neither device DAX nor a DAX file";

std::string of_pages(const RegionDeclaration &declared,
		     const KnownMedium &known)
{
	if (!known.syncs)
		return "granularity page, but device DAX cannot be synced";
	if (declared.domain && *declared.domain != PersistenceDomain::device)
		return std::string("granularity page with domain ") +
		       to_string(*declared.domain) +
		       ", but what is synced is in the domain device";
	return {};
}

/* Says what the declaration claims about stores to the memory itself. */
std::string of_stores(const RegionDeclaration &declared)
{
	if (declared.granularity)
		return std::string("granularity ") +
		       to_string(*declared.granularity);
	return std::string("domain ") + to_string(*declared.domain);
}

/* Says what is wrong with declaring this domain; empty if nothing is. */
std::string of_domain(PersistenceDomain domain, const KnownMedium &known)
{
	std::string said = std::string("domain ") + to_string(domain);
	bool of_memory = is_of_memory(domain);
	if (domain == PersistenceDomain::system)
		return said + ", which only the administrator declares, by "
			      "FI_OFI_PMEM_DOMAIN=system";
	if (domain != PersistenceDomain::device && !of_memory)
		return said + ", which is detected and never declared";
	if (of_memory && known.page_cache)
		return said + kPageCache;
	if (!of_memory && !known.page_cache)
		return said + ", but stores reach persistent memory itself; "
			      "with granularity page they would be synced";
	if (domain == PersistenceDomain::cpu_cache && known.domain &&
	    !caches_persist(*known.domain))
		return said +
		       ", but the kernel, or FI_OFI_PMEM_DOMAIN, says "
		       "that it is " +
		       to_string(*known.domain);
	return {};
}

} // namespace

int known_medium(const FileMapping &file, DomainChoice administrator,
		 KnownMedium *known)
{
	KnownMedium found;
	found.page_cache =
		!file.reaches_medium() && !is_dax_file(file.fd.get());
	found.syncs = !file.device_dax;
	if (!found.page_cache) {
		found.domain = known_domain(file, administrator);
		int ret = file.reaches_medium()
				  ? 0
				  : find_sync_need(file, &found.needs_sync);
		if (ret)
			return ret;
	}
	*known = found;
	return 0;
}

std::string contradiction(const RegionDeclaration &declared,
			  const KnownMedium &known)
{
	if (declared.granularity == Granularity::page)
		return of_pages(declared, known);
	if (declared.granularity && known.page_cache)
		return std::string("granularity ") +
		       to_string(*declared.granularity) + kPageCache;
	if (known.needs_sync &&
	    (declared.granularity || is_of_memory(declared.domain)))
		return of_stores(declared) +
		       ", but the kernel refuses to map the file with "
		       "MAP_SYNC: its stores are durable only once it is "
		       "synced, with granularity page";
	if (declared.domain) {
		auto text = of_domain(*declared.domain, known);
		if (!text.empty())
			return text;
	}
	auto domain = declared.domain ? declared.domain : known.domain;
	if (declared.granularity == Granularity::cache_line && !domain)
		return "granularity cache line, which needs a domain that "
		       "holds the memory, and none is declared or known";
	if (declared.granularity == Granularity::byte &&
	    (!domain || !caches_persist(*domain)))
		return "granularity byte, which needs a domain that holds the "
		       "CPU's caches, and none is declared or known";
	return {};
}

} // namespace ofi_pmem
