/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/address.hh"

#include "core/key.hh"
#include "fixture/plane_fixture.hh"

#include <gtest/gtest.h>

#include <arpa/inet.h>

namespace ofi_pmem::test
{

TEST(Key, CarriesMarkerPortAndToken)
{
	Key key(65535, Key::kTokenMask);
	EXPECT_TRUE(key.persistent());
	EXPECT_EQ(key.port(), 65535);
	EXPECT_EQ(key.token(), Key::kTokenMask);
	Key other(1, 42);
	EXPECT_EQ(Key(other.value()).port(), 1);
	EXPECT_EQ(Key(other.value()).token(), 42u);
	EXPECT_FALSE(Key(other.value() & ~Key::kMarker).persistent());
}

TEST(IpAddress, TakesBothFamiliesAndNothingElse)
{
	sockaddr_in v4{};
	v4.sin_family = AF_INET;
	v4.sin_port = htons(77);
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	IpAddress address;
	ASSERT_TRUE(address.assign(&v4, sizeof(v4)));
	EXPECT_EQ(address.host(), "127.0.0.1");
	EXPECT_EQ(address.port(), 77);
	EXPECT_FALSE(address.wildcard());

	sockaddr_in6 v6{};
	v6.sin6_family = AF_INET6;
	IpAddress six;
	ASSERT_TRUE(six.assign(&v6, sizeof(v6)));
	EXPECT_TRUE(six.wildcard());
	six.set_port(9);
	EXPECT_EQ(six.port(), 9);
	EXPECT_FALSE(six == address);

	EXPECT_FALSE(six.assign(&v6, sizeof(v6) - 1));
	EXPECT_FALSE(six.assign(nullptr, 16));
	sockaddr_storage other{};
	other.ss_family = AF_UNIX;
	EXPECT_FALSE(six.assign(&other, sizeof(other)));
}

IpAddress from(const char *host)
{
	return ip_address(host, 7);
}

TEST(IpAddress, MappedOneIsThatOfIpv4)
{
	IpAddress address = from("::ffff:10.1.2.3");
	EXPECT_EQ(address.family(), AF_INET);
	EXPECT_EQ(address.host(), "10.1.2.3");
	EXPECT_EQ(address.port(), 7);
	EXPECT_TRUE(address == from("10.1.2.3"));
}

TEST(IpAddress, CoversWhatASocketTakes)
{
	IpAddress own = from("127.0.0.1");
	own.set_port(8);
	EXPECT_TRUE(own.covers(from("127.0.0.1")));
	EXPECT_FALSE(own.covers(from("127.0.0.2")));
	EXPECT_FALSE(own.covers(from("0.0.0.0")));
	EXPECT_TRUE(from("0.0.0.0").covers(own));
	EXPECT_FALSE(from("0.0.0.0").covers(from("::1")));
	EXPECT_FALSE(from("0.0.0.0").covers(from("::")));
	EXPECT_TRUE(from("::").covers(from("::1")));
	EXPECT_FALSE(from("::1").covers(own));
}

TEST(IpAddress, HostAddressesAreThoseOfTheFamily)
{
	auto all = host_addresses(from("0.0.0.0"));
	EXPECT_FALSE(all.empty());
	for (const IpAddress &one : all)
		EXPECT_EQ(one.family(), AF_INET);
	EXPECT_EQ(host_addresses(all.front()).size(), 1U);
}

} // namespace ofi_pmem::test
