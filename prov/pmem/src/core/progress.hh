/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the app plane's queues and counters drive when the application polls
 * or waits: the domain's channels. Declared here so that app/ needs to know
 * nothing else of the persistence plane to make progress.
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
	 * and counters they belong to, which may be others than the caller's.
	 * Any thread.
	 */
	virtual void progress() noexcept = 0;

	/* Becomes readable when progress() may have something to do. */
	virtual int wait_fd() const noexcept = 0;

	/* 0: the caller may block on wait_fd(). -FI_EAGAIN: progress() first.
	 */
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

	/* `err` is 0 or a positive fi_errno; called without any queue lock. */
	virtual void inner_completed(int err, int prov_errno) noexcept = 0;
};

/*
 * Work that only a thread of the application may do, because it uses inner
 * objects of the application's own: done when it next reads the queue or
 * counter that the work was announced to.
 */
class DeferredWork
{
public:
	virtual void run_deferred() noexcept = 0;

protected:
	~DeferredWork() = default;
};

} // namespace ofi_pmem
