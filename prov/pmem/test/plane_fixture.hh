/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Both halves of the persistence plane in one process, over the tcp provider
 * on loopback: a service with one region on a fake medium, and a channel table
 * whose owner records completions. No application plane.
 */
#pragma once

#include <chrono>
#include <deque>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "core/info_ptr.hh"
#include "core/key.hh"
#include "core/params.hh"
#include "fake_backend.hh"
#include "persist/ledger_backend.hh"
#include "plane/channel_table.hh"
#include "target/service.hh"

namespace ofi_pmem::test
{

/* Of the numeric host. */
inline IpAddress ip_address(const char *host, uint16_t port = 0)
{
	sockaddr_in v4{};
	sockaddr_in6 v6{};
	IpAddress address;
	v4.sin_family = AF_INET;
	v6.sin6_family = AF_INET6;
	bool known = inet_pton(AF_INET, host, &v4.sin_addr) == 1
			     ? address.assign(&v4, sizeof(v4))
			     : inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 &&
				       address.assign(&v6, sizeof(v6));
	EXPECT_TRUE(known) << host;
	address.set_port(port);
	return address;
}

class RecordingOwner final : public OpOwner
{
public:
	int peer_address(fi_addr_t, IpAddress *address) noexcept override
	{
		*address = ip_address(host);
		return 0;
	}
	int reserve_completion() noexcept override { return 0; }
	void unreserve_completion() noexcept override {}
	void completed(const OpResult &result) noexcept override
	{
		results.push_back(result);
	}
	void gate_may_open() noexcept override {}
	void notification_ready() noexcept override { notifications++; }
	int commit_local(const iovec *, size_t) noexcept override { return 0; }

	const char *host = "127.0.0.1"; /* of every peer */
	std::deque<OpResult> results;
	int notifications = 0;
};

/* What a test asks of one operation. */
struct Call {
	bool write = true;
	Level level = Level::transmit;
	bool fence = false;
	bool inject = false;
	FlushScope flush = FlushScope::none; /* then without local buffers */
	bool more = false;
	bool checked = false;
};

/* The same with FI_PMEM_VERIFY. */
constexpr Call checked(Call call)
{
	call.checked = true;
	return call;
}

inline constexpr Call kWrite{};
inline constexpr Call kRead{false, Level::transmit, false, false};
inline constexpr Call kCommit{true, Level::commit, false, false};
inline constexpr Call kFencedCommit{true, Level::commit, true, false};

class PlaneFixture : public ::testing::Test
{
protected:
	static constexpr size_t kRegionLen = 1 << 20;
	static constexpr uint64_t kBase = 0x100000;

	void SetUp() override
	{
		transport_ = make_transport();
		service_ = std::make_unique<Service>(*transport_, &table_,
						     target_key());
		ASSERT_EQ(service_->open(), 0);
		initiator_ = std::make_unique<Initiator>(*transport_,
							 initiator_key());
		ASSERT_EQ(initiator_->open(automatic()), 0);
		channels_ = std::make_unique<ChannelTable>(initiator_.get(),
							   &owner_);
		channels_->open(256);
	}

	void TearDown() override
	{
		channels_.reset();
		initiator_.reset();
		service_.reset();
		unsetenv("FI_OFI_PMEM_PORT_RANGE");
		ASSERT_EQ(load_params(), 0);
	}

	virtual std::unique_ptr<Transport> make_transport()
	{
		std::unique_ptr<Transport> transport;
		EXPECT_EQ(open_transport(*app_info(), &transport), 0);
		return transport;
	}

	virtual AuthKey target_key() const { return {}; }
	virtual AuthKey initiator_key() const { return {}; }

	/* FI_PROGRESS_AUTO at the initiator. */
	virtual bool automatic() const { return false; }

	static InfoPtr app_info()
	{
		InfoPtr info(fi_allocinfo());
		info->fabric_attr->prov_name = strdup("tcp;ofi_pmem");
		info->fabric_attr->api_version = fi_version();
		info->domain_attr->name = strdup("lo");
		return info;
	}

	/* What lies between the service and a region's flush ledger. */
	virtual std::unique_ptr<Backend>
	wrap_backend(std::unique_ptr<Backend> real)
	{
		return real;
	}

