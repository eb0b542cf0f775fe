/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/ledger_backend.hh"

#include "core/params.hh"

#include <rdma/fi_errno.h>

#include <new>

namespace ofi_pmem
{

void LedgerBackend::note_store(uint64_t offset, size_t len) noexcept
{
	try {
		ledger_.store({offset, offset + len});
	} catch (const std::bad_alloc &) {
		incomplete_ = true;
	}
}

void LedgerBackend::note_flush(uint64_t offset, size_t len) noexcept
{
	try {
		ledger_.flush({offset, offset + len});
	} catch (const std::bad_alloc &) {
		incomplete_ = true;
	}
}

int LedgerBackend::flush(uint64_t offset, size_t len) noexcept
{
	int ret = real().flush(offset, len);
	if (!ret)
		note_flush(offset, len);
	return ret;
}

int LedgerBackend::begin_drain(size_t commits, PendingDrain *pending) noexcept
{
	int ret = real().begin_drain(commits, pending);
	if (!ret && incomplete_)
		ret = -FI_ENOMEM;
	if (ret)
		return ret;
	try {
		if (*pending)
			ledger_.begin_drain(pending->ticket);
		else
			ledger_.drain();
	} catch (const std::bad_alloc &) {
		return -FI_ENOMEM;
	}
	return 0;
}

int LedgerBackend::end_drain(uint64_t ticket) noexcept
{
	int ret = real().end_drain(ticket);
	if (!ret)
		ledger_.end_drain(ticket);
	return ret;
}

/* This is noted first: a store that fails may have stored a part. */
int LedgerBackend::store(uint64_t offset, const void *source,
			 size_t len) noexcept
{
	note_store(offset, len);
	return real().store(offset, source, len);
}

int LedgerBackend::store_flush(uint64_t offset, const void *source, size_t len,
			       bool *stored) noexcept
{
	note_store(offset, len);
	int ret = real().store_flush(offset, source, len, stored);
	if (!ret)
		note_flush(offset, len);
	return ret;
}

std::unique_ptr<Backend> keep_ledger(std::unique_ptr<Backend> backend)
{
	if (!params().ledger)
		return backend;
	return std::make_unique<LedgerBackend>(std::move(backend));
}

} // namespace ofi_pmem
