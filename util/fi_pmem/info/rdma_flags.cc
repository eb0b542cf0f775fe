/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "info/rdma_flags.hh"

#include <memory>

#ifdef HAVE_VERBS
#include <infiniband/verbs.h>
#endif

namespace fi_pmem
{

#ifdef HAVE_VERBS

namespace
{

/* Of ibv_device_attr_ex::device_cap_flags_ex; ib_user_verbs.h has them since
 * Linux 6.2. */
constexpr uint64_t kFlushGlobal = uint64_t{1} << 38;
constexpr uint64_t kFlushPersistent = uint64_t{1} << 39;
constexpr uint64_t kAtomicWrite = uint64_t{1} << 40;

struct Free {
	void operator()(ibv_device **list) const { ibv_free_device_list(list); }
	void operator()(ibv_context *opened) const { ibv_close_device(opened); }
};

std::unique_ptr<ibv_context, Free> open_device(const std::string &name)
{
	std::unique_ptr<ibv_device *, Free> list(ibv_get_device_list(nullptr));
	for (ibv_device **one = list.get(); one && *one; one++)
		if (name == ibv_get_device_name(*one))
			return {ibv_open_device(*one), {}};
	return nullptr;
}

} // namespace

std::optional<RdmaFlags> rdma_flags(const std::string &device)
{
	auto opened = open_device(device);
	ibv_device_attr_ex attr{};
	if (!opened || ibv_query_device_ex(opened.get(), nullptr, &attr))
		return std::nullopt;
	auto has = [&](uint64_t flag) {
		return (attr.device_cap_flags_ex & flag) != 0;
	};
	return RdmaFlags{has(kFlushGlobal), has(kFlushPersistent),
			 has(kAtomicWrite)};
}

#else

std::optional<RdmaFlags> rdma_flags(const std::string &)
{
	return std::nullopt;
}

#endif

} // namespace fi_pmem
