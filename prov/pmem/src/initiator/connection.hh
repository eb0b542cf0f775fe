/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One connection of a channel to its service: the link, the greeting that opens
 * it, and what that negotiated. It is made to connect and destroyed when the
 * connection is lost. Every function is called under the initiator's lock.
 */
#pragma once

#include "core/address.hh"
#include "initiator/initiator.hh"
#include "initiator/link_user.hh"
#include "protocol/features.hh"
#include "protocol/handshake.hh"
#include "protocol/seal_handshake.hh"
#include "seal/key_ring.hh"
#include "transport/link.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class Connection
{
public:
	static constexpr size_t kMaxChains = 128;

	/* `name` is that of the channel, see wire::Hello. It is sealed with
	 * `key` unless that is null. */
	Connection(Initiator *initiator, LinkUser *user, const IpAddress &peer,
		   const KeyRing::Key &key, uint64_t name) noexcept
		: initiator_(initiator), user_(user), peer_(peer), key_(key),
		  name_(name)
	{
	}
	~Connection();
	Connection(const Connection &) = delete;
	Connection &operator=(const Connection &) = delete;

	/* Starts to connect; returns 0 or a negative fi_errno. */
	[[nodiscard]] int connect();

	/* Ends all that the link does; link() must not be called again. */
	void close() noexcept;

	/* The link is up: says Hello. */
	void greet();

	/* Says what a message of the service's greeting has led to. */
	struct Outcome {
		enum class Kind {
			malformed,
			goes_on,
			opened,
			refused, /* `err`, positive, and `why` say more */
		};
		Kind kind;
		int err = 0;
		const char *why = "";
	};
	[[nodiscard]] Outcome take(const uint8_t *bytes, size_t len);

	bool open() const noexcept { return state_ == State::open; }
	bool connecting() const noexcept { return !open(); }
	/* The target has accepted the connection and said nothing yet. */
	bool greeting() const noexcept { return state_ == State::greeting; }
	bool proving() const noexcept { return state_ == State::proving; }
	/* It has not been opened within FI_OFI_PMEM_CONNECT_TIMEOUT_MS. */
	bool late() const noexcept;

	Initiator &initiator() const noexcept { return *initiator_; }
	const Transport &transport() const noexcept
	{
		return initiator_->transport();
	}
	const IpAddress &peer() const noexcept { return peer_; }
	Link &link() const noexcept { return *link_; }
	uint32_t credits() const noexcept { return said_.ack.credits; }
	/* Returns the most bytes of user data that a Write may have. */
	uint32_t max_payload() const noexcept { return said_.ack.max_payload; }
	const Features &features() const noexcept { return features_; }
	/* What an open connection is sealed with; `key` is null if it is not.
	 */
	ChannelSeal *seal() noexcept { return &seal_; }

	/* Gives the channel a turn soon. */
	void attend() const { initiator_->attend(user_); }
	void attend_if_waiting() const
	{
		if (link_->has_waiting())
			attend();
	}

	/*
	 * Takes the result of a post. After an error the channel disconnects in
	 * its next turn and not at once, because it is still posting from its
	 * queues.
	 */
	void posted(int ret);
	/* Returns the error of a post, or 0. */
	int error() const noexcept { return error_; }

private:
	enum class State {
		connecting,
		greeting,   /* a HelloAck comes next */
		challenged, /* a Challenge comes next */
		proving,    /* an Accepted or a SealAccepted comes next */
		open,
	};

	template <typename Message> void say(const Message &message);
	[[nodiscard]] Outcome on_hello_ack(const uint8_t *bytes, size_t len);
	[[nodiscard]] Outcome on_challenge(const uint8_t *bytes, size_t len);
	[[nodiscard]] Outcome on_accepted(const uint8_t *bytes, size_t len);
	[[nodiscard]] Outcome offer();
	[[nodiscard]] Outcome on_seal_accepted(const uint8_t *bytes,
					       size_t len);
	[[nodiscard]] Outcome refuse(int err, const char *why) const;
	[[nodiscard]] Outcome opened();

	Initiator *initiator_;
	LinkUser *user_;
	const IpAddress &peer_;
	const KeyRing::Key &key_;
	const uint64_t name_;
	State state_ = State::connecting;
	Handshake said_{}; /* the state of the greeting */
	SealHandshake sealing_;
	ChannelSeal seal_;
	Features features_;
	std::chrono::steady_clock::time_point deadline_{};
	std::unique_ptr<Link> link_;
	int error_ = 0;
};

} // namespace ofi_pmem
