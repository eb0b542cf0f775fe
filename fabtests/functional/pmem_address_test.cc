/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A target with several addresses: its regions are reached at each one that an
 * endpoint of the application has, and at no other.
 */
#include "common/local_target.hh"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace pmem_test;

namespace
{

bool has_ipv6()
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in6 name{};
	name.sin6_family = AF_INET6;
	name.sin6_addr = in6addr_loopback;
	bool bound =
		!bind(fd, reinterpret_cast<sockaddr *>(&name), sizeof(name));
	close(fd);
	return bound;
}

/* Returns addresses of this host. */
std::vector<const char *> hosts()
{
	std::vector<const char *> all{"127.0.0.1", "127.0.0.2"};
	if (has_ipv6())
		all.push_back("::1");
	return all;
}

NodeOptions at(Stack stack, const char *host)
{
	NodeOptions options;
	options.stack = stack;
	snprintf(options.host, sizeof(options.host), "%s", host);
	return options;
}

/* A TCP socket at this address; it listens, or is connected to there. */
class Socket
{
public:
	Socket(const char *host, uint16_t port)
		: fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		name_.sin_family = AF_INET;
		name_.sin_port = htons(port);
		inet_pton(AF_INET, host, &name_.sin_addr);
	}
	~Socket() { close(fd_); }
	Socket(const Socket &) = delete;
	Socket &operator=(const Socket &) = delete;

	bool listens() { return !bind(fd_, name(), size_) && !listen(fd_, 1); }
	bool connects() { return !connect(fd_, name(), size_); }

private:
	static constexpr socklen_t size_ = sizeof(sockaddr_in);
	const sockaddr *name() const
	{
		return reinterpret_cast<const sockaddr *>(&name_);
	}

	int fd_;
	sockaddr_in name_{};
};

class PmemAddress : public testing::Test
{
protected:
	void SetUp() override
	{
		if (strcmp(core_provider(), "tcp"))
			GTEST_SKIP() << "needs loopback addresses";
	}

	void open(Stack stack, const char *domain_host)
	{
		target.emplace(at(stack, domain_host));
	}

	/* Commits from a new initiator. Returns 0, or why it cannot commit. */
	int commit_to(const Address &address)
	{
		Initiator initiator(
			at(target->node.options.stack, address.host().c_str()));
		target->connect(initiator.node(), address);
		if (!target->mr)
			target->add_region();
		return target->commit_from(initiator);
	}

	/* Returns the target's port at this host. */
	Address address(const char *host) const
	{
		return target->node.address().with_host(host);
	}

	bool served_at(const char *host) const
	{
		return Socket(host, target->region.service_port()).connects();
	}

	std::optional<LocalTarget> target;
};

TEST_F(PmemAddress, OfAConnectionIsServed)
{
	open(Stack::msg, "127.0.0.3");
	target->node.listen("0.0.0.0");
	EXPECT_EQ(commit_to(address("127.0.0.1")), 0);
	EXPECT_EQ(commit_to(address("127.0.0.2")), 0);
}

TEST_F(PmemAddress, OfAWildcardIsServedAfterTheRegionIsKnown)
{
	open(Stack::msg, "127.0.0.3");
	target->node.listen("0.0.0.0");
	target->add_region();
	EXPECT_EQ(commit_to(address("127.0.0.1")), 0);
	EXPECT_TRUE(served_at("127.0.0.2"));
}

TEST_F(PmemAddress, OfALateConnectionIsServed)
{
	open(Stack::msg, "127.0.0.3");
	target->add_region();
	target->node.listen(has_ipv6() ? "::" : "0.0.0.0");
	for (const char *host : hosts())
		EXPECT_EQ(commit_to(address(host)), 0) << host;
}

TEST_F(PmemAddress, OfAConnectionThatTheTargetMadeIsServed)
{
	open(Stack::msg, "127.0.0.3");
	target->add_region();
	Node peer(at(Stack::msg, "127.0.0.1"));
	peer.listen();
	auto accepted =
		std::async(std::launch::async, [&peer] { peer.accept(); });
	target->node.connect(peer.address());
	accepted.get();
	EXPECT_TRUE(served_at("127.0.0.1"));
}

TEST_F(PmemAddress, OfNoEndpointIsNotServed)
{
	open(Stack::msg, "127.0.0.3");
	target->node.listen("127.0.0.1");
	EXPECT_EQ(commit_to(target->node.address()), 0);
	EXPECT_TRUE(served_at("127.0.0.1"));
	EXPECT_FALSE(served_at("127.0.0.2"));
	EXPECT_FALSE(served_at("127.0.0.3"));
}

TEST_F(PmemAddress, OfEachConnectionlessEndpointIsServed)
{
	for (bool early : {true, false}) {
		open(Stack::rdm, "127.0.0.1");
		if (early)
			target->add_region();
		for (const char *host : hosts())
			target->node.add_endpoint(host);
		for (size_t i = 0; i < hosts().size(); i++)
			EXPECT_EQ(commit_to(target->node.address(i)), 0)
				<< hosts()[i];
	}
}

TEST_F(PmemAddress, WhoseDataPortIsTakenIsRefused)
{
	open(Stack::rdm, "127.0.0.1");
	target->node.add_endpoint("127.0.0.1");
	target->add_region();
	Socket stranger("127.0.0.2", target->region.service_port());
	ASSERT_TRUE(stranger.listens());
	try {
		target->node.add_endpoint("127.0.0.2");
		ADD_FAILURE() << "nobody would reach the region there";
	} catch (const FabricError &error) {
		EXPECT_EQ(error.ret(), -FI_EADDRINUSE);
	}
	EXPECT_EQ(commit_to(target->node.address(0)), 0);
}

} // namespace
