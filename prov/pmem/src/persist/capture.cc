/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The registry of captured mappings and the exchange of their pages. One lock
 * for the registry and all captures; a simulation's own lock is taken inside.
 */
#include "persist/capture.hh"

#include "core/log.hh"

#include <rdma/fi_errno.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

/* One mapping of one file with at least one captured page. */
class CapturedMapping
{
public:
	CapturedMapping(uintptr_t origin, FileMapping file)
		: origin_(origin), protection_(file.protection),
		  map_sync_(file.map_sync), segment_(file.segment),
		  fd_(file.fd.get()),
		  simulation_(std::make_shared<LineSimulation>(
			  origin,
			  std::make_unique<FileImage>(std::move(file.fd),
						      file.segment.path)))
	{
	}

	/*
	 * At the same place it is the same, even if the file's name has
	 * changed.
	 */
	bool is_mapping_of(const MapSegment &segment,
			   uintptr_t origin) const noexcept
	{
		return is_same_file(segment, segment_) ||
		       (origin == origin_ && is_same_inode(segment, segment_));
	}
	uintptr_t origin() const noexcept { return origin_; }
	const std::vector<Extent> &captured() const noexcept
		PMEM_REQUIRES(capture_lock())
	{
		return captured_;
	}
	const std::shared_ptr<LineSimulation> &simulation() const noexcept
	{
		return simulation_;
	}

	int capture(const Extent &pages) PMEM_REQUIRES(capture_lock());
	void release(const Extent &pages) PMEM_REQUIRES(capture_lock());
	int crash(uint64_t seed, Tearing tearing) PMEM_REQUIRES(capture_lock());

private:
	int remap(const Extent &pages, int flags) noexcept;
	int check_ours(const Extent &pages, bool *ours) const;
	void give_back(const Extent &pages);
	uint64_t file_end() const noexcept;

	/* The address that file offset 0 has, or would have. */
	const uintptr_t origin_;
	const int protection_;
	const bool map_sync_;
	const MapSegment segment_;
	/* The simulation's image owns it. */
	const int fd_;
	/* A sync of it may end after this does. */
	const std::shared_ptr<LineSimulation> simulation_;
	/* Pages of each capture, in file offsets. */
	std::vector<Extent> captured_ PMEM_GUARDED_BY(capture_lock());
};

namespace
{

struct CaptureRegistry {
	Mutex lock{lock_rank::kCaptures};
	/* Captures keep these alive; the last one removes its mapping. */
	std::vector<std::weak_ptr<CapturedMapping>>
		mappings PMEM_GUARDED_BY(lock);
};

CaptureRegistry &registry()
{
	static CaptureRegistry instance;
	return instance;
}

} // namespace

Mutex &capture_lock() noexcept PMEM_RETURNS_LOCK(registry().lock)
{
	return registry().lock;
}

namespace
{

/* Returns the pages of all captures, as addresses. */
std::vector<Extent> captured_addresses() PMEM_REQUIRES(capture_lock())
{
	std::vector<Extent> all;
	for (const auto &weak : registry().mappings) {
		auto mapping = weak.lock();
		if (!mapping)
			continue;
		for (const auto &pages : mapping->captured())
			all.push_back({mapping->origin() + pages.begin,
				       mapping->origin() + pages.end});
	}
	return all;
}

void forget_closed() PMEM_REQUIRES(capture_lock())
{
	auto &mappings = registry().mappings;
	mappings.erase(
		std::remove_if(mappings.begin(), mappings.end(),
			       [](const auto &weak) { return weak.expired(); }),
		mappings.end());
}

bool overlaps_any(const Extent &pages, const std::vector<Extent> &others)
{
	return std::any_of(others.begin(), others.end(), [&](const auto &one) {
		return overlap(pages, one);
	});
}

/* Gets the mapping to share, or null. Returns -FI_EBUSY if none can serve. */
int find_mapping(const FileMapping &file, uintptr_t origin, const Extent &pages,
		 std::shared_ptr<CapturedMapping> *found)
	PMEM_REQUIRES(capture_lock())
{
	for (const auto &weak : registry().mappings) {
		auto mapping = weak.lock();
		if (!mapping || !mapping->is_mapping_of(file.segment, origin))
			continue;
		if (mapping->origin() == origin) {
			*found = std::move(mapping);
			continue;
		}
		if (overlaps_any(pages, mapping->captured())) {
			PMEM_WARN(FI_LOG_MR,
				  "the simulated power failure cannot serve "
				  "the same part of file %s at two addresses",
				  file.segment.path.c_str());
			return -FI_EBUSY;
		}
	}
	return 0;
}

} // namespace

int CapturedMapping::remap(const Extent &pages, int flags) noexcept
{
	void *address = simulation_->visible(pages.begin);
	void *mapped =
		mmap(address, pages.end - pages.begin, protection_,
		     flags | MAP_FIXED, fd_, static_cast<off_t>(pages.begin));
	return mapped == MAP_FAILED ? -errno : 0;
}

