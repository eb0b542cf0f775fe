/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where a service listens: all its addresses have one port, and the service is
 * reached at each of them.
 */
#include "service/listeners.hh"

#include "core/params.hh"
#include "fixture/held_lock.hh"
#include "fixture/nic_fixture.hh"

#include <future>

namespace ofi_pmem::test
{

namespace
{

constexpr const char *kFirst = "127.0.0.1";
constexpr const char *kSecond = "127.0.0.2";

class ListenersTest : public ::testing::Test
{
protected:
	void SetUp() override
	{
		ASSERT_EQ(transport_.open_queues(16, &queues_), 0);
	}

	void TearDown() override
	{
		unsetenv("FI_OFI_PMEM_PORT_RANGE");
		ASSERT_EQ(load_params(), 0);
	}

	static void set_ports(const char *range)
	{
		setenv("FI_OFI_PMEM_PORT_RANGE", range, 1);
		ASSERT_EQ(load_params(), 0);
	}

	std::unique_ptr<Listener> occupy(const char *host, uint16_t port)
	{
		std::unique_ptr<Listener> listener;
		EXPECT_EQ(transport_.listen(ip_address(host, port),
					    queues_.get(), &listener),
			  0);
		return listener;
	}

	int open(std::initializer_list<const char *> hosts)
	{
		std::vector<IpAddress> addresses;
		for (const char *host : hosts)
			addresses.push_back(ip_address(host));
		return listeners_.open(addresses, queues_.get());
	}

