/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Mutant: a drain is reported as done, and so acknowledged, before it is; it
 * is made up for when the region is used next.
 */
#include "decorator.hh"

namespace ofi_pmem
{

namespace
{

class EarlyAck final : public BackendDecorator
{
public:
	using BackendDecorator::BackendDecorator;

	int flush(uint64_t offset, size_t len) noexcept override
	{
		int ret = make_up();
		return ret ? ret : real().flush(offset, len);
	}
	int begin_drain(size_t, PendingDrain *) noexcept override
	{
		owed_ = true;
		return 0;
	}
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override
	{
		int ret = make_up();
		return ret ? ret : real().store(offset, source, len);
	}
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override
	{
		*stored = false;
		int ret = make_up();
		return ret ? ret
			   : real().store_flush(offset, source, len, stored);
	}

private:
	int make_up() noexcept
	{
		if (!owed_)
			return 0;
		owed_ = false;
		return real().drain();
	}

	bool owed_ = false;
};

} // namespace

int open_backend(const RegionMemory &memory, std::unique_ptr<Backend> *backend)
{
	return open_mutant<EarlyAck>(memory, backend);
}

} // namespace ofi_pmem
