/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Tests HOST[:PORT] in all the ways people write it, and in some they should
 * not.
 */
#include "client/address.hh"

#include <gtest/gtest.h>

namespace fi_pmem
{

namespace
{

std::string parsed(const std::string &text)
{
	Address address;
	return parse_address(text, &address) ? format_address(address)
					     : "wrong";
}

TEST(Address, NameOrNumberTakesTheDefaultPort)
{
	EXPECT_EQ(parsed("node7"), "node7:7476");
	EXPECT_EQ(parsed("10.0.0.1"), "10.0.0.1:7476");
}

TEST(Address, PortFollowsTheColon)
{
	EXPECT_EQ(parsed("node7:1"), "node7:1");
	EXPECT_EQ(parsed("10.0.0.1:65535"), "10.0.0.1:65535");
}

TEST(Address, Ipv6NeedsBracketsOnlyForAPort)
{
	EXPECT_EQ(parsed("::1"), "[::1]:7476");
	EXPECT_EQ(parsed("[::1]"), "[::1]:7476");
	EXPECT_EQ(parsed("[fe80::1%eth0]:7000"), "[fe80::1%eth0]:7000");
}

TEST(Address, MalformedTextIsRefused)
{
	for (const char *text :
	     {"", ":", ":1", "h:", "h:0", "h:65536", "h:1x", "h:-1", "[::1",
	      "[]", "[]:1", "[::1]x", "[::1]:", "[::1]:0"})
		EXPECT_EQ(parsed(text), "wrong") << text;
}

} // namespace

} // namespace fi_pmem
