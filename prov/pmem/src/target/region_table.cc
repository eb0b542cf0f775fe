/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "target/region_table.hh"

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <new>

#include <sys/random.h>

#include "core/key.hh"
#include "core/log.hh"

namespace ofi_pmem
{

Failure TargetRegion::check(uint64_t offset, uint64_t length,
			    uint8_t needed_access) const noexcept
{
	if (length > len || offset > len - length)
		return {FI_EINVAL, Cause::out_of_range};
	if ((access & needed_access) != needed_access)
		return {FI_EACCES, Cause::access_denied};
	return {};
}

/* Nor one-sided: there nobody would ask whether the region is poisoned. */
void TargetRegion::set_poison(int err) noexcept
{
	poison = {err, Cause::region_poisoned};
	link_memory.reset();
	if (events)
		events->ring();
}

Failure TargetRegion::poisoned_by(int ret) noexcept
{
	set_poison(-ret);
	PMEM_WARN(
		FI_LOG_MR,
		"flush of region at %p length %zu failed: %s (%d); it accepts "
		"nothing until it is registered anew",
		static_cast<void *>(memory), len, fi_strerror(-ret), -ret);
	return {-ret, Cause::flush_failed};
}

Failure TargetRegion::store(uint64_t offset, const uint8_t *source,
			    size_t length, bool with_flush) noexcept
{
	if (poison)
		return poison;
	if (!length)
		return {};
	if (!with_flush) {
		int ret = backend->store(offset, source, length);
		return ret ? Failure{-ret, Cause::store_failed} : Failure{};
	}
	bool stored = false;
	int ret = backend->store_flush(offset, source, length, &stored);
	if (!ret)
		return {};
	return stored ? poisoned_by(ret) : Failure{-ret, Cause::store_failed};
}

/* Through a file in one piece: what is written there can be seen in part. */
Failure TargetRegion::replace(uint64_t offset, const uint8_t *was,
			      const uint8_t *now, size_t length,
			      size_t element) noexcept
{
	size_t step = backend->direct() ? element : length;
	for (size_t at = 0; at < length; at += step) {
		if (!std::memcmp(was + at, now + at, step))
			continue;
		Failure failure = store(offset + at, now + at, step, false);
		if (failure)
			return failure;
	}
	return {};
}

Failure TargetRegion::flush(uint64_t offset, size_t length) noexcept
{
	if (poison)
		return poison;
	if (!length)
		return {};
	int ret = backend->flush(offset, length);
	return ret ? poisoned_by(ret) : Failure{};
}

Failure TargetRegion::load(uint64_t offset, uint8_t *target,
			   size_t length) noexcept
{
	int ret = length ? backend->load(offset, target, length) : 0;
	return ret ? Failure{-ret, Cause::store_failed} : Failure{};
}

Failure TargetRegion::drain() noexcept
{
	if (poison)
		return poison;
	int ret = backend->drain();
	return ret ? poisoned_by(ret) : Failure{};
}

Failure TargetRegion::verify(const Extent &extent, FlushLedger::Mark mark)
{
	const FlushLedger *ledger = backend->ledger();
	if (!ledger || poison)
		return poison;
	auto missing = ledger->missing(extent, mark);
	if (!missing)
		return {};
	set_poison(FI_EIO);
	PMEM_WARN(FI_LOG_MR,
		  "flush ledger: a commit of bytes %" PRIu64 " to %" PRIu64
		  " of "
		  "the region at %p length %zu fails, as %" PRIu64 " to "
		  "%" PRIu64 " were %s; it accepts nothing until it is "
		  "registered anew",
		  extent.begin, extent.end, static_cast<void *>(memory), len,
		  missing->extent.begin, missing->extent.end,
		  missing->flushed ? "flushed but not drained"
				   : "not flushed after they were written");
	return {FI_EIO, Cause::ledger_violated};
}

int RegionTable::add(std::unique_ptr<TargetRegion> region, uint64_t *token)
{
	std::lock_guard guard(mutex_);
	uint64_t random = 0;
	do {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -errno;
		random &= Key::kTokenMask;
	} while (regions_.count(random));
	keeps_ledgers_ = keeps_ledgers_ || region->backend->ledger();
	region->events = &events_;
	regions_.emplace(random, std::move(region));
	*token = random;
	return 0;
}

std::unique_ptr<TargetRegion> RegionTable::remove(uint64_t token)
{
	std::lock_guard guard(mutex_);
	auto it = regions_.find(token);
	if (it == regions_.end())
		return nullptr;
	std::unique_ptr<TargetRegion> removed = std::move(it->second);
	regions_.erase(it);
	return removed;
}

bool RegionTable::take_poisoned(uint64_t *token, Failure *poison) noexcept
{
	std::lock_guard guard(mutex_);
	for (auto &[name, region] : regions_) {
		if (!region->poison || region->poison_told)
			continue;
		region->poison_told = true;
		*token = name;
		*poison = region->poison;
		return true;
	}
	return false;
}

TargetRegion *RegionTable::find(uint64_t token) noexcept
{
	auto it = regions_.find(token);
	return it == regions_.end() ? nullptr : it->second.get();
}

TargetRegion *RegionTable::containing(const iovec &buffer) noexcept
{
	auto *start = static_cast<uint8_t *>(buffer.iov_base);
	for (auto &[token, region] : regions_) {
		if (start >= region->memory && buffer.iov_len <= region->len &&
		    start <= region->memory + (region->len - buffer.iov_len))
			return region.get();
	}
	return nullptr;
}

bool RegionTable::contains(const iovec *iov, size_t count) noexcept
{
	std::lock_guard guard(mutex_);
	for (size_t i = 0; i < count; i++) {
		if (!containing(iov[i]))
			return false;
	}
	return true;
}

/* The inner provider stored the bytes: the ledger learns of them here. */
Failure TargetRegion::commit_local(const iovec &buffer)
{
	auto start = static_cast<uint8_t *>(buffer.iov_base) - memory;
	auto offset = static_cast<uint64_t>(start);
	Extent extent{offset, offset + buffer.iov_len};
	FlushLedger::Mark mark = 0;
	if (FlushLedger *ledger = backend->ledger()) {
		mark = ledger->mark();
		ledger->store(extent);
	}
	Failure failure = flush(offset, buffer.iov_len);
	if (!failure)
		failure = drain();
	return failure ? failure : verify(extent, mark);
}

int RegionTable::commit_local(const iovec *iov, size_t count) noexcept
{
	std::lock_guard guard(mutex_);
	for (size_t i = 0; i < count; i++) {
		TargetRegion *region = containing(iov[i]);
		if (!region)
			return -FI_EINVAL;
		Failure failure{FI_ENOMEM, Cause::none};
		try {
			failure = region->commit_local(iov[i]);
		} catch (const std::bad_alloc &) {
			/* The ledger's: nothing is known to be durable. */
		}
		if (failure)
			return -failure.err;
	}
	return 0;
}

} // namespace ofi_pmem
