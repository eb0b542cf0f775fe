/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/domain_ext.hh"

#include "app/c_enum.hh"
#include "app/c_struct.hh"
#include "app/mr.hh"
#include "core/log.hh"

#include <rdma/fi_ext_pmem.h>

namespace ofi_pmem
{

namespace
{

/* The size that the first version of the header has. */
constexpr size_t kFirstMrAttr =
	offsetof(fi_pmem_mr_attr, domain) + sizeof(fi_pmem_mr_attr::domain);

bool check_file(const fi_pmem_mr_attr &attr) noexcept
{
	if (attr.fd >= 0 || (attr.fd == -1 && !attr.offset))
		return true;
	PMEM_WARN(FI_LOG_MR,
		  "fi_pmem_mr_attr fd %d with offset %llu: must be an open "
		  "file, or -1 with offset 0",
		  attr.fd, static_cast<unsigned long long>(attr.offset));
	return false;
}

bool check_values(const fi_pmem_mr_attr &attr) noexcept
{
	unsigned granularity = number_of(attr.granularity);
	unsigned domain = number_of(attr.domain);
	if (granularity <= FI_PMEM_GRANULARITY_PAGE &&
	    domain <= FI_PMEM_DOMAIN_SYSTEM)
		return true;
	PMEM_WARN(FI_LOG_MR,
		  "fi_pmem_mr_attr granularity %u, domain %u: not ones of "
		  "rdma/fi_ext_pmem.h",
		  granularity, domain);
	return false;
}

/* The numbers of both enumerations are ours (app/ep_ext.cc). */
RegionDeclaration declaration_of(const fi_pmem_mr_attr &attr) noexcept
{
	RegionDeclaration declared;
	declared.fd = attr.fd;
	declared.offset = attr.offset;
	if (attr.granularity != FI_PMEM_GRANULARITY_DETECT)
		declared.granularity =
			static_cast<Granularity>(attr.granularity);
	if (attr.domain != FI_PMEM_DOMAIN_DETECT)
		declared.domain = static_cast<PersistenceDomain>(attr.domain);
	return declared;
}

uint64_t key_id_of(const fi_pmem_mr_attr &attr) noexcept
{
	constexpr size_t kEnd = offsetof(fi_pmem_mr_attr, key_id) +
				sizeof(fi_pmem_mr_attr::key_id);
	return attr.size < kEnd ? 0 : attr.key_id;
}

int mr_reg(fid_domain *domain, const fi_mr_attr *attr, uint64_t flags,
	   const fi_pmem_mr_attr *pmem, fid_mr **mr) noexcept
{
	auto outer = find_ours<Domain>(&domain->fid);
	if (!outer)
		return -FI_EINVAL;
	if (!check_size(pmem, kFirstMrAttr, "fi_pmem_mr_attr", FI_LOG_MR) ||
	    !check_file(*pmem) || !check_values(*pmem))
		return -FI_EINVAL;
	return guarded([&] {
		return register_memory(*outer, *attr, flags | FI_RMA_PMEM,
				       declaration_of(*pmem), key_id_of(*pmem),
				       mr);
	});
}

/* The size that the first version of the header has. */
constexpr size_t kFirstEvent =
	offsetof(fi_pmem_event, count) + sizeof(fi_pmem_event::count);

/* Returns -FI_EINVAL if there is none behind the fid. */
template <typename Use>
int with_persistence(fid_domain *domain, Use &&use) noexcept
{
	auto outer = find_ours<Domain>(&domain->fid);
	if (!outer || !outer->persistence())
		return -FI_EINVAL;
	return guarded_use(*outer, [&] { return use(*outer->persistence()); });
}

int event_fd(fid_domain *domain, int *fd) noexcept
{
	return with_persistence(domain, [&](Persistence &persistence) {
		return fd ? persistence.regions().events().open(fd)
			  : -FI_EINVAL;
	});
}

int read_event(fid_domain *domain, fi_pmem_event *event) noexcept
{
	return with_persistence(domain, [&](Persistence &persistence) {
		return event && event->size >= kFirstEvent
			       ? persistence.take_event(event)
			       : -FI_EINVAL;
	});
}

/* The size that the first version of the header has. */
constexpr size_t kFirstKey =
	offsetof(fi_pmem_key, max_records) + sizeof(fi_pmem_key::max_records);

int key_add(fid_domain *domain, const fi_pmem_key *key) noexcept
{
	return with_persistence(domain, [&](Persistence &persistence) {
		if (!check_size(key, kFirstKey, "fi_pmem_key", FI_LOG_DOMAIN))
			return -FI_EINVAL;
		KeySpec spec;
		spec.id = key->id;
		unsigned cipher = number_of(key->cipher);
		/* The numbers are ours (app/ep_ext.cc); 0 is no cipher. */
		spec.cipher =
			static_cast<Cipher>(cipher > UINT8_MAX ? 0 : cipher);
		spec.bytes = key->bytes;
		spec.length = key->length;
		spec.limits = {key->max_bytes, key->max_records};
		return persistence.add_key(spec);
	});
}

int key_remove(fid_domain *domain, uint64_t id) noexcept
{
	return with_persistence(domain, [&](Persistence &persistence) {
		return persistence.remove_key(id);
	});
}

int key_bind(fid_domain *domain, uint64_t mr_key, uint64_t id,
	     uint64_t flags) noexcept
{
	if (flags)
		return -FI_EBADFLAGS;
	return with_persistence(domain, [&](Persistence &persistence) {
		return persistence.bind_key(mr_key, id);
	});
}

template <typename Use> int with_region(fid_mr *mr, Use &&use) noexcept
{
	auto region = find_ours<MemoryRegion>(&mr->fid);
	if (!region)
		return -FI_EINVAL;
	return guarded_use(region->domain(), [&] { return use(*region); });
}

int mr_key_add(fid_mr *mr, uint64_t id) noexcept
{
	return with_region(
		mr, [&](MemoryRegion &region) { return region.add_key(id); });
}

int mr_key_remove(fid_mr *mr, uint64_t id) noexcept
{
	return with_region(mr, [&](MemoryRegion &region) {
		return region.remove_key(id);
	});
}

fi_ops_pmem_domain domain_ext_ops = {
	sizeof(domain_ext_ops),
	mr_reg,
	event_fd,
	read_event,
	key_add,
	key_remove,
	key_bind,
	mr_key_add,
	mr_key_remove,
};

} // namespace

int open_domain_extension(const Domain &domain, uint64_t flags,
			  void **ops) noexcept
{
	if (flags)
		return -FI_EBADFLAGS;
	if (!domain.persistent()) {
		PMEM_WARN(FI_LOG_DOMAIN, FI_PMEM_DOMAIN_OPS
			  ": the domain was opened without FI_RMA_PMEM");
		return -FI_EOPNOTSUPP;
	}
	*ops = &domain_ext_ops;
	return 0;
}

} // namespace ofi_pmem
