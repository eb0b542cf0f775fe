/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * From a connection to a channel: versions and, where there is an auth_key,
 * the proof that both ends have it. A side that has one takes nobody without.
 */
#include "plane/channel.hh"

#include "core/log.hh"
#include "plane/initiator.hh"

namespace ofi_pmem
{

namespace
{

/* What an inject with every range needs at once, see submit(). */
constexpr uint32_t kMinCredits = 3 + kMaxRmaIov;

} // namespace

template <typename Message> void Channel::say(const Message &message)
{
	broken(link_->send_message(message));
	if (link_->has_waiting())
		initiator_->attend(this);
}

void Channel::refuse(int err, const char *why)
{
	PMEM_WARN(FI_LOG_EP_CTRL, "%s port %u: %s", peer_.host().c_str(),
		  peer_.port(), why);
	disconnect(err, why);
}

void Channel::on_connected()
{
	if (state_ != State::connecting)
		return;
	state_ = State::greeting;
	auto hello = wire::make<wire::Hello>(0, name_);
	hello.magic = wire::kMagic;
	hello.min_version = wire::kMinVersion;
	hello.max_version = wire::kVersion;
	said_.hello = hello;
	say(hello);
}

bool Channel::on_greeting(const uint8_t *bytes, size_t len)
{
	switch (state_) {
	case State::greeting:
		return on_hello_ack(bytes, len);
	case State::challenged:
		return on_challenge(bytes, len);
	case State::proving:
		return on_accepted(bytes, len);
	default:
		return false;
	}
}

bool Channel::on_hello_ack(const uint8_t *bytes, size_t len)
{
	wire::HelloAck ack;
	if (!wire::parse(bytes, len, &ack) || ack.magic != wire::kMagic)
		return false;
	if (ack.min_version > wire::kVersion ||
	    ack.max_version < wire::kMinVersion) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "%s port %u speaks protocol versions %u to %u, this "
			  "side speaks %u to %u",
			  peer_.host().c_str(), peer_.port(), ack.min_version,
			  ack.max_version, wire::kMinVersion, wire::kVersion);
		disconnect(FI_ENOPROTOOPT, "no protocol version in common");
		return true;
	}
	if (ack.status || ack.credits < kMinCredits ||
	    ack.credits > wire::kMaxCredits ||
	    ack.max_payload != wire::kMaxPayload)
		return false;
	said_.ack = ack;
	bool asked = ack.header.flags & wire::kAuthenticate;
	bool has_key = !initiator_->auth_key().empty();
	if (asked && !has_key)
		refuse(FI_EACCES, "the target asks for an auth_key, and there "
				  "is none here (fi_pmem(7), SECURITY)");
	else if (has_key && !asked)
		refuse(FI_EACCES, "the target has no auth_key, and there is "
				  "one here (fi_pmem(7), SECURITY)");
	else if (asked)
		state_ = State::challenged;
	else
		open();
	return true;
}

bool Channel::on_challenge(const uint8_t *bytes, size_t len)
{
	wire::Challenge challenge;
	if (!wire::parse(bytes, len, &challenge))
		return false;
	said_.target = challenge.nonce;
	auto response = wire::make<wire::Response>(0, 0);
	if (!draw(&said_.initiator) ||
	    !prove(initiator_->auth_key(), kInitiator, said_,
		   &response.proof)) {
		refuse(FI_EIO, "the proof of the auth_key cannot be computed");
		return true;
	}
	response.nonce = said_.initiator;
	state_ = State::proving;
	say(response);
	return true;
}

bool Channel::on_accepted(const uint8_t *bytes, size_t len)
{
	wire::Accepted accepted;
	if (!wire::parse(bytes, len, &accepted))
		return false;
	if (proven(initiator_->auth_key(), kTarget, said_, accepted.proof))
		open();
	else
		refuse(FI_EACCES, "the target does not prove that it has our "
				  "auth_key");
	return true;
}

void Channel::open()
{
	credits_ = said_.ack.credits;
	uint16_t scratch = link_->borrow();
	scratch_iov_ = {link_->borrowed(scratch), 1};
	scratch_desc_ = link_->borrowed_desc();
	next_sequence_ = 1;
	answered_ = 0;
	state_ = State::ready;
	initiator_->connected();
	PMEM_INFO(FI_LOG_EP_CTRL, "channel to %s port %u is open, credits %u",
		  peer_.host().c_str(), peer_.port(), credits_);
}

} // namespace ofi_pmem
