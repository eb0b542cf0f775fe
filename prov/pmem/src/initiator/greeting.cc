/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The greeting opens a connection: it negotiates versions and, where there is
 * an auth_key or a region key, proves that both ends have it. A side that has a
 * key accepts nobody without it.
 */
#include "core/log.hh"
#include "initiator/buffers.hh"
#include "initiator/connection.hh"

namespace ofi_pmem
{

namespace
{

/*
 * An inject with every range needs these at once, see Poster::takes_inject().
 */
constexpr uint32_t kMinCredits = 3 + kMaxRmaIov;

using Kind = Connection::Outcome::Kind;

constexpr Connection::Outcome kMalformed{Kind::malformed};
constexpr Connection::Outcome kGoesOn{Kind::goes_on};

} // namespace

template <typename Message> void Connection::say(const Message &message)
{
	posted(link_->send_message(message));
	attend_if_waiting();
}

Connection::Outcome Connection::refuse(int err, const char *why) const
{
	PMEM_WARN(FI_LOG_EP_CTRL, "%s port %u: %s", peer_.host().c_str(),
		  peer_.port(), why);
	return {Kind::refused, err, why};
}

void Connection::greet()
{
	if (state_ != State::connecting)
		return;
	state_ = State::greeting;
	auto hello = wire::make<wire::Hello>(0, name_);
	if (key_)
		hello.header.flags |= wire::kSeal;
	hello.magic = wire::kMagic;
	hello.min_version = wire::kMinVersion;
	hello.max_version = wire::kVersion;
	said_.hello = hello;
	say(hello);
}

Connection::Outcome Connection::take(const uint8_t *bytes, size_t len)
{
	switch (state_) {
	case State::greeting:
		return on_hello_ack(bytes, len);
	case State::challenged:
		return on_challenge(bytes, len);
	case State::proving:
		return key_ ? on_seal_accepted(bytes, len)
			    : on_accepted(bytes, len);
	default:
		return kMalformed;
	}
}

Connection::Outcome Connection::on_hello_ack(const uint8_t *bytes, size_t len)
{
	wire::HelloAck ack;
	if (!wire::parse(bytes, len, &ack) || ack.magic != wire::kMagic)
		return kMalformed;
	if (ack.min_version > wire::kVersion ||
	    ack.max_version < wire::kMinVersion) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "%s port %u speaks protocol versions %u to %u, this "
			  "side speaks %u to %u",
			  peer_.host().c_str(), peer_.port(), ack.min_version,
			  ack.max_version, wire::kMinVersion, wire::kVersion);
		return {Kind::refused, FI_ENOPROTOOPT,
			"no protocol version in common"};
	}
	bool seals = ack.header.flags & wire::kSeal;
	if (key_ && !seals)
		return refuse(FI_ENOPROTOOPT,
			      "the target does not seal channels: it is older, "
			      "or has FI_OFI_PMEM_SEAL=off");
	if (seals && !key_)
		return kMalformed;
	if (ack.status || ack.credits < kMinCredits ||
	    ack.credits > wire::kMaxCredits ||
	    ack.max_payload != wire::max_payload(link_->long_writes()))
		return kMalformed;
	said_.ack = ack;
	features_ = common_features(said_.hello, ack);
	bool asked = ack.header.flags & wire::kAuthenticate;
	bool has_key = !initiator_->auth_key().empty();
	if (asked && !has_key)
		return refuse(FI_EACCES,
			      "the target asks for an auth_key, and there "
			      "is none here (fi_pmem(7), SECURITY)");
	if (has_key && !asked)
		return refuse(FI_EACCES,
			      "the target has no auth_key, and there is "
			      "one here (fi_pmem(7), SECURITY)");
	if (!asked && !key_)
		return opened();
	state_ = State::challenged;
	return kGoesOn;
}

Connection::Outcome Connection::on_challenge(const uint8_t *bytes, size_t len)
{
	wire::Challenge challenge;
	if (!wire::parse(bytes, len, &challenge))
		return kMalformed;
	said_.target = challenge.nonce;
	if (key_)
		return offer();
	auto response = wire::make<wire::Response>(0, 0);
	if (!draw(&said_.initiator) ||
	    !prove(initiator_->auth_key(), kInitiator, said_, &response.proof))
		return refuse(FI_EIO,
			      "the proof of the auth_key cannot be computed");
	response.nonce = said_.initiator;
	state_ = State::proving;
	say(response);
	return kGoesOn;
}

Connection::Outcome Connection::on_accepted(const uint8_t *bytes, size_t len)
{
	wire::Accepted accepted;
	if (!wire::parse(bytes, len, &accepted))
		return kMalformed;
	if (!proven(initiator_->auth_key(), kTarget, said_, accepted.proof))
		return refuse(FI_EACCES,
			      "the target does not prove that it has our "
			      "auth_key");
	return opened();
}

Connection::Outcome Connection::offer()
{
	auto offer = wire::make<wire::SealOffer>(0, 0);
	bool authenticates = !initiator_->auth_key().empty();
	offer.key_id = key_->id();
	offer.cipher = static_cast<uint8_t>(key_->cipher().cipher);
	bool drawn = draw(&said_.initiator);
	offer.nonce = said_.initiator;
	if (!drawn || !sealing_.open(key_, said_, offer) ||
	    !sealing_.prove(Side::initiator, &offer.key_proof) ||
	    (authenticates && !prove(initiator_->auth_key(), kInitiator, said_,
				     &offer.auth_proof)))
		return refuse(FI_EKEYREJECTED,
			      "the proof of the region key cannot be "
			      "computed");
	state_ = State::proving;
	say(offer);
	return kGoesOn;
}

Connection::Outcome Connection::on_seal_accepted(const uint8_t *bytes,
						 size_t len)
{
	wire::SealRefused refused;
	if (wire::parse(bytes, len, &refused))
		return refuse(FI_EKEYREJECTED,
			      "the target does not have our region key, or our "
			      "auth_key");
	wire::SealAccepted accepted;
	if (!wire::parse(bytes, len, &accepted))
		return kMalformed;
	if (!sealing_.proven(Side::target, accepted.key_proof))
		return refuse(FI_EKEYREJECTED,
			      "the target does not prove that it has our "
			      "region key");
	if (!initiator_->auth_key().empty() &&
	    !proven(initiator_->auth_key(), kTarget, said_,
		    accepted.auth_proof))
		return refuse(FI_EACCES,
			      "the target does not prove that it has our "
			      "auth_key");
	if (!sealing_.derive(Side::initiator, &seal_) ||
	    link_->seal(std::move(seal_.out), std::move(seal_.in)))
		return refuse(FI_EIO, "the channel cannot be sealed");
	return opened();
}

Connection::Outcome Connection::opened()
{
	state_ = State::open;
	sealing_ = SealHandshake(); /* has secrets */
	initiator_->connected();
	PMEM_INFO(FI_LOG_EP_CTRL,
		  "channel to %s port %u is open, version %u, credits %u",
		  peer_.host().c_str(), peer_.port(), features_.version,
		  credits());
	return {Kind::opened};
}

} // namespace ofi_pmem
