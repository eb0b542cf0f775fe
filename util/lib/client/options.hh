/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How a client reaches fi_pmem serve, and how long it waits for that.
 */
#pragma once

#include "client/address.hh"

#include <cstdint>
#include <string>

namespace fi_pmem
{

inline constexpr unsigned kDefaultTimeout = 10;
inline constexpr unsigned kDefaultStall = 30;

struct ClientOptions {
	std::string provider; /* empty: choose */
	bool rdm = false;     /* endpoints without connection */
	uint64_t caps = 0;    /* besides messages and RMA */
	Address peer;
	uint32_t region = 0;		      /* which of the peer's */
	uint32_t depth = 16;		      /* operations in flight */
	unsigned timeout_s = kDefaultTimeout; /* for connecting */
	unsigned stall_s = kDefaultStall;     /* without any completion */
};

} // namespace fi_pmem
