/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The private data of connections: what is encoded is decoded the same, and
 * nothing else is accepted.
 */
#include "client/private_data.hh"

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
	descriptor.region = 7;
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
	EXPECT_EQ(decoded.region, sample().region);
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
	uint32_t region = 0;
	EXPECT_EQ(decode_hello(hello.data(), hello.size(), &region),
		  Head::other_version);
}

TEST(PrivateData, HelloNamesARegionOrTheFirst)
{
	auto hello = encode_hello(3);
	uint32_t region = 9;
	EXPECT_EQ(decode_hello(hello.data(), hello.size(), &region), Head::ok);
	EXPECT_EQ(region, 3u);
	for (size_t length = 8; length < hello.size(); length++) {
		region = 9;
		EXPECT_EQ(decode_hello(hello.data(), length, &region),
			  Head::ok);
		EXPECT_EQ(region, 0u);
	}
	EXPECT_EQ(decode_hello(hello.data(), 7, &region), Head::foreign);
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
	     {size_t{0}, size_t{16}, sizeof(HelloMessage) - 16}) {
		std::string address(bytes, 'a');
		std::string decoded = "another";
		uint32_t region = 0;
		EXPECT_EQ(decode_hello_message(
				  received(encode_hello_message(address, 5)),
				  &decoded, &region),
			  Head::ok);
		EXPECT_EQ(decoded, address);
		EXPECT_EQ(region, 5u);
	}
	EXPECT_EQ(encode_hello_message(std::string(113, 'a')), "");
}

TEST(PrivateData, HelloMessageWithTooLongAnAddressIsForeign)
{
	auto message = received(encode_hello_message("address"));
	std::string decoded;
	uint32_t region = 0;
	message[8] = sizeof(message) - 16;
	EXPECT_EQ(decode_hello_message(message, &decoded, &region), Head::ok);
	message[8]++;
	EXPECT_EQ(decode_hello_message(message, &decoded, &region),
		  Head::foreign);
	message[8] = 0;
	message[11] = 0x80;
	EXPECT_EQ(decode_hello_message(message, &decoded, &region),
		  Head::foreign);
	EXPECT_EQ(decode_hello_message(HelloMessage{}, &decoded, &region),
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
	uint32_t number = 0;
	EXPECT_EQ(decode_hello_message(claim, &address, &number),
		  Head::foreign);
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

StatusPart sample_part()
{
	StatusPart part;
	part.generation = 9;
	part.offset = 40;
	part.total = 50;
	part.text = "0123456789";
	return part;
}

Head decode_part(const StatusBytes &bytes, StatusPart *part)
{
	return decode_status(bytes.data(), bytes.size(), part);
}

TEST(PrivateData, StatusSurvivesTheWire)
{
	StatusPart part;
	ASSERT_EQ(decode_part(encode_status(sample_part()), &part), Head::ok);
	EXPECT_EQ(part.generation, 9u);
	EXPECT_EQ(part.offset, 40u);
	EXPECT_EQ(part.total, 50u);
	EXPECT_EQ(part.text, "0123456789");
}

TEST(PrivateData, StatusOutsideItsWholeIsForeign)
{
	StatusPart ignored;
	auto good = encode_status(sample_part());
	/* Generation, offset, total and bytes are from byte 8 on. */
	for (size_t at :
	     {size_t{12}, size_t{15}, size_t{19}, size_t{20}, size_t{23}}) {
		auto bad = good;
		bad[at]++;
		EXPECT_EQ(decode_part(bad, &ignored), Head::foreign) << at;
	}
	auto none = good;
	none[20] = 0;
	EXPECT_EQ(decode_part(none, &ignored), Head::foreign);
	auto whole = sample_part();
	whole.total = StatusPart::kMostTotal + 1;
	EXPECT_EQ(decode_part(encode_status(whole), &ignored), Head::foreign);
	whole.total = 5;
	whole.offset = 0;
	EXPECT_EQ(decode_part(encode_status(whole), &ignored), Head::foreign);
	EXPECT_EQ(decode_status(good.data(), good.size() - 1, &ignored),
		  Head::foreign);
}

TEST(PrivateData, StatusQuestionIsNoHello)
{
	auto message = received(encode_status_question("address", 80));
	std::string address;
	uint32_t number = 0;
	EXPECT_EQ(decode_status_question(message, &address, &number), Head::ok);
	EXPECT_EQ(address, "address");
	EXPECT_EQ(number, 80u);
	EXPECT_EQ(decode_hello_message(message, &address, &number),
		  Head::foreign);
	Claim claim;
	EXPECT_EQ(decode_claim(message, &claim), Head::foreign);
}

TEST(PrivateData, OneKindIsNotTakenForAnother)
{
	auto descriptor = encode_descriptor(sample());
	auto refusal = encode_refusal(Refusal::busy);
	uint32_t region = 0;
	EXPECT_EQ(decode_hello(descriptor.data(), descriptor.size(), &region),
		  Head::foreign);
	EXPECT_EQ(decode_refusal(descriptor.data(), descriptor.size()),
		  Refusal::none);
	EXPECT_EQ(decode_refusal(refusal.data(), refusal.size()),
		  Refusal::busy);
	EXPECT_EQ(decode_refusal(refusal.data(), 8), Refusal::none);
}

} // namespace

} // namespace fi_pmem
