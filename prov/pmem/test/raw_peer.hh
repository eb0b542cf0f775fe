/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "plane_fixture.hh"

namespace ofi_pmem::test
{

/* An initiator that sends what it is told to, over a real connection. */
class RawPeer
{
public:
	RawPeer(const Transport &transport, uint16_t port)
	{
		EXPECT_EQ(transport.open_queues(256, &queues_), 0);
		sockaddr_in loopback{};
		loopback.sin_family = AF_INET;
		loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		IpAddress address;
		EXPECT_TRUE(address.assign(&loopback, sizeof(loopback)));
		address.set_port(port);
		LinkAttr attr{1, 8, 8, wire::kMaxMessage};
		EXPECT_EQ(
			transport.connect(address, queues_.get(), attr, &link_),
			0);
		EXPECT_EQ(wait_event(), LinkEvent::Kind::connected);
	}

	void send(const void *bytes, size_t len)
	{
		std::memcpy(link_->begin(len), bytes, len);
		EXPECT_EQ(link_->send(), 0);
	}

	template <typename Message> void send(const Message &message)
	{
		send(&message, sizeof(message));
	}

	/* The next message; empty when the service hung up instead. */
	std::vector<uint8_t> receive()
	{
		auto deadline = Clock::now() + kPatience;
		while (Clock::now() < deadline) {
			Completion entry{};
			if (!queues_->read_completions(&entry, 1)) {
				LinkEvent event;
				if (queues_->read_event(&event) &&
				    event.kind == LinkEvent::Kind::closed)
					return {};
				continue;
			}
			if (entry.err)
				return {};
			if (entry.handle.kind != Handle::receive)
				continue;
			const uint8_t *bytes =
				link_->received(entry.handle.slot);
			std::vector<uint8_t> message(bytes, bytes + entry.len);
			EXPECT_EQ(link_->post_receive(entry.handle.slot), 0);
			return message;
		}
		ADD_FAILURE() << "neither an answer nor a disconnect in time";
		return {};
	}

	/* As the channel of this name, if any. */
	void greet(uint64_t channel = 0)
	{
		auto message = hello(wire::kVersion, wire::kVersion);
		message.header.operation = channel;
		send(message);
		EXPECT_EQ(receive().size(), sizeof(wire::HelloAck));
	}

	static wire::Hello hello(uint8_t min_version, uint8_t max_version)
	{
		auto message = wire::make<wire::Hello>(0, 0);
		message.header.version = max_version;
		message.magic = wire::kMagic;
		message.min_version = min_version;
		message.max_version = max_version;
		return message;
	}

private:
	using Clock = std::chrono::steady_clock;
	static constexpr auto kPatience = std::chrono::seconds(20);

	LinkEvent::Kind wait_event()
	{
		LinkEvent event;
		auto deadline = Clock::now() + kPatience;
		while (Clock::now() < deadline) {
			if (queues_->read_event(&event))
				return event.kind;
		}
		return LinkEvent::Kind::failed;
	}

	std::unique_ptr<Queues> queues_;
	std::unique_ptr<Link> link_;
};

} // namespace ofi_pmem::test
