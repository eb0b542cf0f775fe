/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keeps the flush ledger of a region (FI_OFI_PMEM_LEDGER). It lies directly
 * above the backend, whichever it is, and records what reaches it and succeeds.
 * service/commit_audit.cc reads the ledger before a commit is acknowledged.
 * Calls must not overlap: with ledgers, all threads share one stripe of the
 * region table's lock (Service::stripes()).
 *
 * This proves for each byte that the service stored itself, or that a request
 * said was stored one-sided: every commit that the service acknowledged was
 * preceded by a flush() of the byte after the store, and by a drain() after
 * that, and the backend reported both as done.
 *
 * It does not prove that the backend's flush reaches the medium (libpmem2, the
 * kernel and the hardware answer for that, and the simulated power failure for
 * our use of them). It proves nothing about bytes stored one-sided that no
 * request names, or stored by the application, or about commits in which the
 * service has no part.
 */
#pragma once

#include "persist/backend_decorator.hh"
#include "persist/flush_ledger.hh"

namespace ofi_pmem
{

class LedgerBackend final : public BackendDecorator
{
public:
	using BackendDecorator::BackendDecorator;

	int flush(uint64_t offset, size_t len) noexcept override;
	int begin_drain(size_t commits,
			PendingDrain *pending) noexcept override;
	int end_drain(uint64_t ticket) noexcept override;
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override;
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override;
	FlushLedger *ledger() noexcept override { return &ledger_; }

private:
	void note_store(uint64_t offset, size_t len) noexcept;
	void note_flush(uint64_t offset, size_t len) noexcept;

	FlushLedger ledger_;
	/* Memory was short: the ledger has a gap, and nothing can be committed.
	 */
	bool incomplete_ = false;
};

/* Returns the backend, inside a ledger's if ledgers are kept. Throws
 * std::bad_alloc. */
std::unique_ptr<Backend> keep_ledger(std::unique_ptr<Backend> backend);

} // namespace ofi_pmem
