/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/fork.hh"

#include "core/log.hh"

#include <rdma/fi_errno.h>

#include <pthread.h>
#include <unistd.h>

namespace ofi_pmem
{

/* Runs once, when the provider is loaded. */
const int Origin::watching_ = watch_forks();

int Origin::watch_forks() noexcept
{
	return pthread_atfork(nullptr, nullptr, in_child);
}

void Origin::in_child() noexcept
{
	uint32_t number = ++own_number_;
	if (!ForkGuard::count_.exchange(0))
		return;
	first_own_ = number;
	any_ = true;
}

int Origin::refuse() noexcept
{
	/*
	 * Warns once: a program that polls would get this warning all the time.
	 */
	if (told_.exchange(own_number_) == own_number_)
		return -FI_EOPNOTSUPP;
	PMEM_WARN(FI_LOG_CORE,
		  "process %d was forked from the one that opened this object, "
		  "whose connections and threads it does not have: open a "
		  "fabric, and everything else, in this process",
		  getpid());
	return -FI_EOPNOTSUPP;
}

} // namespace ofi_pmem
