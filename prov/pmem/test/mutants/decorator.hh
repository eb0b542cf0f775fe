/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Plug-ins with a known mistake, for tests that must notice it. Each mutant is
 * the whole plug-in with another open_backend(), which puts a decorator around
 * the real backend. This one forwards everything; a mutant overrides what it
 * gets wrong.
 */
#pragma once

#include <utility>

#include "persist/default_backend.hh"

namespace ofi_pmem
{

/* Called as the backend it owns. */
class BackendDecorator : public Backend
{
public:
	explicit BackendDecorator(std::unique_ptr<Backend> real)
		: real_(std::move(real))
	{
	}

	int flush(uint64_t offset, size_t len) noexcept override
	{
		return real_->flush(offset, len);
	}
	int drain() noexcept override { return real_->drain(); }
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override
	{
		return real_->store(offset, source, len);
	}
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override
	{
		return real_->store_flush(offset, source, len, stored);
	}
	int load(uint64_t offset, void *target, size_t len) noexcept override
	{
		return real_->load(offset, target, len);
	}
	Granularity granularity() const noexcept override
	{
		return real_->granularity();
	}
	PersistenceDomain domain() const noexcept override
	{
		return real_->domain();
	}
	bool one_sided() const noexcept override { return real_->one_sided(); }

protected:
	Backend &real() noexcept { return *real_; }

private:
	std::unique_ptr<Backend> real_;
};

/* The plug-in's own choice of backend, inside a `Mutant`. */
template <typename Mutant>
int open_mutant(const RegionMemory &memory, std::unique_ptr<Backend> *backend)
{
	std::unique_ptr<Backend> real;
	int ret = open_default_backend(memory, params().backend, &real);
	if (!ret)
		*backend = std::make_unique<Mutant>(std::move(real));
	return ret;
}

} // namespace ofi_pmem
