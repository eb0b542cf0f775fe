/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Logging goes through libfabric (fi_log). WARN: the user must act. INFO: once
 * per object. TRACE: the hops of one write. The function
 * that first decides which error it is logs; its callers stay silent.
 *
 * The subsystem is FI_LOG_CORE, FI_LOG_DOMAIN, FI_LOG_MR, ... The format
 * string ends without a newline: the macro adds it.
 */
#pragma once

#include "core/prov.hh"

#include <rdma/providers/fi_log.h>

/* The last argument is always "", because ISO C++17 requires one. */
#define PMEM_LOG(level, subsystem, format, ...)                                \
	do {                                                                   \
		if (fi_log_enabled(&::ofi_pmem::provider, level, subsystem))   \
			fi_log(&::ofi_pmem::provider, level, subsystem,        \
			       __func__, __LINE__, format "%s\n",              \
			       __VA_ARGS__);                                   \
	} while (0)

#define PMEM_WARN(subsystem, ...)                                              \
	PMEM_LOG(FI_LOG_WARN, subsystem, __VA_ARGS__, "")
#define PMEM_INFO(subsystem, ...)                                              \
	PMEM_LOG(FI_LOG_INFO, subsystem, __VA_ARGS__, "")
#define PMEM_TRACE(subsystem, ...)                                             \
	PMEM_LOG(FI_LOG_TRACE, subsystem, __VA_ARGS__, "")
