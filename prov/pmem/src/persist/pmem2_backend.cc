/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Byte and cache-line granularity by libpmem2. */
#include "persist/pmem2_backend.hh"

#include "core/log.hh"
#include "persist/memory_copy.hh"
#include "persist/pmem2_errors.hh"
#include "persist/read_back.hh"
#include "persist/sysfs_domain.hh"

#include <rdma/fi_errno.h>

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace ofi_pmem
{

namespace
{

struct Pmem2Delete {
	void operator()(pmem2_source *source) const noexcept
	{
		pmem2_source_delete(&source);
	}
	void operator()(pmem2_config *config) const noexcept
	{
		pmem2_config_delete(&config);
	}
	void operator()(pmem2_map *map) const noexcept
	{
		pmem2_map_delete(&map);
	}
};

template <typename Object>
using Pmem2Ptr = std::unique_ptr<Object, Pmem2Delete>;

/* Runs a libpmem2 constructor and takes what it made. */
template <typename Object, typename Make>
int make(Pmem2Ptr<Object> *owner, Make &&constructor)
{
	Object *object = nullptr;
	int ret = from_pmem2(constructor(&object));
	if (!ret)
		owner->reset(object);
	return ret;
}

int make_config(const FileMapping &file, size_t alignment,
		Pmem2Ptr<pmem2_config> *config)
{
	int ret = make(config, pmem2_config_new);
	if (ret)
		return ret;
	uint64_t offset = align_down(file.offset, alignment);
	ret = from_pmem2(
		pmem2_config_set_offset(config->get(), size_t{offset}));
	if (ret)
		return ret;
	/* Length 0 maps to the end: a file may be shorter than one page. */
	bool whole = file.device_dax || offset + alignment <= file.file_size;
	ret = from_pmem2(
		pmem2_config_set_length(config->get(), whole ? alignment : 0));
	if (ret)
		return ret;
	/* libpmem2 would map for writing, too. */
	bool writable = (fcntl(file.fd.get(), F_GETFL) & O_ACCMODE) == O_RDWR;
	if (!writable)
		ret = from_pmem2(pmem2_config_set_protection(config->get(),
							     PMEM2_PROT_READ));
	if (ret)
		return ret;
	return from_pmem2(pmem2_config_set_required_store_granularity(
		config->get(), PMEM2_GRANULARITY_PAGE));
}

Granularity to_granularity(pmem2_granularity granularity)
{
	switch (granularity) {
	case PMEM2_GRANULARITY_BYTE:
		return Granularity::byte;
	case PMEM2_GRANULARITY_CACHE_LINE:
		return Granularity::cache_line;
	default:
		return Granularity::page;
	}
}

pmem2_granularity from_granularity(Granularity granularity)
{
	switch (granularity) {
	case Granularity::byte:
		return PMEM2_GRANULARITY_BYTE;
	case Granularity::cache_line:
		return PMEM2_GRANULARITY_CACHE_LINE;
	case Granularity::page:
		break;
	}
	return PMEM2_GRANULARITY_PAGE;
}

Pmem2Functions functions_of(pmem2_map *map)
{
	Pmem2Functions functions;
	functions.granularity =
		to_granularity(pmem2_map_get_store_granularity(map));
	functions.flush = pmem2_get_flush_fn(map);
	functions.drain = pmem2_get_drain_fn(map);
	functions.memcpy = pmem2_get_memcpy_fn(map);
	return functions;
}

int probe(const FileMapping &file, Pmem2Functions *functions)
{
	Pmem2Ptr<pmem2_source> source;
	int ret = make(&source, [&](pmem2_source **made) {
		return pmem2_source_from_fd(made, file.fd.get());
	});
	if (ret)
		return ret;
	size_t alignment = 0;
	ret = from_pmem2(pmem2_source_alignment(source.get(), &alignment));
	if (ret)
		return ret;
	Pmem2Ptr<pmem2_config> config;
	ret = make_config(file, alignment, &config);
	if (ret)
		return ret;
	Pmem2Ptr<pmem2_map> map;
	ret = make(&map, [&](pmem2_map **made) {
		return pmem2_map_new(made, config.get(), source.get());
	});
	if (ret)
		return ret;
	*functions = functions_of(map.get());
	return 0;
}

/* Returns whether the hardware supports this, whatever the user promises. */
bool is_backed(Granularity granularity, bool is_pmem, PersistenceDomain domain)
{
	switch (granularity) {
	case Granularity::byte:
		return is_pmem && caches_persist(domain);
	case Granularity::cache_line:
		return is_pmem;
	default:
		return true;
	}
}

/*
 * libpmem2 finds that CPU caches are persistent, and flushes nothing; but this
 * device, or the administrator, says that they are not.
 */
bool must_flush_lines(const Pmem2Method &method)
{
	return method.functions.granularity == Granularity::byte &&
	       !caches_persist(method.domain);
}

} // namespace

int learn_functions(Granularity granularity, Pmem2Functions *functions)
{
	size_t len = page_size();
	void *page = mmap(nullptr, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -FI_ENOMEM;
	int ret = 0;
	{
		Pmem2Ptr<pmem2_source> source;
		Pmem2Ptr<pmem2_map> map;
		ret = make(&source, [&](pmem2_source **made) {
			return pmem2_source_from_anon(made, len);
		});
		if (!ret)
			ret = make(&map, [&](pmem2_map **made) {
				return pmem2_map_from_existing(
					made, source.get(), page, len,
					from_granularity(granularity));
			});
		if (!ret)
			*functions = functions_of(map.get());
	}
	munmap(page, len);
	return ret;
}

namespace
{

int learn_logged(const FileMapping &file, Granularity granularity,
		 Pmem2Functions *functions)
{
	int ret = learn_functions(granularity, functions);
	if (ret)
		PMEM_WARN(FI_LOG_MR,
			  "cannot get libpmem2's %s flush for %s: %s (%d)",
			  to_string(granularity), file.segment.path.c_str(),
			  fi_strerror(-ret), -ret);
	return ret;
}

PersistenceDomain choose_domain(const FileMapping &file,
				DomainChoice administrator,
				const RegionDeclaration &declared)
{
	return declared.domain ? *declared.domain
			       : domain_of(file, administrator);
}

int choose_declared(const FileMapping &file, DomainChoice administrator,
		    const RegionDeclaration &declared, Pmem2Method *method)
{
	*method = Pmem2Method();
	if (*declared.granularity == Granularity::page)
		return 0;
	method->domain = choose_domain(file, administrator, declared);
	return learn_logged(file, *declared.granularity, &method->functions);
}

} // namespace

int choose_pmem2_method(const FileMapping &file, DomainChoice administrator,
			const RegionDeclaration &declared, Pmem2Method *method)
{
	if (declared.granularity)
		return choose_declared(file, administrator, declared, method);
	bool is_pmem = file.reaches_medium();
	bool is_forced = getenv("PMEM2_FORCE_GRANULARITY") != nullptr;
	if (!is_pmem && !is_forced) {
		*method = Pmem2Method();
		return 0;
	}
	Pmem2Method chosen;
	int ret = probe(file, &chosen.functions);
	if (ret) {
		PMEM_WARN(FI_LOG_MR, "libpmem2 cannot map %s: %s",
			  file.segment.path.c_str(), pmem2_errormsg());
		return ret;
	}
	if (chosen.functions.granularity != Granularity::page)
		chosen.domain = choose_domain(file, administrator, declared);
	if (!is_forced && must_flush_lines(chosen)) {
		ret = learn_logged(file, Granularity::cache_line,
				   &chosen.functions);
		if (ret)
			return ret;
	}
	chosen.promised_by_user = !is_backed(chosen.functions.granularity,
					     is_pmem, chosen.domain);
	if (chosen.promised_by_user)
		chosen.domain = PersistenceDomain::none_forced;
	*method = chosen;
	return 0;
}

int Pmem2Backend::flush(uint64_t offset, size_t len) noexcept
{
	method_.functions.flush(base_ + offset, len);
	return 0;
}

int Pmem2Backend::begin_drain(size_t, PendingDrain *) noexcept
{
	method_.functions.drain();
	return 0;
}

int Pmem2Backend::store(uint64_t offset, const void *source,
			size_t len) noexcept
{
	copy_in(base_ + offset, source, len);
	return 0;
}

int Pmem2Backend::store_flush(uint64_t offset, const void *source, size_t len,
			      bool *stored) noexcept
{
	char *target = base_ + offset;
	*stored = true;
	/* libpmem2 splits small copies into several stores. */
	if (store_integer(target, source, len))
		return flush(offset, len);
	/*
	 * With eADR the cache is in the persistence domain: no need to bypass
	 * it.
	 */
	unsigned flags = PMEM2_F_MEM_NODRAIN;
	if (granularity() == Granularity::cache_line)
		flags |= PMEM2_F_MEM_NONTEMPORAL;
	method_.functions.memcpy(target, source, len, flags);
	return 0;
}

/*
 * Reads behind the caches, unless these are in the domain. What is still in a
 * write-pending queue is read from there, which is in the domain, too.
 */
int Pmem2Backend::read_back(uint64_t offset, size_t len,
			    ReadBackBuffer *into) noexcept
{
	const char *memory = base_ + offset;
	return granularity() == Granularity::cache_line && can_evict_lines()
		       ? into->copy_evicted(memory, len)
		       : into->copy_from(memory, len);
}

Coverage Pmem2Backend::coverage() const noexcept
{
	bool behind_caches =
		granularity() == Granularity::byte || can_evict_lines();
	return behind_caches && domain() != PersistenceDomain::none_forced
		       ? Coverage::domain
		       : Coverage::cache;
}

int Pmem2Backend::load(uint64_t offset, void *target, size_t len) noexcept
{
	memcpy(target, base_ + offset, len);
	return 0;
}

} // namespace ofi_pmem
