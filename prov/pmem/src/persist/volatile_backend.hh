/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The backend for memory that is not persistent, but is a persistent region by
 * force (FI_OFI_PMEM_REGIONS=all). Data there becomes visible, never durable.
 */
#pragma once

#include "persist/backend.hh"

namespace ofi_pmem
{

class VolatileBackend final : public Backend
{
public:
	explicit VolatileBackend(void *base) noexcept
		: base_(static_cast<char *>(base))
	{
	}

	int flush(uint64_t offset, size_t len) noexcept override;
	int begin_drain(size_t commits,
			PendingDrain *pending) noexcept override;
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override;
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override;
	int load(uint64_t offset, void *target, size_t len) noexcept override;
	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override;
	Coverage coverage() const noexcept override { return Coverage::cache; }

	Granularity granularity() const noexcept override
	{
		return Granularity::byte;
	}
	PersistenceDomain domain() const noexcept override
	{
		return PersistenceDomain::none_forced;
	}
	/*
	 * A user who forces all regions does not know that closing one closes
	 * the channels of those who access it one-sided, and fails what they
	 * have outstanding elsewhere.
	 */
	bool one_sided() const noexcept override { return false; }
	bool direct() const noexcept override { return true; }

private:
	char *base_;
};

} // namespace ofi_pmem
