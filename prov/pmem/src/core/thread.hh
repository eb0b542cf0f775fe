/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace ofi_pmem
{

/* Starts a thread of ours inside the application. It blocks all signals, which
 * are for the application's own threads. */
template <typename Body> std::thread thread_without_signals(Body &&body)
{
	sigset_t all;
	sigset_t old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	std::thread thread(std::forward<Body>(body));
	pthread_sigmask(SIG_SETMASK, &old, nullptr);
	return thread;
}

} // namespace ofi_pmem
