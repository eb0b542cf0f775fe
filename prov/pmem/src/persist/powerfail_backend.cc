/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A region's view of the simulation of its lines. */
#include "persist/powerfail_backend.hh"

#include "core/params.hh"
#include "persist/memory_copy.hh"
#include "persist/read_back.hh"

#include <rdma/fi_errno.h>

#include <cstring>

namespace ofi_pmem
{

namespace
{

Extent addresses(void *base, size_t len) noexcept
{
	uintptr_t begin = reinterpret_cast<uintptr_t>(base);
	return {begin, begin + len};
}

} // namespace

PowerfailBackend::PowerfailBackend(void *base,
				   std::unique_ptr<Capture> capture) noexcept
	: base_(static_cast<char *>(base)), capture_(std::move(capture)),
	  simulation_(capture_->simulation()), extent_(capture_->extent()),
	  position_(extent_.begin +
		    static_cast<uint64_t>(base_ -
					  simulation_->visible(extent_.begin)))
{
}

/* Positions are addresses, so lines are where the CPU's are. */
PowerfailBackend::PowerfailBackend(void *base, size_t len)
	: base_(static_cast<char *>(base)),
	  simulation_(std::make_shared<LineSimulation>(
		  0, std::make_unique<MemoryImage>(addresses(base, len)))),
	  extent_(addresses(base, len)), position_(extent_.begin)
{
}

Extent PowerfailBackend::range(uint64_t offset, size_t len) const noexcept
{
	return {position_ + offset, position_ + offset + len};
}

int PowerfailBackend::flush(uint64_t offset, size_t len) noexcept
{
	return simulation_->flush(extent_, range(offset, len));
}

int PowerfailBackend::begin_drain(size_t commits,
				  PendingDrain *pending) noexcept
{
	if (!params().powerfail_sync_us)
		return simulation_->drain();
	*pending = {simulation_, simulation_->ask(commits)};
	return 0;
}

int PowerfailBackend::end_drain(uint64_t) noexcept
{
	return simulation_->failure();
}

int PowerfailBackend::store(uint64_t offset, const void *source,
			    size_t len) noexcept
{
	int ret = simulation_->check(range(offset, len));
	if (!ret)
		copy_in(base_ + offset, source, len);
	return ret;
}

int PowerfailBackend::store_flush(uint64_t offset, const void *source,
				  size_t len, bool *stored) noexcept
{
	int ret = store(offset, source, len);
	*stored = !ret;
	return ret ? ret : flush(offset, len);
}

int PowerfailBackend::load(uint64_t offset, void *target, size_t len) noexcept
{
	int ret = simulation_->check(range(offset, len));
	if (!ret)
		memcpy(target, base_ + offset, len);
	return ret;
}

/*
 * Reads the image, not the mapping: what a power failure would leave for sure.
 */
int PowerfailBackend::read_back(uint64_t offset, size_t len,
				ReadBackBuffer *into) noexcept
{
	return load_durable(offset, into->data(), len) ? -FI_EIO : 0;
}

int PowerfailBackend::crash(uint64_t seed, Tearing tearing)
{
	return capture_ ? capture_->crash(seed, tearing)
			: simulation_->crash({extent_}, seed, tearing);
}

int PowerfailBackend::load_durable(uint64_t offset, void *target,
				   size_t len) noexcept
{
	return simulation_->read_durable(position_ + offset, target, len);
}

} // namespace ofi_pmem
