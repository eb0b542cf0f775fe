/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The private data of connections: what is encoded is what is decoded, and
 * nothing else is.
 */
#include "../private_data.hh"

#include <gtest/gtest.h>

namespace fi_pmem
{

namespace
{

Descriptor sample()
{
	Descriptor descriptor;
	descriptor.address = 0x0123456789abcdef;
	descriptor.key = 0xfedcba9876543210;
	descriptor.length = 0x1000;
	descriptor.flags = Descriptor::kMapSync;
	return descriptor;
}

Head decode(const DescriptorBytes &bytes, size_t length)
{
	Descriptor ignored;
	return decode_descriptor(bytes.data(), length, &ignored);
}

TEST(PrivateData, DescriptorSurvivesTheWire)
{
	auto bytes = encode_descriptor(sample());
	Descriptor decoded;
	ASSERT_EQ(decode_descriptor(bytes.data(), bytes.size(), &decoded),
		  Head::ok);
	EXPECT_EQ(decoded.address, sample().address);
	EXPECT_EQ(decoded.key, sample().key);
	EXPECT_EQ(decoded.length, sample().length);
	EXPECT_EQ(decoded.flags, sample().flags);
}

TEST(PrivateData, LayoutIsLittleEndian)
{
	auto bytes = encode_descriptor(sample());
	EXPECT_EQ(bytes[0], 'F');
	EXPECT_EQ(bytes[3], 'M');
	EXPECT_EQ(bytes[4], kProtocolVersion);
	EXPECT_EQ(bytes[8], 0xef);
	EXPECT_EQ(bytes[15], 0x01);
}

TEST(PrivateData, PaddingByTheTransportIsIgnored)
{
	auto bytes = encode_descriptor(sample());
	std::array<unsigned char, 56> padded{};
	std::copy(bytes.begin(), bytes.end(), padded.begin());
	Descriptor decoded;
	EXPECT_EQ(decode_descriptor(padded.data(), padded.size(), &decoded),
		  Head::ok);
}

TEST(PrivateData, EveryTruncationIsForeign)
{
	auto bytes = encode_descriptor(sample());
	for (size_t length = 0; length < bytes.size(); length++)
		EXPECT_EQ(decode(bytes, length), Head::foreign) << length;
	EXPECT_EQ(decode_descriptor(nullptr, 0, nullptr), Head::foreign);
}

TEST(PrivateData, AnotherVersionIsTold)
{
	auto bytes = encode_descriptor(sample());
	bytes[4]++;
	EXPECT_EQ(decode(bytes, bytes.size()), Head::other_version);
	auto hello = encode_hello();
	hello[5]++;
	EXPECT_EQ(check_hello(hello.data(), hello.size()), Head::other_version);
}

TEST(PrivateData, ImpossibleRegionIsForeign)
{
	auto descriptor = sample();
	descriptor.length = 0;
	auto bytes = encode_descriptor(descriptor);
	EXPECT_EQ(decode(bytes, bytes.size()), Head::foreign);
	descriptor.address = UINT64_MAX - 5;
	descriptor.length = 10;
	bytes = encode_descriptor(descriptor);
	EXPECT_EQ(decode(bytes, bytes.size()), Head::foreign);
}

HelloMessage received(const std::string &sent)
{
	HelloMessage message{};
	std::copy(sent.begin(), sent.end(), message.begin());
	return message;
}

TEST(PrivateData, HelloMessageCarriesTheAddress)
{
	for (size_t bytes :
	     {size_t{0}, size_t{16}, sizeof(HelloMessage) - 12}) {
		std::string address(bytes, 'a');
		std::string decoded = "another";
		EXPECT_EQ(decode_hello_message(
				  received(encode_hello_message(address)),
				  &decoded),
			  Head::ok);
		EXPECT_EQ(decoded, address);
	}
	EXPECT_EQ(encode_hello_message(std::string(117, 'a')), "");
}

TEST(PrivateData, HelloMessageWithTooLongAnAddressIsForeign)
{
	auto message = received(encode_hello_message("address"));
	std::string decoded;
	message[8] = sizeof(message) - 12;
	EXPECT_EQ(decode_hello_message(message, &decoded), Head::ok);
	message[8]++;
	EXPECT_EQ(decode_hello_message(message, &decoded), Head::foreign);
	message[8] = 0;
	message[11] = 0x80;
	EXPECT_EQ(decode_hello_message(message, &decoded), Head::foreign);
	EXPECT_EQ(decode_hello_message(HelloMessage{}, &decoded),
		  Head::foreign);
}

TEST(PrivateData, OneKindIsNotTakenForAnother)
{
	auto descriptor = encode_descriptor(sample());
	auto refusal = encode_refusal(Refusal::busy);
	EXPECT_EQ(check_hello(descriptor.data(), descriptor.size()),
		  Head::foreign);
	EXPECT_EQ(decode_refusal(descriptor.data(), descriptor.size()),
		  Refusal::none);
	EXPECT_EQ(decode_refusal(refusal.data(), refusal.size()),
		  Refusal::busy);
	EXPECT_EQ(decode_refusal(refusal.data(), 8), Refusal::none);
}

} // namespace

} // namespace fi_pmem