	std::shared_ptr<FakeNic> nic_ = std::make_shared<FakeNic>();
	FakeTransport transport_{nic_};
	std::unique_ptr<Queues> queues_;
	Listeners listeners_{transport_};
};

TEST_F(ListenersTest, HaveOnePort)
{
	ASSERT_EQ(open({kFirst, kSecond, "::1"}), 0);
	EXPECT_EQ(listeners_.port(), FakeNic::kFirstPort);
	EXPECT_EQ(nic_->listening(),
		  (Words{"127.0.0.1 1001", "127.0.0.2 1001", "::1 1001"}));
}

TEST_F(ListenersTest, TakeAnotherPortWhenOneAddressHasItTaken)
{
	auto taken = occupy(kSecond, FakeNic::kFirstPort);
	ASSERT_EQ(open({kFirst, kSecond}), 0);
	EXPECT_EQ(listeners_.port(), FakeNic::kFirstPort + 1);
	EXPECT_EQ(nic_->listening(), (Words{"127.0.0.2 1001", "127.0.0.1 1002",
					    "127.0.0.2 1002"}));
}

TEST_F(ListenersTest, StayInTheRangeOfPorts)
{
	set_ports("7000-7001");
	auto taken = occupy(kSecond, 7000);
	ASSERT_EQ(open({kFirst, kSecond}), 0);
	EXPECT_EQ(listeners_.port(), 7001);
}

TEST_F(ListenersTest, LeaveNothingWhenNoPortIsFreeEverywhere)
{
	set_ports("7000-7001");
	auto second = occupy(kSecond, 7000);
	auto first = occupy(kFirst, 7001);
	EXPECT_EQ(open({kFirst, kSecond}), -FI_EADDRINUSE);
	EXPECT_EQ(nic_->listening(),
		  (Words{"127.0.0.2 7000", "127.0.0.1 7001"}));
}

TEST_F(ListenersTest, TakeOneAddressMore)
{
	ASSERT_EQ(open({kFirst}), 0);
	EXPECT_EQ(listeners_.add(ip_address(kSecond, 99)), 0);
	EXPECT_EQ(listeners_.add(ip_address(kSecond, 98)), 0);
	EXPECT_EQ(listeners_.add(ip_address("::ffff:127.0.0.1")), 0);
	EXPECT_EQ(nic_->listening(),
		  (Words{"127.0.0.1 1001", "127.0.0.2 1001"}));
}

TEST_F(ListenersTest, OneMoreFailsWhereThePortIsTaken)
{
	auto taken = occupy(kSecond, FakeNic::kFirstPort);
	ASSERT_EQ(open({kFirst}), 0);
	EXPECT_EQ(listeners_.add(ip_address(kSecond)), -FI_EADDRINUSE);
	EXPECT_EQ(nic_->listening(),
		  (Words{"127.0.0.2 1001", "127.0.0.1 1001"}));
}

TEST_F(ListenersTest, OfAWildcardAreOne)
{
	ASSERT_EQ(open({kFirst, "0.0.0.0", kSecond}), 0);
	EXPECT_EQ(nic_->listening(), Words{"0.0.0.0 1001"});
	EXPECT_EQ(listeners_.add(ip_address("127.0.0.3")), 0);
	EXPECT_EQ(nic_->listening(), Words{"0.0.0.0 1001"});
	EXPECT_EQ(listeners_.add(ip_address("::1")), 0);
	EXPECT_EQ(nic_->listening(), (Words{"0.0.0.0 1001", "::1 1001"}));
}

TEST_F(ListenersTest, OfBothWildcardsCoverBothFamilies)
{
	ASSERT_EQ(open({"0.0.0.0", "::"}), 0);
	EXPECT_EQ(nic_->listening().front(), ":: 1001");
	EXPECT_EQ(listeners_.add(ip_address(kFirst)), 0);
	EXPECT_EQ(listeners_.add(ip_address("::1")), 0);
}

TEST_F(ListenersTest, TakeEveryAddressOfAWildcardThatComesLater)
{
	ASSERT_EQ(open({kSecond}), 0);
	IpAddress any = ip_address("0.0.0.0");
	ASSERT_EQ(listeners_.add(any), 0);
	Words wanted{"127.0.0.2 1001"};
	for (const IpAddress &one : host_addresses(any))
		wanted.push_back(one.host() + " 1001");
	EXPECT_EQ(nic_->listening(), wanted);
	EXPECT_GT(wanted.size(), 1U);
}

TEST_F(ListenersTest, LeaveOutAddressesOfOtherNics)
{
	nic_->elsewhere = ip_address(kSecond);
	ASSERT_EQ(open({kSecond, kFirst}), 0);
	EXPECT_EQ(listeners_.add(ip_address(kSecond)), 0);
	EXPECT_EQ(nic_->listening(), Words{"127.0.0.1 1001"});
	EXPECT_TRUE(listeners_.complete());
	listeners_.close();
	EXPECT_EQ(open({kSecond}), -FI_ENODEV);
}

TEST_F(ListenersTest, LeaveOutWhatCannotBeListenedAtWhileTheOthersCan)
{
	nic_->elsewhere = ip_address(kSecond);
	nic_->elsewhere_error = -FI_EADDRNOTAVAIL;
	ASSERT_EQ(open({kSecond, kFirst}), 0);
	EXPECT_EQ(nic_->listening(), Words{"127.0.0.1 1001"});
	EXPECT_EQ(listeners_.add(ip_address(kSecond)), -FI_EADDRNOTAVAIL);
	listeners_.retry();
	EXPECT_FALSE(listeners_.complete());
	nic_->elsewhere.reset();
	listeners_.retry();
	EXPECT_TRUE(listeners_.complete());
	EXPECT_EQ(nic_->listening(),
		  (Words{"127.0.0.1 1001", "127.0.0.2 1001"}));
}

TEST_F(ListenersTest, SayWhyNoneOfTheirAddressesCanBeListenedAt)
{
	nic_->elsewhere = ip_address(kSecond);
	nic_->elsewhere_error = -FI_EACCES;
	EXPECT_EQ(open({kSecond}), -FI_EACCES);
}

TEST_F(ListenersTest, ServiceOfTheDomainListensWhenTheOthersAreOfOtherNics)
{
	nic_->elsewhere = ip_address(kSecond);
	RegionTable table;
	Service service(transport_, &table);
	ASSERT_EQ(service.open({ip_address(kSecond)}), 0);
	EXPECT_EQ(nic_->listening(), Words{"127.0.0.1 1001"});
}

class ServiceAddresses : public NicFixture
{
};

TEST_F(ServiceAddresses, OneMoreIsServedWhileTheServiceRuns)
{
	owner_.host = kSecond;
	open_key(add_medium(kDmp));
	uint8_t byte = 1;
	EXPECT_EQ(submit(kCommit, &byte, 1, 0, key_), -FI_ECONNREFUSED);
	ASSERT_EQ(service_->listen_at(ip_address(kSecond)), 0);
	ASSERT_EQ(submit(kCommit, &byte, 1, 0, key_), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(0, 1), Bytes{1});
}

TEST_F(ServiceAddresses, OneThatIsServedAlreadyDoesNotWaitForTheService)
{
	open_region(add_medium(kDmp));
	auto busy = std::make_unique<HeldLock>(table_.lock());
	Call by_request = kCommit;
	by_request.inject = true;
	uint8_t byte = 1;
	ASSERT_EQ(submit(by_request, &byte, 1, 0, key_), 0);
	auto served = std::async(std::launch::async, [this] {
		return service_->listen_at(ip_address(kFirst));
	});
	bool in_time = served.wait_for(std::chrono::seconds(10)) ==
		       std::future_status::ready;
	busy.reset();
	EXPECT_TRUE(in_time);
	EXPECT_EQ(served.get(), 0);
	EXPECT_FALSE(wait().failure);
}

TEST_F(ServiceAddresses, NoneAreThatOfTheDomain)
{
	open_key(add_medium(kDmp));
	EXPECT_EQ(nic_.listening(), Words{"127.0.0.1 1001"});
}

} // namespace

} // namespace ofi_pmem::test
