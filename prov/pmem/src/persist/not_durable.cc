/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/not_durable.hh"

#include "core/lock.hh"

#include <set>

namespace ofi_pmem
{

namespace
{

struct Causes {
	Mutex lock{lock_rank::kCauses};
	std::set<std::string> known PMEM_GUARDED_BY(lock);
};

} // namespace

bool is_new_cause(const std::string &cause)
{
	/* Never destroyed: regions may be registered when the process exits. */
	static auto *causes = new Causes;
	MutexLock guard(causes->lock);
	return causes->known.insert(cause).second;
}

} // namespace ofi_pmem
