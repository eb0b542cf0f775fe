/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The other end of one channel of a service: makes messages of a fuzzer's input
 * and holds every answer against what was sent. Each request is answered once,
 * in order and by what it asked for, and what is acknowledged as durable is
 * durable at that moment.
 */
#pragma once

#include "input.hh"
#include "protocol/wire.hh"
#include "regions.hh"

#include <vector>

namespace ofi_pmem::fuzz
{

class HostileInitiator
{
public:
	explicit HostileInitiator(FuzzRegions *regions) : regions_(regions) {}
	~HostileInitiator() { regions_->forget(this); }
	HostileInitiator(const HostileInitiator &) = delete;
	HostileInitiator &operator=(const HostileInitiator &) = delete;

	/*
	 * The next message. Most are well-formed, in sequence and of tokens
	 * that exist, so that there is something behind the first check to get
	 * to.
	 */
	std::vector<uint8_t> make_message(Input *input);

	/* The same, several as one, as it is about to arrive. */
	void sends(const std::vector<uint8_t> &bytes);

	/* An answer, when it is sent. */
	void answered(const uint8_t *bytes, size_t len);

	/* The service was given a request that it must disconnect for. */
	bool doomed() const noexcept { return doomed_; }
	/* Everything that it was given is answered. */
	bool satisfied() const noexcept
	{
		return answered_ == requests_.size() && !greetings_;
	}

private:
	struct Request {
		wire::Header header;
		std::vector<wire::Range> ranges; /* written or flushed */
		wire::Type success;	 /* the message that it succeeds with */
		size_t answer_bytes = 0; /* of user data; of a Verified none */
		size_t blocks = 0;
		size_t digest_bytes = 0; /* of all blocks; 0 if compared */
	};

	/* hostile_message.cc */
	using Bytes = std::vector<uint8_t>;
	template <typename Message> Message start(Input *input);
	void append_payload(Bytes *bytes, size_t len);
	wire::Range make_range(Input *input);
	std::vector<wire::Range> make_ranges(Input *input, size_t most);
	Bytes make_request(unsigned type, Input *input);
	static Bytes make_hello(Input *input);
	Bytes make_write(Input *input);
	Bytes make_flush(Input *input);
	Bytes make_announce(Input *input);
	Bytes make_atomic(Input *input);
	Bytes make_verify(Input *input);
	Bytes make_raw(Input *input);
	static void spoil(Bytes *bytes, Input *input);
	void append_digests(Bytes *bytes, uint8_t algorithm,
			    const std::vector<wire::Range> &blocks);

	/* hostile_initiator.cc */
	bool note(const uint8_t *bytes, size_t len);
	bool note_greeting(const uint8_t *bytes, size_t len);
	bool note_request(const uint8_t *bytes, size_t len);
	void note_ranges(const uint8_t *bytes, size_t len, size_t fixed,
			 Request *request) const;
	void note_write(const wire::Write &write, const uint8_t *payload,
			size_t len);
	void greeting_answered(const uint8_t *bytes, size_t len);
	void check_success(const Request &request, const uint8_t *bytes,
			   size_t len) const;
	void settle(const Request &request, bool failed);
	void check_durable(const Request &request);
	void check_byte(const FuzzRegion &region, uint64_t offset,
			const Request &request, bool flushed_only) const;

	FuzzRegions *regions_;
	bool greeted_ = false; /* as of what was sent */
	size_t greetings_ = 0; /* not answered */
	bool doomed_ = false;
	std::vector<Request> requests_; /* by their sequence - 1 */
	size_t answered_ = 0;
	uint8_t last_value_ = 0; /* of a payload */
};

} // namespace ofi_pmem::fuzz
