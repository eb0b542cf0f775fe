/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where messages end in a stream of bytes, which may be hostile.
 */
#pragma once

#include "transport/transport.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

struct Cut {
	/* The stream violates the protocol. */
	bool bad = false;
	/* Length of the whole messages at the beginning. The last one may be
	 * the fixed part of a long Write, whose payload follows. */
	size_t whole = 0;
	/* Length of that payload; 0: there is none. */
	size_t payload = 0;
	/* If there is no whole message: so many bytes are needed. */
	size_t wanted = 0;
};

/* Cuts at most `len` bytes for a link with these attributes. */
[[nodiscard]] Cut cut(const uint8_t *bytes, size_t len,
		      const LinkAttr &attr) noexcept;

} // namespace ofi_pmem
