/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The other end of one channel of an initiator: a service, and the NIC that
 * executes what is one-sided. What it answers is made of a fuzzer's input, and
 * where that says nothing else is right.
 */
#pragma once

#include "input.hh"
#include "protocol/wire.hh"
#include "script_link.hh"

#include <deque>
#include <vector>

namespace ofi_pmem::fuzz
{

class HostileTarget
{
public:
	explicit HostileTarget(ScriptLink *link);

	ScriptLink &link() noexcept { return *link_; }

	/* Makes the next message for the initiator. */
	Bytes make_answer(Input *input);

	/* It is about to arrive. */
	void delivers(const Bytes &bytes);

	/*
	 * The first send or chain completes; what it does to the initiator's
	 * memory is done by now.
	 */
	[[nodiscard]] Completion finish(int err);

	/* Returns where the last declared region begins. */
	uint64_t base() const noexcept { return base_; }

private:
	struct Request {
		wire::Header header;
		size_t bytes = 0; /* to read or to fetch */
		wire::Verify verify{};
	};
	struct Chain {
		std::vector<OneSided::Kind> kinds;
		std::vector<std::vector<iovec>> local;
	};
	struct Declared {
		uint64_t key;
		uint64_t base;
		uint64_t length;
	};

	void take_messages(const uint8_t *bytes, size_t len);
	void take_chain(const OneSided *chain, size_t count);
	void check_remote(const OneSided &operation) const;
	static void touch(OneSided::Kind kind, const iovec &local);
	Bytes make_right_answer(Input *input);
	static Bytes make_hello_ack(Input *input);
	static Bytes make_region(uint64_t sequence, Input *input);
	static Bytes make_data(const Request &request);
	static Bytes make_verified(const Request &request, Input *input);
	static Bytes make_ack(uint64_t sequence, Input *input, bool fails);
	static void spoil(Bytes *bytes, Input *input);

	ScriptLink *link_;
	bool greeted_ = false;
	std::deque<Request> unanswered_;
	std::deque<Chain> chains_;
	std::vector<Declared> declared_;
	uint64_t base_ = 0;
};

} // namespace ofi_pmem::fuzz