	/* Registers the medium; returns its persistent key. */
	uint64_t add_region(FakeMedium *medium,
			    uint8_t access = wire::kRemoteRead |
					     wire::kRemoteWrite)
	{
		auto region = std::make_unique<TargetRegion>();
		region->memory = medium->visible.data();
		region->len = medium->visible.size();
		region->base = kBase;
		region->access = access;
		region->backend = wrap_backend(std::make_unique<LedgerBackend>(
			std::make_unique<FakeBackend>(medium)));
		if (medium->one_sided) {
			EXPECT_EQ(transport_->register_memory(
					  region->memory, region->len,
					  FI_REMOTE_READ | FI_REMOTE_WRITE,
					  true, &region->link_memory),
				  0);
		}
		uint64_t token = 0;
		EXPECT_EQ(table_.add(std::move(region), &token), 0);
		return Key(service_->port(), token).value();
	}

	/* Ends the service and starts another on the same port and regions. */
	void restart_service()
	{
		std::string port = std::to_string(service_->port());
		service_.reset();
		setenv("FI_OFI_PMEM_PORT_RANGE", (port + "-" + port).c_str(),
		       1);
		ASSERT_EQ(load_params(), 0);
		service_ = std::make_unique<Service>(*transport_, &table_,
						     target_key());
		EXPECT_EQ(service_->open(), 0);
	}

	/* One call; -FI_EAGAIN is passed on. */
	ssize_t try_submit(const Call &call, void *buffer, size_t len,
			   uint64_t offset, uint64_t key)
	{
		iovec iov{buffer, len};
		fi_rma_iov rma{kBase + offset, len, key};
		fi_msg_rma msg{};
		msg.msg_iov = &iov;
		msg.iov_count = call.flush == FlushScope::none;
		msg.rma_iov = &rma;
		msg.rma_iov_count = 1;
		msg.context = buffer;
		return try_submit(call, msg);
	}

	ssize_t try_submit(const Call &call, const fi_msg_rma &msg)
	{
		OpRequest request{&msg,	      call.write,  call.level,
				  call.fence, call.inject, false,
				  true,	      false};
		request.flush = call.flush;
		request.more = call.more;
		request.checked = call.checked;
		return channels_->submit(request, 0);
	}

	/* Of one range. */
	ssize_t try_verify(const VerifyOp &verify, uint64_t offset, size_t len,
			   uint64_t key)
	{
		fi_rma_iov rma{kBase + offset, len, key};
		fi_msg_rma msg{};
		msg.rma_iov = &rma;
		msg.rma_iov_count = 1;
		OpRequest request{};
		request.msg = &msg;
		request.report = true;
		request.verify = &verify;
		return channels_->submit(request, 0);
	}

	/* Repeats while nothing happens, as an application does. */
	template <typename Submit> ssize_t until_taken(Submit submit_once)
	{
		ssize_t ret;
		auto deadline = Clock::now() + kPatience;
		do {
			ret = submit_once();
			initiator_->progress();
		} while (ret == -FI_EAGAIN && Clock::now() < deadline);
		return ret;
	}

	ssize_t submit(const Call &call, void *buffer, size_t len,
		       uint64_t offset, uint64_t key)
	{
		return until_taken([&] {
			return try_submit(call, buffer, len, offset, key);
		});
	}

	OpResult wait()
	{
		auto deadline = Clock::now() + kPatience;
		while (owner_.results.empty() && Clock::now() < deadline)
			initiator_->progress();
		if (owner_.results.empty()) {
			ADD_FAILURE() << "no completion in time";
			return {};
		}
		OpResult result = owner_.results.front();
		owner_.results.pop_front();
		return result;
	}

	using Clock = std::chrono::steady_clock;
	static constexpr auto kPatience = std::chrono::seconds(20);

	/* Outlive the service that reads and writes them. */
	std::deque<FakeMedium> media_;
	std::unique_ptr<Transport> transport_;
	RegionTable table_;
	std::unique_ptr<Service> service_;
	std::unique_ptr<Initiator> initiator_;
	RecordingOwner owner_;
	std::unique_ptr<ChannelTable> channels_;
};

} // namespace ofi_pmem::test