int CapturedMapping::capture(const Extent &pages)
{
	if (simulation_->crashed()) {
		PMEM_WARN(FI_LOG_MR,
			  "the simulated power of file %s has failed: close "
			  "its regions first",
			  segment_.path.c_str());
		return -FI_EIO;
	}
	std::vector<Extent> fresh = subtract(pages, captured_);
	captured_.reserve(captured_.size() + 1);
	for (size_t i = 0; i < fresh.size(); i++) {
		int ret = remap(fresh[i], MAP_PRIVATE);
		if (!ret)
			continue;
		PMEM_WARN(FI_LOG_MR, "cannot map file %s privately: %s (%d)",
			  segment_.path.c_str(), fi_strerror(-ret), -ret);
		while (i)
			give_back(fresh[--i]);
		return ret;
	}
	captured_.push_back(pages);
	return 0;
}

/*
 * The application may have unmapped the memory before it closed the region;
 * something else may live there now.
 */
int CapturedMapping::check_ours(const Extent &pages, bool *ours) const
{
	uintptr_t begin = origin_ + pages.begin;
	uintptr_t end = origin_ + pages.end;
	std::vector<MapSegment> segments;
	int ret = read_map(begin, end, &segments);
	uintptr_t covered = begin;
	for (const auto &segment : segments) {
		if (segment.start > covered || segment.shared ||
		    !is_same_inode(segment, segment_) ||
		    segment.start - segment.offset != origin_)
			break;
		covered = segment.end;
	}
	*ours = covered >= end;
	return ret;
}

/* Lines end where the file ends, which must not be extended. */
uint64_t CapturedMapping::file_end() const noexcept
{
	struct stat st;
	return fstat(fd_, &st) ? 0 : static_cast<uint64_t>(st.st_size);
}

void CapturedMapping::give_back(const Extent &pages)
{
	bool ours = false;
	int ret = check_ours(pages, &ours);
	if (ret) {
		PMEM_WARN(FI_LOG_MR,
			  "cannot find out whether memory of file %s is still "
			  "mapped: %s (%d); stores not drained are lost, and "
			  "later ones do not reach the file",
			  segment_.path.c_str(), fi_strerror(-ret), -ret);
		return;
	}
	if (!ours) {
		PMEM_WARN(FI_LOG_MR,
			  "memory of file %s was unmapped before its region "
			  "was closed: stores not drained are lost",
			  segment_.path.c_str());
		return;
	}
	Extent extent{pages.begin, std::min(pages.end, file_end())};
	ret = simulation_->settle(extent);
	if (ret)
		PMEM_WARN(FI_LOG_MR,
			  "stores to file %s that were not drained are lost: "
			  "%s (%d)",
			  segment_.path.c_str(), fi_strerror(-ret), -ret);
	ret = remap(pages,
		    map_sync_ ? MAP_SHARED_VALIDATE | MAP_SYNC : MAP_SHARED);
	if (ret)
		PMEM_WARN(FI_LOG_MR, "cannot map file %s shared again: %s (%d)",
			  segment_.path.c_str(), fi_strerror(-ret), -ret);
}

void CapturedMapping::release(const Extent &pages)
{
	auto own = std::find_if(
		captured_.begin(), captured_.end(), [&](const Extent &one) {
			return one.begin == pages.begin && one.end == pages.end;
		});
	captured_.erase(own);
	for (const auto &last : subtract(pages, captured_))
		give_back(last);
}

int CapturedMapping::crash(uint64_t seed, Tearing tearing)
{
	/* Takes each page once, however many regions it belongs to. */
	std::vector<Extent> extents;
	uint64_t end = file_end();
	for (const auto &pages : captured_) {
		for (const auto &part : subtract(pages, extents))
			extents.push_back(
				{part.begin, std::min(part.end, end)});
	}
	return simulation_->crash(extents, seed, tearing);
}

int Capture::open(const void *base, size_t len, FileMapping file,
		  std::unique_ptr<Capture> *capture)
{
	if (file.device_dax) {
		PMEM_WARN(FI_LOG_MR,
			  "the simulated power failure needs a file, %s is "
			  "device DAX",
			  file.segment.path.c_str());
		return -FI_EOPNOTSUPP;
	}
	uintptr_t origin = reinterpret_cast<uintptr_t>(base) - file.offset;
	Extent pages{align_down(file.offset, page_size()),
		     align_up(file.offset + len, page_size())};
	Extent extent{pages.begin, std::min(pages.end, file.file_size)};

	std::shared_ptr<CapturedMapping> mapping;
	int ret = find_mapping(file, origin, pages, &mapping);
	if (ret)
		return ret;
	if (!mapping) {
		mapping = std::make_shared<CapturedMapping>(origin,
							    std::move(file));
		registry().mappings.push_back(mapping);
	}
	/* Without a mapping a capture has nothing to release. */
	std::unique_ptr<Capture> made(new Capture(pages, extent));
	ret = mapping->capture(pages);
	if (ret)
		return ret;
	made->mapping_ = std::move(mapping);
	*capture = std::move(made);
	return 0;
}

Capture::~Capture()
{
	if (!mapping_)
		return;
	MutexLock guard(capture_lock());
	mapping_->release(pages_);
	mapping_.reset();
	forget_closed();
}

const std::shared_ptr<LineSimulation> &Capture::simulation() const noexcept
{
	return mapping_->simulation();
}

int Capture::crash(uint64_t seed, Tearing tearing)
{
	MutexLock guard(capture_lock());
	return mapping_->crash(seed, tearing);
}

bool is_captured(uintptr_t begin, uintptr_t end)
{
	return subtract({begin, end}, captured_addresses()).empty();
}

} // namespace ofi_pmem
