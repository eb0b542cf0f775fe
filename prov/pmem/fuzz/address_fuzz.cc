/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Socket addresses as a provider may hand them over, of any family and length.
 */
#include "core/address.hh"

#include "harness.hh"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	std::vector<uint8_t> bytes(data, data + len);
	IpAddress address;
	if (!address.assign(bytes.data(), bytes.size()))
		return 0;
	fuzz::require(address.family() == AF_INET ||
			      address.family() == AF_INET6,
		      "an address is one of the internet's");
	fuzz::require(!address.host().empty(), "an address has a host");
	IpAddress other = address;
	other.set_port(static_cast<uint16_t>(address.port() + 1));
	fuzz::require(!(other == address) &&
			      other.wildcard() == address.wildcard() &&
			      other.host() == address.host(),
		      "a port is a part of its own");
	other.set_port(address.port());
	fuzz::require(other == address, "an address equals itself");
	return 0;
}
