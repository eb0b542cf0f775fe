/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/greeting.hh"

#include "core/log.hh"

namespace ofi_pmem
{

bool Greeting::take(Link *link, const uint8_t *bytes, size_t len)
{
	return handshake_ ? on_response(link, bytes, len)
			  : on_hello(link, bytes, len);
}

bool Greeting::on_hello(Link *link, const uint8_t *bytes, size_t len)
{
	wire::Hello hello;
	if (!wire::parse(bytes, len, &hello) || hello.magic != wire::kMagic)
		return false;
	uint8_t least =
		auth_key_.empty() ? wire::kMinVersion : wire::kAuthVersion;
	bool common = hello.min_version <= wire::kVersion &&
		      hello.max_version >= least;
	auto ack = wire::make<wire::HelloAck>(0, 0);
	ack.magic = wire::kMagic;
	ack.min_version = least;
	ack.max_version = wire::kVersion;
	ack.status = common ? 0 : FI_ENOPROTOOPT;
	ack.credits = wire::kMaxCredits;
	ack.max_payload = wire::max_payload(link->long_writes());
	if (!common) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "an initiator speaks protocol versions %u to %u, "
			  "this side speaks %u to %u",
			  hello.min_version, hello.max_version, least,
			  wire::kVersion);
		events_.refused(DomainEvents::version);
	}
	channel_ = hello.header.operation;
	features_ = common_features(hello, ack);
	bool proves = common && !auth_key_.empty();
	if (proves) {
		ack.header.flags |= wire::kAuthenticate;
		handshake_ = std::make_unique<Handshake>();
		handshake_->hello = hello;
		handshake_->ack = ack;
	}
	/* Without a common version the initiator disconnects; until then it
	 * can only greet again. */
	done_ = common && !proves;
	return !link->send_message(ack) && (!proves || challenge(link));
}

bool Greeting::challenge(Link *link)
{
	if (!draw(&handshake_->target))
		return false;
	auto message = wire::make<wire::Challenge>(0, 0);
	message.nonce = handshake_->target;
	return !link->send_message(message);
}

bool Greeting::on_response(Link *link, const uint8_t *bytes, size_t len)
{
	wire::Response response;
	if (!wire::parse(bytes, len, &response))
		return false;
	handshake_->initiator = response.nonce;
	if (!proven(auth_key_, kInitiator, *handshake_, response.proof)) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "refused an initiator that has another auth_key");
		return false;
	}
	auto message = wire::make<wire::Accepted>(0, 0);
	if (!prove(auth_key_, kTarget, *handshake_, &message.proof))
		return false;
	handshake_.reset();
	done_ = true;
	return !link->send_message(message);
}

} // namespace ofi_pmem
