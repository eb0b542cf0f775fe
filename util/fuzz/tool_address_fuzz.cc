/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Addresses as people write them, and as providers report them. */
#include "client/address.hh"
#include "harness.hh"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace fi_pmem
{

namespace
{

using ofi_pmem::fuzz::require;

void parse(const std::string &text)
{
	Address address;
	if (!parse_address(text, &address))
		return;
	require(!address.host.empty() && address.port,
		"an address has a host and a port");
	Address again;
	/*
	 * Text in brackets may need none, and no host contains brackets itself.
	 */
	if (address.host.find(']') != text.npos || text.front() == '[')
		return;
	require(parse_address(format_address(address), &again) &&
			again.host == address.host &&
			again.port == address.port,
		"an address is read as it was written");
}

} // namespace

} // namespace fi_pmem

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fi_pmem::parse({reinterpret_cast<const char *>(data), len});
	sockaddr_storage storage{};
	if (len)
		std::memcpy(&storage, data, std::min(len, sizeof(storage)));
	std::string text = fi_pmem::format_address(&storage);
	fi_pmem::Address address;
	if (text != "?" && fi_pmem::parse_address(text, &address))
		ofi_pmem::fuzz::require(fi_pmem::format_address(address) ==
						text,
					"a socket address is read as written");
	return 0;
}
