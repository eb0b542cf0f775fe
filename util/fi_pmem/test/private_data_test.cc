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

HelloMessage received(const ClaimBytes &sent)
{
	return received(std::string(sent.begin(), sent.end()));
}

Denial sample_denial()
{
	Denial denial;
	denial.reason = Denial::Reason::in_use;
	denial.error = 0x1234;
	denial.seconds = 0x56789abc;
	denial.holder.process = 0xdef01234;
	denial.holder.family = 6;
	denial.holder.port = 0x4567;
	denial.holder.address.back() = 1;
	return denial;
}

TEST(PrivateData, ClaimSurvivesTheWire)
{
	Claim claim;
	claim.flags = Claim::kTakeover;
	claim.process = 0x01234567;
	claim.offset = 0x89abcdef01234567;
	claim.length = 0xfedcba9876543210;
	Claim decoded;
	ASSERT_EQ(decode_claim(received(encode_claim(claim)), &decoded),
		  Head::ok);
	EXPECT_EQ(decoded.flags, claim.flags);
	EXPECT_EQ(decoded.process, claim.process);
	EXPECT_EQ(decoded.offset, claim.offset);
	EXPECT_EQ(decoded.length, claim.length);
}

TEST(PrivateData, GrantSurvivesTheWire)
{
	Descriptor decoded;
	ASSERT_EQ(decode_grant(encode_grant(sample()), &decoded), Head::ok);
	EXPECT_EQ(decoded.address, sample().address);
	EXPECT_EQ(decoded.key, sample().key);
	EXPECT_EQ(decoded.length, sample().length);
	auto empty = sample();
	empty.length = 0;
	EXPECT_EQ(decode_grant(encode_grant(empty), &decoded), Head::foreign);
}

TEST(PrivateData, DenialSurvivesTheWire)
{
	Denial denial = sample_denial();
	Denial decoded;
	ASSERT_EQ(decode_denial(encode_denial(denial), &decoded), Head::ok);
	EXPECT_EQ(decoded.reason, denial.reason);
	EXPECT_EQ(decoded.error, denial.error);
	EXPECT_EQ(decoded.seconds, denial.seconds);
	EXPECT_EQ(decoded.holder.process, denial.holder.process);
	EXPECT_EQ(decoded.holder.family, denial.holder.family);
	EXPECT_EQ(decoded.holder.port, denial.holder.port);
	EXPECT_EQ(decoded.holder.address, denial.holder.address);
}

TEST(PrivateData, DenialForNoReasonThatThereIsIsForeign)
{
	Denial decoded;
	for (unsigned char reason : {0, 5, 255}) {
		auto bytes = encode_denial(sample_denial());
		bytes[8] = reason;
		EXPECT_EQ(decode_denial(bytes, &decoded), Head::foreign);
	}
	auto bytes = encode_denial(sample_denial());
	bytes[22] = 5;
	EXPECT_EQ(decode_denial(bytes, &decoded), Head::foreign);
}

TEST(PrivateData, AClaimIsNoHelloAndAGrantIsNoDescriptor)
{
	auto claim = received(encode_claim({}));
	auto hello = received(encode_hello_message("address"));
	std::string address;
	Claim ignored;
	EXPECT_EQ(decode_hello_message(claim, &address), Head::foreign);
	EXPECT_EQ(decode_claim(hello, &ignored), Head::foreign);
	claim[4]++;
	EXPECT_EQ(decode_claim(claim, &ignored), Head::other_version);
	auto grant = encode_grant(sample());
	auto denial = encode_denial(sample_denial());
	auto descriptor = encode_descriptor(sample());
	Descriptor part;
	Denial reason;
	EXPECT_EQ(decode(grant, grant.size()), Head::foreign);
	EXPECT_EQ(decode_grant(descriptor, &part), Head::foreign);
	EXPECT_EQ(decode_grant(denial, &part), Head::foreign);
	EXPECT_EQ(decode_denial(grant, &reason), Head::foreign);
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
