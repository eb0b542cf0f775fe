/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Tasks that other threads have the service's thread execute. A task lives on
 * the stack of the thread that waits for it.
 */
#pragma once

#include "core/lock.hh"

#include <functional>
#include <vector>

namespace ofi_pmem
{

class TaskQueue
{
public:
	TaskQueue() = default;
	TaskQueue(const TaskQueue &) = delete;
	TaskQueue &operator=(const TaskQueue &) = delete;
	~TaskQueue();

	/* Returns 0 or a negative fi_errno. */
	[[nodiscard]] int open() noexcept;

	/* Readable while the thread must look: at tasks, or for its end. */
	int fd() const noexcept { return fd_; }
	void wake() noexcept;

	/*
	 * Waits until the thread has executed the task. Returns false if it has
	 * ended before. Any other thread may call it.
	 */
	bool run(const std::function<void()> &body);

	/* The thread executes all tasks that wait, under the queue's lock. */
	void execute();
	/* The thread ends; nothing is executed any more. */
	void end();

private:
	struct Task {
		const std::function<void()> &body;
		bool done = false;
	};

	int fd_ = -1;
	Mutex lock_{lock_rank::kServiceTasks};
	Condition changed_;
	std::vector<Task *> tasks_ PMEM_GUARDED_BY(lock_);
	bool ended_ PMEM_GUARDED_BY(lock_) = false;
};

} // namespace ofi_pmem
