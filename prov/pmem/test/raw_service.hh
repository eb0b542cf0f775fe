/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <functional>
#include <vector>

#include "plane_fixture.hh"

namespace ofi_pmem::test
{

template <typename Message>
std::vector<uint8_t> bytes_of(const Message &message)
{
	auto *start = reinterpret_cast<const uint8_t *>(&message);
	return {start, start + sizeof(message)};
}

inline wire::HelloAck good_hello_ack()
{
	auto ack = wire::make<wire::HelloAck>(0, 0);
	ack.magic = wire::kMagic;
	ack.min_version = wire::kVersion;
	ack.max_version = wire::kVersion;
	ack.credits = wire::kMaxCredits;
	ack.max_payload = wire::kMaxPayload;
	return ack;
}

/* Accepts one channel and answers each message as the test says. */
class RawService
{
public:
	using Answer = std::function<std::vector<uint8_t>(const uint8_t *bytes,
							  size_t len)>;

	RawService(const Transport &transport, Answer answer)
		: answer_(std::move(answer))
	{
		EXPECT_EQ(transport.open_queues(256, &queues_), 0);
		IpAddress address = transport.own_address();
		address.set_port(0);
		EXPECT_EQ(transport.listen(address, queues_.get(), &listener_),
			  0);
	}

	uint64_t key(uint64_t token) const
	{
		return Key(listener_->port(), token).value();
	}

	void poll()
	{
		LinkEvent event;
		if (queues_->read_event(&event) && event.request)
			accept(event.request.get());
		Completion entry{};
		if (!queues_->read_completions(&entry, 1) || entry.err ||
		    entry.handle.kind != Handle::receive)
			return;
		answer(answer_(link_->received(entry.handle.slot), entry.len));
	}

	void answer(const std::vector<uint8_t> &reply)
	{
		if (reply.empty())
			return;
		std::memcpy(link_->begin(reply.size()), reply.data(),
			    reply.size());
		EXPECT_EQ(link_->send(), 0);
	}

private:
	void accept(ConnectRequest *request)
	{
		LinkAttr attr{1, 8, 8, wire::kMaxMessage};
		EXPECT_EQ(request->accept(queues_.get(), attr, &link_), 0);
	}

	Answer answer_;
	std::unique_ptr<Queues> queues_;
	std::unique_ptr<Listener> listener_;
	std::unique_ptr<Link> link_;
};

} // namespace ofi_pmem::test
