/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Streams of bytes, good and hostile, are cut into messages. */
#include "transport/message_cut.hh"

#include "protocol/wire.hh"

#include <gtest/gtest.h>

#include <vector>

namespace ofi_pmem
{

namespace
{

using Bytes = std::vector<uint8_t>;

const LinkAttr kWhole{1, 8, 8, wire::kMaxMessage};
const LinkAttr kLong{1, 8, 8, wire::kMaxMessage, 0, true};

template <typename Message>
Bytes message(size_t payload, uint32_t length_added = 0)
{
	auto head = wire::make<Message>(1, 1, 0, payload);
	head.header.length += length_added;
	Bytes bytes(sizeof(head) + payload);
	std::memcpy(bytes.data(), &head, sizeof(head));
	return bytes;
}

Bytes operator+(Bytes first, const Bytes &second)
{
	first.insert(first.end(), second.begin(), second.end());
	return first;
}

Cut cut(const Bytes &bytes, const LinkAttr &attr = kWhole)
{
	return cut(bytes.data(), bytes.size(), attr);
}

TEST(MessageCut, FindsAllWholeMessages)
{
	Bytes one = message<wire::Flush>(48);
	Bytes two = message<wire::Write>(9);
	EXPECT_EQ(cut(one).whole, one.size());
	EXPECT_EQ(cut(one + two).whole, one.size() + two.size());
	EXPECT_FALSE(cut(one + two).bad);
	EXPECT_EQ(cut(one + two).payload, 0U);
}

TEST(MessageCut, SaysHowMuchAPartNeeds)
{
	EXPECT_EQ(cut({}).wanted, sizeof(wire::Header));
	Bytes one = message<wire::Write>(1000);
	for (size_t len = 0; len < one.size(); len++) {
		Cut part = cut(one.data(), len, kWhole);
		EXPECT_FALSE(part.bad);
		EXPECT_EQ(part.whole, 0U);
		EXPECT_EQ(part.wanted, len < sizeof(wire::Header)
					       ? sizeof(wire::Header)
					       : one.size());
		Cut behind =
			cut(one + Bytes(one.begin(),
					one.begin() + static_cast<int>(len)));
		EXPECT_EQ(behind.whole, one.size());
	}
}

TEST(MessageCut, OfALongWriteTheFixedPartIsEnough)
{
	constexpr size_t kPayload = wire::kMaxWholeWrite;
	Bytes before = message<wire::Flush>(24);
	Bytes write = message<wire::Write>(kPayload);
	Cut found = cut(before + write, kLong);
	EXPECT_EQ(found.whole, before.size() + sizeof(wire::Write));
	EXPECT_EQ(found.payload, kPayload);
	write.resize(sizeof(wire::Write));
	EXPECT_EQ(cut(before + write, kLong).payload, kPayload);
	write.pop_back();
	EXPECT_EQ(cut(write, kLong).wanted, sizeof(wire::Write));
	/* A shorter one is whole, and so is each where there are none. */
	Bytes short_write =
		message<wire::Write>(kPayload - sizeof(wire::Write));
	EXPECT_EQ(cut(short_write, kLong).whole, short_write.size());
	Bytes all = message<wire::Write>(kPayload);
	EXPECT_EQ(cut(all, kWhole).whole, all.size());
}

TEST(MessageCut, RefusesImpossibleLengths)
{
	for (uint32_t length : {0U, 1U, uint32_t{sizeof(wire::Header)} - 1}) {
		Bytes bytes = message<wire::Flush>(0);
		std::memcpy(&bytes[offsetof(wire::Header, length)], &length,
			    sizeof(length));
		EXPECT_TRUE(cut(bytes).bad) << length;
		EXPECT_TRUE(cut(message<wire::Flush>(0) + bytes).bad);
	}
	EXPECT_FALSE(cut(message<wire::Atomic>(0, wire::kMaxMessage -
							  sizeof(wire::Atomic)))
			     .bad);
	EXPECT_TRUE(cut(message<wire::Atomic>(0, wire::kMaxMessage + 1 -
							 sizeof(wire::Atomic)))
			    .bad);
	EXPECT_TRUE(cut(message<wire::Flush>(0, 1 << 30), kLong).bad);
}

TEST(MessageCut, RefusesWritesThatAreTooLong)
{
	EXPECT_FALSE(
		cut(message<wire::Write>(0, wire::kMaxLongPayload), kLong).bad);
	EXPECT_TRUE(
		cut(message<wire::Write>(0, wire::kMaxLongPayload + 1), kLong)
			.bad);
	EXPECT_TRUE(cut(message<wire::Write>(0, wire::kMaxLongPayload), kWhole)
			    .bad);
}

/* Whoever speaks another protocol is not waited for. */
TEST(MessageCut, RefusesUnknownTypesAtOnce)
{
	for (const char *text : {"GET / HTTP/1.1\r\n", "SSH-2.0-"})
		EXPECT_TRUE(cut(Bytes(text, text + 2)).bad) << text;
	EXPECT_TRUE(cut({0x16, 3, 1, 2, 0, 1, 0, 1}).bad) << "TLS";
	EXPECT_TRUE(cut(Bytes(3, 0xff)).bad);
	EXPECT_TRUE(cut(Bytes(3, 0)).bad);
	EXPECT_TRUE(cut(message<wire::Flush>(0) + Bytes(2, 0)).bad);
	EXPECT_FALSE(cut(Bytes(1, 0xff)).bad);
}

} // namespace

} // namespace ofi_pmem
