/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/announcements.hh"

#include <gtest/gtest.h>

namespace ofi_pmem::test
{

namespace
{

constexpr uint64_t kAll = UINT64_MAX;

/* Never looked into. */
const Session *channel(uintptr_t number)
{
	return reinterpret_cast<const Session *>(number);
}

} // namespace

TEST(Announcements, AreTakenOnceInTheirOrder)
{
	Announcements announced;
	EXPECT_TRUE(announced.empty());
	announced.add(channel(1), 1, 7, 100);
	announced.add(channel(1), 2, 8, 200);
	announced.add(channel(1), 3, 7, 300);
	EXPECT_EQ(announced.take(7, kAll), 100u);
	EXPECT_EQ(announced.take(7, kAll), 300u);
	EXPECT_EQ(announced.take(7, kAll), std::nullopt);
	EXPECT_EQ(announced.take(8, kAll), 200u);
	EXPECT_TRUE(announced.empty());
}

TEST(Announcements, CompareOnlyWhatIsTransferred)
{
	Announcements announced;
	announced.add(channel(1), 1, 0x1122334455667788, 100);
	EXPECT_EQ(announced.take(0x55667788, kAll), std::nullopt);
	EXPECT_EQ(announced.take(0x55667788, 0xffffffff), 100u);
}

TEST(Announcements, OfAFailedOperationAreGone)
{
	Announcements announced;
	announced.add(channel(1), 5, 7, 100);
	announced.add(channel(2), 5, 7, 200);
	announced.add(channel(1), 6, 7, 300);
	announced.retract(channel(1), 5);
	EXPECT_EQ(announced.take(7, kAll), 200u);
	EXPECT_EQ(announced.take(7, kAll), 300u);
	EXPECT_TRUE(announced.empty());
}

TEST(Announcements, OfAClosedChannelCountAfterOthers)
{
	Announcements announced;
	announced.add(channel(1), 1, 7, 100);
	announced.add(channel(2), 1, 7, 200);
	announced.close(channel(1));
	/* It is another channel at the same address. */
	announced.retract(channel(1), 1);
	EXPECT_EQ(announced.take(7, kAll), 200u);
	EXPECT_EQ(announced.take(7, kAll), 100u);
	EXPECT_TRUE(announced.empty());
}

TEST(Announcements, OfClosedChannelsAreBounded)
{
	Announcements announced;
	for (size_t i = 0; i < 2 * Announcements::kMaxPerChannel; i++) {
		announced.add(channel(1 + i % 2), i, i, i);
		announced.close(channel(1 + i % 2));
	}
	EXPECT_EQ(announced.take(0, kAll), std::nullopt);
	EXPECT_EQ(announced.take(Announcements::kMaxPerChannel, kAll),
		  Announcements::kMaxPerChannel);
}

TEST(Announcements, OneChannelKeepsAFewAndTakesNothingFromOthers)
{
	Announcements announced;
	announced.add(channel(2), 1, 7, 1);
	for (size_t i = 0; i <= Announcements::kMaxPerChannel; i++)
		announced.add(channel(1), i, i + 100, i);
	EXPECT_EQ(announced.take(7, kAll), 1u);
	EXPECT_EQ(announced.take(100, kAll), std::nullopt);
	EXPECT_EQ(announced.take(101, kAll), 1u);
}

} // namespace ofi_pmem::test
