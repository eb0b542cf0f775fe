/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/message_cut.hh"

#include "protocol/wire.hh"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace ofi_pmem
{

namespace
{

bool is_long(const wire::Header &header) noexcept
{
	return header.type == wire::Type::write &&
	       header.length > wire::kMaxWholeWrite;
}

/* Returns how many bytes of the message must be there. */
size_t needed(const wire::Header &header, const LinkAttr &attr) noexcept
{
	return attr.long_writes && is_long(header) ? sizeof(wire::Write)
						   : header.length;
}

/*
 * Returns false as soon as it is clear that this is no message. The header's
 * first `len` bytes are there.
 */
bool may_be_good(const wire::Header &header, size_t len,
		 const LinkAttr &attr) noexcept
{
	if (len > offsetof(wire::Header, type) &&
	    (header.type < wire::Type::hello || header.type > wire::kLastType))
		return false;
	if (len < offsetof(wire::Header, sequence))
		return true;
	return header.length >= sizeof(header) &&
	       header.length <= wire::kMaxLongWrite &&
	       needed(header, attr) <= attr.message_bytes;
}

} // namespace

Cut cut(const uint8_t *bytes, size_t len, const LinkAttr &attr) noexcept
{
	Cut result;
	while (true) {
		wire::Header header{};
		size_t left = len - result.whole;
		if (left)
			std::memcpy(&header, bytes + result.whole,
				    std::min(left, sizeof(header)));
		result.bad = !may_be_good(header, left, attr);
		result.wanted = sizeof(header);
		if (result.bad || left < sizeof(header))
			return result;
		result.wanted = needed(header, attr);
		if (result.wanted > left)
			return result;
		result.whole += result.wanted;
		result.payload = header.length - result.wanted;
		if (result.payload)
			return result;
	}
}

} // namespace ofi_pmem
