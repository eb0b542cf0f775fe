/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The app plane's queues and counters drive the domain's channels when the
 * application polls or waits. This is declared here so that app/ needs to know
 * nothing else about the persistence plane to make progress.
 */
#pragma once

namespace ofi_pmem
{

class ProgressSource
{
public:
	virtual ~ProgressSource() = default;

	/*
	 * Advances every channel of the domain. Completions go to the queues
	 * and counters they belong to, which may not be the caller's. Any
	 * thread may call it.
	 */
	virtual void progress() noexcept = 0;

	/* Becomes readable when progress() may have something to do. */
	virtual int wait_fd() const noexcept = 0;

	/* Returns 0 if the caller may block on wait_fd(), or -FI_EAGAIN if it
	 * must call progress() first. */
	virtual int trywait() noexcept = 0;
};

/*
 * An operation that we, not the application, posted on an inner object of the
 * application's own (the 0-byte write that carries remote CQ data). Its address
 * is the context of the inner operation.
 */
class InternalOp
{
public:
	virtual ~InternalOp() = default;

	/*
	 * `err` is 0 or a positive fi_errno. Called under the lock of the
	 * queue's expected operations, and maybe that of its stashed error, so
	 * it must neither read the queue nor expect an operation there.
	 */
	virtual void inner_completed(int err, int prov_errno) noexcept = 0;
};

/*
 * Work that only a thread of the application may do, because it uses inner
 * objects of the application's own. It is done when the application next reads
 * the queue or counter to which the work was announced.
 */
class DeferredWork
{
public:
	virtual void run_deferred() noexcept = 0;

protected:
	~DeferredWork() = default;
};

} // namespace ofi_pmem
