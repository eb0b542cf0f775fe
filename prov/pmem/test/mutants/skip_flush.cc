/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Mutant: the service stores what arrives and never flushes it.
 */
#include "decorator.hh"

namespace ofi_pmem
{

namespace
{

class SkipFlush final : public BackendDecorator
{
public:
	using BackendDecorator::BackendDecorator;

	int flush(uint64_t, size_t) noexcept override { return 0; }
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override
	{
		int ret = real().store(offset, source, len);
		*stored = !ret;
		return ret;
	}
};

} // namespace

int open_backend(const RegionMemory &memory, std::unique_ptr<Backend> *backend)
{
	return open_mutant<SkipFlush>(memory, backend);
}

} // namespace ofi_pmem
