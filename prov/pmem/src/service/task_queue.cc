/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/task_queue.hh"

#include "core/descriptors.hh"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace ofi_pmem
{

TaskQueue::~TaskQueue()
{
	if (fd_ >= 0)
		close(fd_);
}

int TaskQueue::open() noexcept
{
	fd_ = above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	return fd_ < 0 ? -errno : 0;
}

void TaskQueue::wake() noexcept
{
	uint64_t one = 1;
	static_cast<void>(!write(fd_, &one, sizeof(one)));
}

bool TaskQueue::run(const std::function<void()> &body)
{
	Task task{body};
	MutexLock guard(lock_);
	tasks_.push_back(&task);
	wake();
	while (!ended_ && !task.done)
		changed_.wait(lock_);
	return task.done;
}

void TaskQueue::execute()
{
	uint64_t count;
	static_cast<void>(!read(fd_, &count, sizeof(count)));
	MutexLock guard(lock_);
	for (Task *task : tasks_) {
		task->body();
		task->done = true;
	}
	tasks_.clear();
	changed_.notify_all();
}

void TaskQueue::end()
{
	MutexLock guard(lock_);
	ended_ = true;
	changed_.notify_all();
}

} // namespace ofi_pmem
