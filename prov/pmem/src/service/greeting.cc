/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/greeting.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <algorithm>
#include <chrono>

namespace ofi_pmem
{

bool Greeting::take(Link *link, const uint8_t *bytes, size_t len)
{
	if (!handshake_)
		return on_hello(link, bytes, len);
	return sealing_ ? on_offer(link, bytes, len)
			: on_response(link, bytes, len);
}

void Greeting::refuse_version(const wire::Hello &hello, uint8_t least) const
{
	PMEM_WARN(FI_LOG_EP_CTRL,
		  "an initiator speaks protocol versions %u to %u, "
		  "this side speaks %u to %u",
		  hello.min_version, hello.max_version, least, wire::kVersion);
	gate_.events.refused(DomainEvents::version);
}

/* Returns what this side can do, for a peer that has a version in common. */
wire::HelloAck Greeting::able(const Link &link, uint8_t least) const
{
	auto ack = wire::make<wire::HelloAck>(0, 0);
	ack.magic = wire::kMagic;
	ack.min_version = least;
	ack.max_version = wire::kVersion;
	ack.credits = wire::kMaxCredits;
	ack.max_payload = wire::max_payload(link.long_writes());
	return ack;
}

/*
 * An initiator that wants a sealed channel gets no other one: it learns from
 * the answer that there is none here, and ends the connection. Without a common
 * version it does the same, and until then it can only greet again.
 */
bool Greeting::on_hello(Link *link, const uint8_t *bytes, size_t len)
{
	wire::Hello hello;
	if (!wire::parse(bytes, len, &hello) || hello.magic != wire::kMagic)
		return false;
	bool asks_seal = hello.header.flags & wire::kSeal;
	bool seals = asks_seal && params().seal != SealChoice::off;
	bool authenticates = !gate_.auth_key.empty();
	uint8_t least = seals		? wire::kSealVersion
			: authenticates ? wire::kAuthVersion
					: wire::kMinVersion;
	auto ack = able(*link, least);
	channel_ = hello.header.operation;
	features_ = common_features(hello, ack);
	if (hello.min_version > wire::kVersion || hello.max_version < least) {
		refuse_version(hello, least);
		ack.status = FI_ENOPROTOOPT;
		return !link->send_message(ack);
	}
	sealing_ = seals;
	if (seals)
		ack.header.flags |= wire::kSeal;
	if (authenticates)
		ack.header.flags |= wire::kAuthenticate;
	if (!seals && !authenticates) {
		done_ = !asks_seal;
		return !link->send_message(ack);
	}
	handshake_ = std::make_unique<Handshake>();
	handshake_->hello = hello;
	handshake_->ack = ack;
	return !link->send_message(ack) && challenge(link);
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
	if (!proven(gate_.auth_key, kInitiator, *handshake_, response.proof)) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "refused an initiator that has another auth_key");
		return false;
	}
	auto message = wire::make<wire::Accepted>(0, 0);
	if (!prove(gate_.auth_key, kTarget, *handshake_, &message.proof))
		return false;
	handshake_.reset();
	done_ = true;
	return !link->send_message(message);
}

/* Says only whether all is right: which key ids there are is nobody's business
 * who does not have the key. */
bool Greeting::is_proven(const wire::SealOffer &offer, SealHandshake *seal)
{
	handshake_->initiator = offer.nonce;
	if (!gate_.auth_key.empty() &&
	    !proven(gate_.auth_key, kInitiator, *handshake_, offer.auth_proof))
		return false;
	std::shared_ptr<RegionKey> key = gate_.keys.find(offer.key_id);
	return key && key->usable() &&
	       static_cast<uint8_t>(key->cipher().cipher) == offer.cipher &&
	       seal->open(std::move(key), *handshake_, offer) &&
	       seal->proven(Side::initiator, offer.key_proof);
}

bool Greeting::on_offer(Link *link, const uint8_t *bytes, size_t len)
{
	wire::SealOffer offer;
	if (!wire::parse(bytes, len, &offer))
		return false;
	SealHandshake seal;
	if (is_proven(offer, &seal))
		return accept(link, seal);
	/* The log is no place for a stranger to fill. */
	if (gate_.wrong_proofs.take(std::chrono::steady_clock::now()))
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "refused an initiator that does not prove to have "
			  "region key %llu%s",
			  static_cast<unsigned long long>(offer.key_id),
			  gate_.auth_key.empty() ? "" : ", or our auth_key");
	static_cast<void>(
		link->send_message(wire::make<wire::SealRefused>(0, 0)));
	return false;
}

bool Greeting::accept(Link *link, const SealHandshake &seal)
{
	auto message = wire::make<wire::SealAccepted>(0, 0);
	bool authenticates = !gate_.auth_key.empty();
	if ((authenticates && !prove(gate_.auth_key, kTarget, *handshake_,
				     &message.auth_proof)) ||
	    !seal.prove(Side::target, &message.key_proof) ||
	    !seal.derive(Side::target, &seal_) || link->send_message(message))
		return false;
	handshake_.reset();
	done_ = true;
	return !link->seal(std::move(seal_.out), std::move(seal_.in));
}

} // namespace ofi_pmem
