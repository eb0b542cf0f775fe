/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a peer must say before it has a session: a Hello and, where the target
 * has an auth_key, that it has the same.
 */
#include "target/session.hh"

#include "core/log.hh"

namespace ofi_pmem
{

bool Session::greet(const uint8_t *bytes, size_t len)
{
	return handshake_ ? on_response(bytes, len) : on_hello(bytes, len);
}

bool Session::on_hello(const uint8_t *bytes, size_t len)
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
	ack.max_payload = wire::kMaxPayload;
	if (!common) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "an initiator speaks protocol versions %u to %u, "
			  "this side speaks %u to %u",
			  hello.min_version, hello.max_version, least,
			  wire::kVersion);
		table_->events().refused(DomainEvents::version);
	}
	channel_ = hello.header.operation;
	bool proves = common && !auth_key_.empty();
	if (proves) {
		ack.header.flags |= wire::kAuthenticate;
		handshake_ = std::make_unique<Handshake>();
		handshake_->hello = hello;
		handshake_->ack = ack;
	}
	/* Without a common version the initiator disconnects; until then it
	 * can only greet again. */
	greeted_ = common && !proves;
	return !link_->send_message(ack) && (!proves || challenge());
}

bool Session::challenge()
{
	if (!draw(&handshake_->target))
		return false;
	auto message = wire::make<wire::Challenge>(0, 0);
	message.nonce = handshake_->target;
	return !link_->send_message(message);
}

bool Session::on_response(const uint8_t *bytes, size_t len)
{
	wire::Response response;
	if (!wire::parse(bytes, len, &response))
		return false;
	handshake_->initiator = response.nonce;
	if (!proven(auth_key_, kInitiator, *handshake_, response.proof)) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "an initiator that has another auth_key is refused");
		return false;
	}
	auto message = wire::make<wire::Accepted>(0, 0);
	if (!prove(auth_key_, kTarget, *handshake_, &message.proof))
		return false;
	handshake_.reset();
	greeted_ = true;
	return !link_->send_message(message);
}

} // namespace ofi_pmem
