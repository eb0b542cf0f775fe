/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Decodes any bytes as what the two ends of fi_pmem say to each other: what can
 * be decoded is encoded the same again.
 */
#include "client/private_data.hh"

#include "harness.hh"

#include <algorithm>
#include <vector>

namespace fi_pmem
{

namespace
{

using Bytes = std::vector<uint8_t>;
using ofi_pmem::fuzz::require;

template <typename Encoded>
bool begins_with(const Bytes &bytes, const Encoded &encoded)
{
	return bytes.size() >= encoded.size() &&
	       std::equal(encoded.begin(), encoded.end(), bytes.begin());
}

void read_hello(const Bytes &bytes)
{
	uint32_t region = 0;
	if (decode_hello(bytes.data(), bytes.size(), &region) == Head::ok) {
		auto again = encode_hello(region);
		size_t both = std::min(bytes.size(), again.size());
		require(std::equal(again.begin(), again.begin() + both,
				   bytes.begin()) ||
				(!region && both < again.size()),
			"a hello is what we would say");
	}
	HelloMessage message{};
	std::copy_n(bytes.begin(), std::min(bytes.size(), message.size()),
		    message.begin());
	std::string address;
	if (decode_hello_message(message, &address, &region) != Head::ok)
		return;
	std::string again = encode_hello_message(address, region);
	require(!again.empty() &&
			std::equal(again.begin(), again.end(), message.begin(),
				   [](char a, unsigned char b) {
					   return static_cast<unsigned char>(
							  a) == b;
				   }),
		"an address is where it was found");
}

void read_descriptor(const Bytes &bytes)
{
	Descriptor found;
	if (decode_descriptor(bytes.data(), bytes.size(), &found) != Head::ok)
		return;
	require(found.length && found.address + found.length >= found.length,
		"a region is one");
	DescriptorBytes again = encode_descriptor(found);
	require(begins_with(bytes, again),
		"a descriptor is read as it was written");
}

void read_status(const Bytes &bytes)
{
	StatusPart part;
	if (decode_status(bytes.data(), bytes.size(), &part) != Head::ok)
		return;
	require(!part.text.empty() &&
			part.text.size() <= StatusPart::kMostBytes &&
			part.total <= StatusPart::kMostTotal &&
			part.offset <= part.total &&
			part.text.size() <= part.total - part.offset,
		"a part is within the whole");
	StatusBytes again = encode_status(part);
	size_t bytes_before_text = again.size() - StatusPart::kMostBytes;
	require(std::equal(again.begin(),
			   again.begin() + bytes_before_text + part.text.size(),
			   bytes.begin()),
		"a part is read as it was written");
}

void read_refusal(const Bytes &bytes)
{
	Refusal reason = decode_refusal(bytes.data(), bytes.size());
	if (reason != Refusal::none && reason != Refusal::version)
		require(begins_with(bytes, encode_refusal(reason)),
			"a refusal is read as it was written");
}

void read_claim(const Bytes &bytes)
{
	HelloMessage message{};
	std::copy_n(bytes.begin(), std::min(bytes.size(), message.size()),
		    message.begin());
	Claim claim;
	if (decode_claim(message, &claim) != Head::ok)
		return;
	ClaimBytes again = encode_claim(claim);
	require(std::equal(again.begin(), again.end(), message.begin()),
		"a claim is read as it was written");
}

void read_answer(const Bytes &bytes)
{
	DescriptorBytes message{};
	std::copy_n(bytes.begin(), std::min(bytes.size(), message.size()),
		    message.begin());
	Descriptor part;
	bool granted = decode_grant(message, &part) == Head::ok;
	if (granted) {
		DescriptorBytes again = encode_grant(part);
		require(again == message, "a grant is read as it was written");
	}
	Denial denial;
	if (decode_denial(message, &denial) != Head::ok)
		return;
	require(!granted, "an answer is a grant or a denial");
	require(encode_denial(denial) == message,
		"a denial is read as it was written");
}

} // namespace

} // namespace fi_pmem

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fi_pmem::Bytes bytes(data, data + len);
	fi_pmem::read_hello(bytes);
	fi_pmem::read_descriptor(bytes);
	fi_pmem::read_status(bytes);
	fi_pmem::read_refusal(bytes);
	fi_pmem::read_claim(bytes);
	fi_pmem::read_answer(bytes);
	return 0;
}
