/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/mr.hh"

#include "app/mr_refusal.hh"
#include "core/layout.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "persist/not_durable.hh"
#include "persist/proc_maps.hh"

#include <memory>

namespace ofi_pmem
{

namespace
{

/*
 * Copies the attributes, but leaves fields newer than the application's API
 * version at 0: its struct may end before them.
 */
Roomy<fi_mr_attr> copy_attr(const fi_mr_attr &attr, uint32_t version) noexcept
{
	Roomy<fi_mr_attr> roomy;
	fi_mr_attr &copy = roomy.known;
	copy.mr_iov = attr.mr_iov;
	copy.iov_count = attr.iov_count;
	copy.access = attr.access;
	copy.offset = attr.offset;
	copy.requested_key = attr.requested_key;
	copy.context = attr.context;
	if (FI_VERSION_GE(version, FI_VERSION(1, 5))) {
		copy.auth_key_size = attr.auth_key_size;
		copy.auth_key = attr.auth_key;
	}
	if (FI_VERSION_GE(version, FI_VERSION(1, 10))) {
		copy.iface = attr.iface;
		copy.device = attr.device;
	}
#ifdef HAVE_STRUCT_FI_MR_ATTR_HMEM_DATA
	if (FI_VERSION_GE(version, FI_VERSION(1, 19)))
		copy.hmem_data = attr.hmem_data;
#endif
#ifdef HAVE_STRUCT_FI_MR_ATTR_PAGE_SIZE
	if (FI_VERSION_GE(version, FI_VERSION(1, 22)))
		copy.page_size = attr.page_size;
#endif
#ifdef HAVE_STRUCT_FI_MR_ATTR_BASE_MR
	if (FI_VERSION_GE(version, FI_VERSION(2, 0))) {
		auto base = const_cast<fid_mr *>(attr.base_mr);
		auto below = base ? inner_of(&base->fid) : nullptr;
		copy.base_mr = reinterpret_cast<fid_mr *>(below);
		copy.sub_mr_cnt = attr.sub_mr_cnt;
	}
#endif
	return roomy;
}

int domain_reg(fid *domain, const void *buf, size_t len, uint64_t access,
	       uint64_t offset, uint64_t requested_key, uint64_t flags,
	       fid_mr **mr, void *context) noexcept
{
	auto &outer = *outer_of<Domain>(domain);
	iovec iov{const_cast<void *>(buf), len};
	Registration request{&iov,	    1,	   access, offset,
			     requested_key, flags, context};
	auto inner_reg = [&](const InnerRegistration &below, fid_mr **inner) {
		return fi_mr_reg(outer.inner(), buf, len, below.access, offset,
				 below.key, below.flags, inner, context);
	};
	return guarded([&] {
		return MemoryRegion::open(outer, request, inner_reg, mr);
	});
}

int domain_regv(fid *domain, const iovec *iov, size_t count, uint64_t access,
		uint64_t offset, uint64_t requested_key, uint64_t flags,
		fid_mr **mr, void *context) noexcept
{
	auto &outer = *outer_of<Domain>(domain);
	Registration request{iov,	    count, access, offset,
			     requested_key, flags, context};
	auto inner_reg = [&](const InnerRegistration &below, fid_mr **inner) {
		return fi_mr_regv(outer.inner(), iov, count, below.access,
				  offset, below.key, below.flags, inner,
				  context);
	};
	return guarded([&] {
		return MemoryRegion::open(outer, request, inner_reg, mr);
	});
}

int domain_regattr(fid *domain, const fi_mr_attr *attr, uint64_t flags,
		   fid_mr **mr) noexcept
{
	return guarded([&] {
		return register_memory(*outer_of<Domain>(domain), *attr, flags,
				       {}, 0, mr);
	});
}

fi_ops_mr make_mr_ops() noexcept
{
	fi_ops_mr ops{};
	ops.size = sizeof(ops);
	ops.reg = domain_reg;
	ops.regv = domain_regv;
	ops.regattr = domain_regattr;
	return ops;
}

} // namespace

fi_ops_mr mr_ops = make_mr_ops();

namespace
{

bool is_one_buffer(const Registration &request)
{
	return request.iov_count == 1 && request.iov->iov_len &&
	       request.iface == FI_HMEM_SYSTEM;
}

/* With FI_OFI_PMEM_REGIONS=all somebody may rely on it. */
void warn_not_one_buffer(const Registration &request)
{
	const char *what = request.iface == FI_HMEM_SYSTEM
				   ? "several buffers"
				   : "memory of a device";
	if (params().regions == RegionChoice::all && request.iov_count &&
	    request.iov->iov_len && is_new_cause(what))
		PMEM_WARN(FI_LOG_MR,
			  "a region of %s stays an ordinary region, and "
			  "nothing in it is durable: a persistent region is "
			  "one buffer in system memory",
			  what);
}

/* Opens no backend for an ordinary region. */
int open_region_backend(const Registration &request,
			std::unique_ptr<Backend> *backend)
{
	bool flagged = request.flags & FI_RMA_PMEM;
	bool remote = request.access & (FI_REMOTE_READ | FI_REMOTE_WRITE);
	RegionChoice regions = params().regions;
	if (!flagged && (regions == RegionChoice::flagged || !remote))
		return 0;
	if (!is_one_buffer(request) && !flagged) {
		warn_not_one_buffer(request);
		return 0;
	}
	if (!is_one_buffer(request)) {
		PMEM_WARN(FI_LOG_MR,
			  "a persistent region is one non-empty buffer in "
			  "system memory; this one has %zu buffers",
			  request.iov_count);
		return -FI_EINVAL;
	}
	/* With FI_READ and FI_RECV operations of this process store to it. */
	bool written = request.access & (FI_REMOTE_WRITE | FI_READ | FI_RECV);
	RegionMemory memory{request.iov->iov_base,
			    request.iov->iov_len,
			    regions == RegionChoice::all,
			    request.declared,
			    flagged,
			    written};
	return open_backend(memory, backend);
}

/* The key file may name the region's file. */
int choose_region_key(Persistence *persistence, const Registration &request,
		      uint64_t *id)
{
	std::vector<MapSegment> segments;
	auto first = reinterpret_cast<uintptr_t>(request.iov->iov_base);
	if (!request.key_id && !persistence->keys().empty()) {
		int ret = read_map(first, first + 1, &segments);
		if (ret)
			return ret;
	}
	std::string path =
		segments.empty() ? "" : without_mark(segments[0].path);
	return persistence->choose_key(request.key_id, path, id);
}

void warn_refused(const fi_info &domain, const Registration &request, int ret)
{
	if (request.iface != FI_HMEM_SYSTEM)
		return;
	auto text = refused_memory(domain, request.iov, request.iov_count, ret);
	if (!text.empty())
		PMEM_WARN(FI_LOG_MR, "%s", text.c_str());
}

} // namespace

MemoryRegion::MemoryRegion(Domain &domain, void *context) noexcept
	: Wrapper(FI_CLASS_MR, context, &FidOps<MemoryRegion>::table),
	  domain_(domain), parent_(domain.dependents())
{
}

template <typename InnerReg>
int MemoryRegion::open(Domain &domain, const Registration &request,
		       InnerReg &&inner_reg, fid_mr **mr)
{
	if (domain.inherited())
		return Origin::refuse();
	if ((request.flags & FI_RMA_PMEM) && !domain.persistent()) {
		PMEM_WARN(FI_LOG_MR,
			  "FI_RMA_PMEM needs a domain opened with FI_RMA_PMEM");
		return -FI_EINVAL;
	}
	/* The backend is opened before any provider sees the memory, and
	 * destroyed after `outer` on failure: the simulation remaps it. */
	RegionRequest region{};
	std::unique_ptr<MemoryRegion> outer(
		new MemoryRegion(domain, request.context));
	if (domain.persistence()) {
		int ret = open_region_backend(request, &region.backend);
		if (!ret && region.backend)
			ret = choose_region_key(domain.persistence(), request,
						&region.key_id);
		if (ret)
			return ret;
	}
	InnerRegistration below{request.requested_key,
				request.flags & ~FI_RMA_PMEM, request.access};
	/* Nobody reaches a sealed region around the seal. */
	if (region.key_id)
		below.access &= ~uint64_t{FI_REMOTE_READ | FI_REMOTE_WRITE};
	int ret = domain.inner_key(&below.key);
	if (ret)
		return ret;
	fid_mr *inner = nullptr;
	ret = inner_reg(below, &inner);
	if (ret) {
		warn_refused(domain.info(), request, ret);
		return ret;
	}
	outer->adopt_inner(inner);
	if (region.backend)
		ret = outer->publish(request, &region);
	if (ret)
		return ret;
	outer->announce_locally(request);
	*mr = outer.release();
	return 0;
}

namespace
{

/* With FI_MR_DMABUF, since 1.20, mr_iov points to something else. */
bool is_dmabuf(uint64_t flags, uint32_t version) noexcept
{
	return (flags & (1ULL << 40)) &&
	       FI_VERSION_GE(version, FI_VERSION(1, 20));
}

AuthKey auth_key_of(const fi_mr_attr &attr, uint32_t version)
{
	bool has =
		FI_VERSION_GE(version, FI_VERSION(1, 5)) && attr.auth_key_size;
	return has ? AuthKey(attr.auth_key, attr.auth_key + attr.auth_key_size)
		   : AuthKey();
}

} // namespace

int register_memory(Domain &domain, const fi_mr_attr &attr, uint64_t flags,
		    const RegionDeclaration &declared, uint64_t key_id,
		    fid_mr **mr)
{
	uint32_t version = domain.fabric().api_version;
	if (!domain.accepts_auth_key(auth_key_of(attr, version)))
		return -FI_EINVAL;
	Registration request{attr.mr_iov, attr.iov_count,     attr.access,
			     attr.offset, attr.requested_key, flags,
			     attr.context};
	request.declared = declared;
	request.key_id = key_id;
	if (is_dmabuf(flags, version)) {
		request.iov = nullptr;
		request.iov_count = 0;
	}
	if (FI_VERSION_GE(version, FI_VERSION(1, 10)))
		request.iface = attr.iface;
	auto inner_reg = [&](const InnerRegistration &below, fid_mr **inner) {
		auto roomy = copy_attr(attr, version);
		fi_mr_attr &copy = roomy.known;
		copy.requested_key = below.key;
		copy.access = below.access;
		if (domain.persistence())
			copy.auth_key_size = 0; /* the plane's */
		return fi_mr_regattr(domain.inner(), &copy, below.flags, inner);
	};
	return MemoryRegion::open(domain, request, inner_reg, mr);
}

void MemoryRegion::adopt_inner(fid_mr *inner)
{
	inner_.reset(inner);
	events_ = FidMapEntry(domain_.fabric().fids(), inner_fid(), &fid);
	copy_key();
}

/* Operations on the persistence plane then find it for their local buffers. */
void MemoryRegion::announce_locally(const Registration &request) noexcept
{
	if (!domain_.persistence() || request.iov_count != 1 ||
	    request.iface != FI_HMEM_SYSTEM)
		return;
	domain_.persistence()->initiator().local_memory().add(
		mem_desc, {*request.iov, request.access, nullptr});
}

/* Makes the region reachable on the persistence plane. */
int MemoryRegion::publish(const Registration &request, RegionRequest *region)
{
	region->memory = request.iov->iov_base;
	region->len = request.iov->iov_len;
	/* On an application's domain both planes count addresses alike. */
	int mr_mode = domain_.info().domain_attr->mr_mode;
	if (mr_mode == kMrBasic || (mr_mode & FI_MR_VIRT_ADDR))
		region->base = reinterpret_cast<uintptr_t>(region->memory);
	region->access = request.access;
	region->notify_base = region->base;
	region->notify_key = inner()->key;
	int ret = region->key_id ? open_notify(region) : 0;
	if (ret)
		return ret;
	Key assigned(0);
	ret = domain_.persistence()->add_region(std::move(*region), &assigned);
	if (ret)
		return ret;
	persistent_key_ = assigned;
	copy_key();
	return 0;
}

/* CQ data is refused unless the administrator lets it travel in clear. */
int MemoryRegion::open_notify(RegionRequest *region)
{
	region->notify_base = 0;
	region->notify_key = 0;
	if (!params().seal_cq_data)
		return 0;
	uint64_t wanted = 0;
	int ret = domain_.inner_key(&wanted);
	if (ret)
		return ret;
	fid_mr *made = nullptr;
	ret = fi_mr_reg(domain_.inner(), &notify_word_, sizeof(notify_word_),
			FI_REMOTE_WRITE, 0, wanted, 0, &made, nullptr);
	if (ret)
		return ret;
	notify_.reset(made);
	if (region->base)
		region->notify_base =
			reinterpret_cast<uintptr_t>(&notify_word_);
	region->notify_key = made->key;
	return 0;
}

int MemoryRegion::add_key(uint64_t id)
{
	if (!persistent_key_ || !persistent_key_->sealed())
		return -FI_EINVAL;
	return domain_.persistence()->add_region_key(*persistent_key_, id);
}

int MemoryRegion::remove_key(uint64_t id)
{
	if (!persistent_key_ || !persistent_key_->sealed())
		return -FI_EINVAL;
	return domain_.persistence()->regions().remove_key(
		persistent_key_->token(), id);
}

int MemoryRegion::close() noexcept
{
	if (!domain_.persistence())
		return close_inner();
	/*
	 * It is removed first: a free descriptor may be another region's at
	 * once.
	 */
	auto &local = domain_.persistence()->initiator().local_memory();
	LocalMemory::Entry entry = local.remove(mem_desc);
	int ret = close_inner();
	if (ret)
		local.add(mem_desc, std::move(entry));
	else if (persistent_key_)
		domain_.persistence()->remove_region(*persistent_key_);
	return ret;
}

/* The key is known at once, or only when the region is enabled. */
void MemoryRegion::copy_key() noexcept
{
	mem_desc = inner()->mem_desc;
	key = persistent_key_ ? persistent_key_->value() : inner()->key;
}

int MemoryRegion::bind(fid_t other, uint64_t flags)
{
	auto below = inner_of(other);
	if (!below)
		return -FI_EINVAL;
	bound_.reserve(bound_.size() + 1);
	int ret = fi_mr_bind(inner(), below, flags);
	if (!ret)
		bound_.emplace_back(*dependents_of(other));
	return ret;
}

int MemoryRegion::control(int command, void *arg) noexcept
{
	int ret = Wrapper::control(command, arg);
	copy_key();
	return ret;
}

} // namespace ofi_pmem
