/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Which channel of a service takes the place of which. */
#include "service/channel_registry.hh"

#include <gtest/gtest.h>

namespace ofi_pmem::test
{

namespace
{

using Admission = std::unique_ptr<ChannelRegistry::Admission>;
using Threads = std::vector<size_t>;

class ChannelRegistryTest : public ::testing::Test
{
protected:
	Admission admit()
	{
		Admission admission;
		EXPECT_EQ(registry_.admit(nullptr, &admission), nullptr);
		return admission;
	}

	ChannelRegistry registry_{2};
};

} // namespace

TEST_F(ChannelRegistryTest, LaterOneReplacesTheEarlierOfItsName)
{
	Admission earlier = admit();
	Admission other = admit();
	Admission later = admit();
	EXPECT_EQ(registry_.greeted(earlier.get(), 7), Threads{});
	EXPECT_EQ(registry_.greeted(other.get(), 8), Threads{});
	EXPECT_EQ(registry_.greeted(later.get(), 7),
		  Threads{earlier->thread()});
	EXPECT_TRUE(earlier->superseded());
	EXPECT_FALSE(other->superseded());
	EXPECT_FALSE(later->superseded());
}

/* Its thread was busy, and its initiator has given it up meanwhile. */
TEST_F(ChannelRegistryTest, OneThatGreetsLateReplacesNobody)
{
	Admission earlier = admit();
	Admission later = admit();
	EXPECT_EQ(registry_.greeted(later.get(), 7), Threads{});
	EXPECT_EQ(registry_.greeted(earlier.get(), 7),
		  Threads{earlier->thread()});
	EXPECT_TRUE(earlier->superseded());
	EXPECT_FALSE(later->superseded());
}

TEST_F(ChannelRegistryTest, NamelessOnesReplaceNobody)
{
	Admission first = admit();
	Admission second = admit();
	EXPECT_EQ(registry_.greeted(first.get(), 0), Threads{});
	EXPECT_EQ(registry_.greeted(second.get(), 0), Threads{});
	EXPECT_FALSE(first->superseded());
}

TEST_F(ChannelRegistryTest, ThreadThatHasEndedGetsNone)
{
	Admission first = admit();
	registry_.retire(1);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(admit()->thread(), 0U);
}

} // namespace ofi_pmem::test
