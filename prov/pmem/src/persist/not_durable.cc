/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "persist/not_durable.hh"

#include <mutex>
#include <set>

namespace ofi_pmem
{

bool is_new_cause(const std::string &cause)
{
	static std::mutex lock;
	static auto *causes = new std::set<std::string>;
	std::lock_guard guard(lock);
	return causes->insert(cause).second;
}

} // namespace ofi_pmem
