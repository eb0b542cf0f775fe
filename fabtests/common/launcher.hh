/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Real processes for end-to-end tests. A launcher process is forked before
 * the test program has threads or has touched libfabric; children are forked
 * from it, so each starts clean and reads its own environment. Nothing
 * outlives the test: children die with the launcher, and the launcher notices
 * the test program's end, however it came, and removes the work directory.
 */
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pmem_test
{

/*
 * Nothing in these tests may take longer; a sanitizer build fits in too. An
 * emulated processor needs more: $PMEM_FABTESTS_TIMEOUT, in seconds.
 */
std::chrono::seconds timeout_from_environment();
inline const std::chrono::seconds kTimeout = timeout_from_environment();

/*
 * A child runs this; `control` is its end of a SOCK_SEQPACKET pair. The result
 * is its exit status.
 */
using ChildMain = int (*)(int control);

struct ChildOptions {
	std::vector<std::string> env; /* NAME=value */
	/* RLIMIT_FSIZE with SIGXFSZ ignored; 0: no limit. */
	uint64_t file_size_limit = 0;
};

/*
 * One child process; the destructor kills and reaps it. Every failure is a
 * std::runtime_error.
 */
class Child
{
public:
	Child(ChildMain child_main, const ChildOptions &options);
	~Child();
	Child(const Child &) = delete;
	Child &operator=(const Child &) = delete;

	int control() const { return control_; }
	pid_t pid() const { return pid_; }

	/* SIGKILL; the process is gone when this returns. */
	void kill();

	/* Waits for an orderly end; the wait status. Kills when it is late. */
	int wait_exit();

private:
	pid_t pid_ = -1;
	int control_ = -1;
};

/* Called once, first thing in main(). */
void start_launcher();

/*
 * A directory below the current one, for files on a real file system. Removed
 * by the launcher.
 */
const std::string &work_dir();

} // namespace pmem_test
