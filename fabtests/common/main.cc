/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * main() of the end-to-end tests. Exit status 77 (not run) where the machine
 * lacks something; a plug-in that does not load is a failure.
 */
#include "common/launcher.hh"
#include "common/node.hh"

#include <gtest/gtest.h>

#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

/*
 * Defaults of the sanitizers' run time, which asks for them by these names. A
 * finding ends its process: that of a child would be lost otherwise, as most
 * children end by SIGKILL.
 */
extern "C" {

const char *__tsan_default_options();
const char *__ubsan_default_options();

const char *__tsan_default_options()
{
	return "halt_on_error=1";
}

const char *__ubsan_default_options()
{
	return "halt_on_error=1:print_stacktrace=1";
}

} // extern "C"

namespace
{

constexpr long kTmpfsMagic = 0x01021994;
constexpr int kNotRun = 77;
constexpr unsigned kProgramTimeouts = 45; /* 15 minutes */

/* A close that fails in mid-test fails that test. */
class CloseListener : public testing::EmptyTestEventListener
{
	void OnTestStart(const testing::TestInfo &) override
	{
		before_ = pmem_test::close_failures();
	}
	void OnTestEnd(const testing::TestInfo &) override
	{
		if (pmem_test::close_failures() != before_)
			ADD_FAILURE() << "an object could not be closed";
	}
	int before_ = 0;
};

const char *why_not()
{
	struct statfs fs;
	if (statfs(".", &fs) || fs.f_type == kTmpfsMagic)
		return "the current directory is not on a real file system";
	fi_info *info = nullptr;
	if (fi_getinfo(FI_VERSION(1, 17), nullptr, nullptr, FI_PROV_ATTR_ONLY,
		       nullptr, &info))
		return "libfabric has no provider";
	bool core = false;
	for (fi_info *at = info; at; at = at->next)
		core |= !strcmp(at->fabric_attr->prov_name,
				pmem_test::core_provider());
	fi_freeinfo(info);
	return core ? nullptr : "libfabric lacks the core provider";
}

} // namespace

int main(int argc, char **argv)
{
	/* rxm fills 70 MB of buffers for each endpoint, most of a test's time;
	 * this is its inject size too. */
	setenv("FI_OFI_RXM_BUFFER_SIZE", "2048", 0);
	/* The mutants' tests run with and without. */
	setenv("FI_OFI_PMEM_LEDGER", "yes", 0);
	/* More than small machines have by default; as many on all. */
	setenv("FI_OFI_PMEM_SERVICE_THREADS", "3", 0);
	pmem_test::start_launcher();
	testing::InitGoogleTest(&argc, argv);
	if (const char *reason = why_not()) {
		printf("not run: %s\n", reason);
		return kNotRun;
	}
	alarm(kProgramTimeouts *
	      static_cast<unsigned>(pmem_test::kTimeout.count()));
	testing::UnitTest::GetInstance()->listeners().Append(new CloseListener);
	return RUN_ALL_TESTS();
}
