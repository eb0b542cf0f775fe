/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A backend around another one. It forwards everything; derived classes
 * override what they do differently.
 */
#pragma once

#include "persist/backend.hh"

#include <utility>

namespace ofi_pmem
{

/* The backend it owns says by whom it may be called. */
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
	int begin_drain(size_t commits, PendingDrain *pending) noexcept override
	{
		return real_->begin_drain(commits, pending);
	}
	int end_drain(uint64_t ticket) noexcept override
	{
		return real_->end_drain(ticket);
	}
	int failure() const noexcept override { return real_->failure(); }
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
	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override
	{
		return real_->read_back(offset, len, into);
	}
	Coverage coverage() const noexcept override
	{
		return real_->coverage();
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
	bool direct() const noexcept override { return real_->direct(); }
	FlushLedger *ledger() noexcept override { return real_->ledger(); }

protected:
	Backend &real() noexcept { return *real_; }

private:
	std::unique_ptr<Backend> real_;
};

} // namespace ofi_pmem
