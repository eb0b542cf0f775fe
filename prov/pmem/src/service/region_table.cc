/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/region_table.hh"

#include "core/key.hh"
#include "core/log.hh"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <new>

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

/* One-sided access ends, too: there nobody would ask whether the region is
 * poisoned. */
void TargetRegion::set_poison(int err) noexcept
{
	int none = 0;
	if (!poison_.compare_exchange_strong(none, err))
		return; /* by another thread */
	{
		MutexLock guard(access_lock_);
		link_memory.reset();
	}
	if (events)
		events->ring();
}

Failure TargetRegion::poisoned_by(int ret) noexcept
{
	set_poison(-ret);
	PMEM_WARN(
		FI_LOG_MR,
		"flush of region at %p length %zu failed: %s (%d); it accepts "
		"nothing until it is registered again",
		static_cast<void *>(memory), len, fi_strerror(-ret), -ret);
	return {-ret, Cause::flush_failed};
}

Failure TargetRegion::store(uint64_t offset, const uint8_t *source,
			    size_t length, bool with_flush) noexcept
{
	if (Failure failure = poison())
		return failure;
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

Failure TargetRegion::placed(uint64_t offset, size_t length)
{
	if (FlushLedger *ledger = backend->ledger())
		ledger->store({offset, offset + length});
	return poison();
}

/* A file gets all in one piece, because a write to it can be seen in part. */
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
	if (Failure failure = poison())
		return failure;
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

Failure TargetRegion::begin_drain(size_t commits,
				  PendingDrain *pending) noexcept
{
	if (Failure failure = poison())
		return failure;
	int ret = backend->begin_drain(commits, pending);
	return ret ? poisoned_by(ret) : Failure{};
}

Failure TargetRegion::end_drain(uint64_t ticket) noexcept
{
	if (Failure failure = poison())
		return failure;
	int ret = backend->end_drain(ticket);
	return ret ? poisoned_by(ret) : Failure{};
}

void TargetRegion::share_failure() noexcept
{
	int ret = poison() ? 0 : backend->failure();
	if (ret)
		static_cast<void>(poisoned_by(ret));
}

Failure TargetRegion::verify(const Extent &extent, FlushLedger::Mark mark)
{
	const FlushLedger *ledger = backend->ledger();
	if (!ledger || poison())
		return poison();
	auto missing = ledger->missing(extent, mark);
	if (!missing)
		return {};
	set_poison(FI_EIO);
	PMEM_WARN(FI_LOG_MR,
		  "flush ledger: a commit of bytes %" PRIu64 " to %" PRIu64
		  " of "
		  "the region at %p length %zu fails, because %" PRIu64 " to "
		  "%" PRIu64 " were %s; it accepts nothing until it is "
		  "registered again",
		  extent.begin, extent.end, static_cast<void *>(memory), len,
		  missing->extent.begin, missing->extent.end,
		  missing->flushed ? "flushed but not drained"
				   : "not flushed after they were written");
	return {FI_EIO, Cause::ledger_violated};
}

int RegionTable::add(std::unique_ptr<TargetRegion> &&region, uint64_t *token)
{
	ExclusiveLock guard(lock_);
	uint64_t random = 0;
	do {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -errno;
		random &= Key::kTokenMask & ~Key::kSealed;
		if (region->sealed)
			random |= Key::kSealed;
	} while (regions_.count(random));
	std::unique_ptr<TargetRegion> &place = regions_[random];
	keeps_ledgers_ = keeps_ledgers_ || region->backend->ledger();
	region->events = &events_;
	place = std::move(region);
	*token = random;
	return 0;
}

std::unique_ptr<TargetRegion> RegionTable::remove(uint64_t token)
{
	ExclusiveLock guard(lock_);
	auto it = regions_.find(token);
	if (it == regions_.end())
		return nullptr;
	std::unique_ptr<TargetRegion> removed = std::move(it->second);
	regions_.erase(it);
	return removed;
}

bool RegionTable::take_poisoned(uint64_t *token, Failure *poison) noexcept
{
	ExclusiveLock guard(lock_);
	for (auto &[name, region] : regions_) {
		if (!region->poison() || region->poison_told)
			continue;
		region->poison_told = true;
		*token = name;
		*poison = region->poison();
		return true;
	}
	return false;
}

TargetRegion *RegionTable::find(uint64_t token) noexcept
{
	lock_.assert_shared();
	auto it = regions_.find(token);
	return it == regions_.end() ? nullptr : it->second.get();
}

/* A peer without the key learns nothing of a region, not even whether the
 * address lies in it. */
Failure RegionTable::admit(uint64_t token, const RegionKey *key,
			   TargetRegion **region) noexcept
{
	*region = find(token);
	if (!*region)
		return kUnknownKey;
	if (!(*region)->sealed && !key)
		return {};
	const std::vector<uint64_t> &ids = (*region)->key_ids;
	bool accepted =
		(*region)->sealed && key && !key->removed() &&
		std::find(ids.begin(), ids.end(), key->id()) != ids.end();
	if (!accepted)
		return {FI_EACCES, Cause::sealed_otherwise};
	if (key->exhausted())
		return {FI_EKEYREJECTED, Cause::seal_key_used_up};
	return {};
}

TargetRegion *RegionTable::sealed_region(uint64_t token) noexcept
{
	TargetRegion *region = find(token);
	return region && region->sealed ? region : nullptr;
}

int RegionTable::add_key(uint64_t token, uint64_t key_id)
{
	ExclusiveLock guard(lock_);
	TargetRegion *region = sealed_region(token);
	if (!region)
		return -FI_EINVAL;
	std::vector<uint64_t> &ids = region->key_ids;
	if (std::find(ids.begin(), ids.end(), key_id) != ids.end())
		return 0;
	if (ids.size() == kMaxRegionKeys)
		return -FI_ENOSPC;
	ids.push_back(key_id);
	return 0;
}

int RegionTable::remove_key(uint64_t token, uint64_t key_id) noexcept
{
	ExclusiveLock guard(lock_);
	TargetRegion *region = sealed_region(token);
	if (!region)
		return -FI_EINVAL;
	std::vector<uint64_t> &ids = region->key_ids;
	auto found = std::find(ids.begin(), ids.end(), key_id);
	if (found == ids.end())
		return -FI_ENOKEY;
	ids.erase(found);
	return 0;
}

void RegionTable::forget_key(uint64_t key_id) noexcept
{
	ExclusiveLock guard(lock_);
	for (auto &[token, region] : regions_) {
		std::vector<uint64_t> &ids = region->key_ids;
		ids.erase(std::remove(ids.begin(), ids.end(), key_id),
			  ids.end());
	}
}

void RegionTable::share_failures() noexcept
{
	ExclusiveLock guard(lock_);
	for (auto &[token, region] : regions_)
		region->share_failure();
}

TargetRegion *RegionTable::containing(const iovec &buffer,
				      uint64_t *token) noexcept
{
	auto *start = static_cast<uint8_t *>(buffer.iov_base);
	for (auto &[name, region] : regions_) {
		if (start < region->memory || buffer.iov_len > region->len ||
		    start > region->memory + (region->len - buffer.iov_len))
			continue;
		*token = name;
		return region.get();
	}
	return nullptr;
}

bool RegionTable::contains(const iovec *iov, size_t count) noexcept
{
	SharedLock guard(lock_, stripe_of_others());
	uint64_t token;
	for (size_t i = 0; i < count; i++) {
		if (!containing(iov[i], &token))
			return false;
	}
	return true;
}

/* The inner provider stored the bytes, so the ledger learns of them here. */
Failure RegionTable::begin_commit(const iovec &buffer, LocalCommit *commit)
{
	SharedLock guard(lock_, stripe_of_others());
	TargetRegion *region = containing(buffer, &commit->token);
	if (!region)
		return {FI_EINVAL, Cause::out_of_range};
	auto start = static_cast<uint8_t *>(buffer.iov_base) - region->memory;
	auto offset = static_cast<uint64_t>(start);
	commit->extent = {offset, offset + buffer.iov_len};
	if (FlushLedger *ledger = region->backend->ledger()) {
		commit->mark = ledger->mark();
		ledger->store(commit->extent);
	}
	Failure failure = region->flush(offset, buffer.iov_len);
	return failure ? failure : region->begin_drain(1, &commit->drain);
}

/* The region may have been closed since. */
Failure RegionTable::end_commit(const LocalCommit &commit)
{
	SharedLock guard(lock_, stripe_of_others());
	TargetRegion *region = find(commit.token);
	if (!region)
		return kUnknownKey;
	Failure failure;
	if (commit.drain)
		failure = region->end_drain(commit.drain.ticket);
	return failure ? failure : region->verify(commit.extent, commit.mark);
}

/* It waits for the device without the lock: the service goes on. */
Failure RegionTable::commit_local(const iovec &buffer)
{
	LocalCommit commit{};
	Failure failure = begin_commit(buffer, &commit);
	if (failure)
		return failure;
	if (commit.drain)
		static_cast<void>(commit.drain.wait());
	failure = end_commit(commit);
	if (failure)
		share_failures();
	return failure;
}

int RegionTable::commit_local(const iovec *iov, size_t count) noexcept
{
	for (size_t i = 0; i < count; i++) {
		Failure failure{FI_ENOMEM, Cause::none};
		try {
			failure = commit_local(iov[i]);
		} catch (const std::bad_alloc &) {
			/*
			 * The ledger threw it: nothing is known to be durable.
			 */
		}
		if (failure)
			return -failure.err;
	}
	return 0;
}

} // namespace ofi_pmem
