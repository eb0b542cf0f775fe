/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A backend makes the bytes of one region durable. One backend object serves
 * one persistent region at the target. Calls may overlap: callers are the
 * service's threads and, to commit local buffers, threads that make progress.
 * None is under way when a backend is opened or destroyed. Offsets count from
 * the region's first byte; the caller has checked them against its length.
 *
 * A byte is durable once a flush() or store_flush() that covers it returned 0
 * and a later drain() of the same thread returned 0: SFENCE orders what its own
 * CPU wrote back (Intel SDM, CLWB). Every failure of flush() or drain() leaves
 * the durable state unknown. The caller then poisons the region: a failed flush
 * is never retried.
 *
 * If direct(), a store() or store_flush() of one aligned word of 2, 4 or 8
 * bytes is a single store, so an ordered write and an atomic operation need no
 * calls of their own.
 */
#pragma once

#include "persist/device_sync.hh"
#include "protocol/region_traits.hh"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace ofi_pmem
{

class FlushLedger;
class ReadBackBuffer;

class Backend
{
public:
	virtual ~Backend() = default;

	/*
	 * Starts the write-back of [offset, offset + len), len >= 1. Returns 0
	 * or a negative fi_errno.
	 */
	[[nodiscard]] virtual int flush(uint64_t offset,
					size_t len) noexcept = 0;

	/*
	 * Makes everything durable that was flushed before, without a wait for
	 * a device: if there is one to wait for, it gets that. Once that has
	 * ended, end_drain() says whether all is durable. Other calls may come
	 * in between. So many commits wait for the drain, at least one.
	 */
	[[nodiscard]] virtual int
	begin_drain(size_t commits, PendingDrain *pending) noexcept = 0;
	/* The ticket is that of the pending drain. */
	[[nodiscard]] virtual int end_drain(uint64_t /*ticket*/) noexcept
	{
		return 0;
	}

	/* Waits until everything flushed before is durable. */
	[[nodiscard]] int drain() noexcept
	{
		PendingDrain pending;
		int ret = begin_drain(1, &pending);
		if (ret || !pending)
			return ret;
		static_cast<void>(pending.wait());
		return end_drain(pending.ticket);
	}

	/* Returns a negative fi_errno if another region's failure is that of
	 * this one, too: nothing more will be durable here. */
	virtual int failure() const noexcept { return 0; }

	/*
	 * Copies `len` bytes into the region: visible, not flushed. On failure
	 * (-FI_ENOSPC, or -FI_EIO if the file was shrunk below these bytes) an
	 * unknown part has been stored; the region stays usable.
	 */
	[[nodiscard]] virtual int store(uint64_t offset, const void *source,
					size_t len) noexcept = 0;

	/*
	 * Does store() and flush() in one, with non-temporal stores where they
	 * help. *stored distinguishes a failed store (region usable) from a
	 * failed flush (durable state unknown); it is set in every case.
	 */
	[[nodiscard]] virtual int store_flush(uint64_t offset,
					      const void *source, size_t len,
					      bool *stored) noexcept = 0;

	/* Copies what a remote read must see; returns -FI_EIO as store(). */
	[[nodiscard]] virtual int load(uint64_t offset, void *target,
				       size_t len) noexcept = 0;

	/*
	 * Copies what is durable of `len` bytes, at most a buffer's size, into
	 * the buffer, as far as coverage() says. Returns -FI_EIO if bytes
	 * cannot be read, whatever the reason.
	 */
	[[nodiscard]] virtual int read_back(uint64_t offset, size_t len,
					    ReadBackBuffer *into) noexcept = 0;
	virtual Coverage coverage() const noexcept = 0;

	virtual Granularity granularity() const noexcept = 0;
	virtual PersistenceDomain domain() const noexcept = 0;

	/*
	 * True if the inner provider may read and write the region's memory
	 * itself. False if only store() and load() are safe: at page
	 * granularity a file can shrink or a disk fill up under the mapping.
	 */
	virtual bool one_sided() const noexcept = 0;

	/* Returns true if store() stores to the memory itself. */
	virtual bool direct() const noexcept { return one_sided(); }

	/* Returns the state of the bytes (FI_OFI_PMEM_LEDGER), or null. */
	virtual FlushLedger *ledger() noexcept { return nullptr; }
};

/* The application declares the memory, instead of having it detected. */
struct RegionDeclaration {
	/* The application has this descriptor of the file behind it; -1: detect
	 * it. */
	int fd = -1;
	/* The region's first byte is at this offset in that file. */
	uint64_t offset = 0;
	std::optional<Granularity> granularity;
	std::optional<PersistenceDomain> domain;

	bool any() const noexcept { return fd >= 0 || granularity || domain; }
};

struct RegionMemory {
	void *base;
	size_t len;
	/* Accept memory that is not persistent (FI_OFI_PMEM_REGIONS=all). */
	bool forced;
	RegionDeclaration declared = {};
	/*
	 * FI_RMA_PMEM asks for a persistent region. Without it, memory that is
	 * known to be other memory and cannot be forced stays an ordinary
	 * region: then there is no error, and no backend.
	 */
	bool flagged = true;
	/* The region's access allows stores. */
	bool written = true;
};

/*
 * Chooses and opens the backend for a region (FI_OFI_PMEM_BACKEND). It fails
 * with
 *   -FI_EINVAL  the memory is not persistent and not forced, after a warning
 *               that says what it is (anonymous, private mapping, tmpfs, ...)
 *               and what would work; or, even if forced, a declaration is
 *               contradicted (region_declaration.hh)
 *   -FI_EACCES  the memory is mapped read-only and written, even if forced
 *   -FI_EFAULT  the memory is not mapped, even if forced
 *   others      it cannot be found out what the memory is, or its file cannot
 *               be opened, whatever was requested: -EMFILE, -FI_EACCES, ...
 * Any thread may call it; throws std::bad_alloc.
 *
 * Open the backend before the memory is registered with an inner provider, and
 * destroy it after that registration is closed: the simulated power failure
 * exchanges the pages under the region.
 */
[[nodiscard]] int open_backend(const RegionMemory &memory,
			       std::unique_ptr<Backend> *backend);

} // namespace ofi_pmem
