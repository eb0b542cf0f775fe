/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Answers the questions that arrive as messages; a hello, for example, is
 * answered with the descriptor of its region. They come from the client of a
 * connection, which can measure in this way how long a message takes, or from
 * anyone who sends one to an endpoint without a connection. Claims arrive the
 * same way; the server decides how to answer them.
 */
#pragma once

#include "client/fabric.hh"
#include "client/private_data.hh"

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace fi_pmem
{

class Greeter
{
public:
	/*
	 * The maximum number of senders whose addresses are kept, for endpoints
	 * without a connection.
	 */
	static constexpr size_t kMostSenders = 4096;

	/*
	 * Returns the bytes that answer a question of this kind with this
	 * number: short enough for fi_inject(3), or empty for no answer.
	 */
	using Answers = std::function<std::string(Kind kind, uint32_t number)>;

	/* Returns the answer to a claim that came to this endpoint. */
	using Judge = std::function<DescriptorBytes(fid_ep *, const Claim &)>;

	/* The fabric must outlive this object. */
	Greeter(Fabric &fabric, Answers answers, Judge judge)
		: fabric_(fabric), answers_(std::move(answers)),
		  judge_(std::move(judge))
	{
	}

	/*
	 * Receives up to `count` hellos at once from this endpoint. Returns 0
	 * or a negative fi_errno.
	 */
	[[nodiscard]] int listen(fid_ep *ep, size_t count);

	/* Called before the endpoint is closed. */
	void forget(const fid_ep *ep);

	/* The receive with this context has completed. */
	void take(void *context);

	/* The receive with this context has failed. */
	void fail(void *context);

	/* Answers what it can; returns true if some must be answered later. */
	[[nodiscard]] bool answer();

	/*
	 * Called when no completion of a forgotten endpoint can arrive any
	 * more.
	 */
	void release_forgotten();

private:
	struct Hello {
		fi_context2 context{}; /* of the receive; must be the first
					  member */
		HelloMessage message{};
		std::string answer;
		FidPtr<fid_mr> mr;
		fid_ep *ep = nullptr; /* null if it is forgotten */
		fi_addr_t sender = FI_ADDR_UNSPEC;
	};

	[[nodiscard]] int post(Hello &hello);
	[[nodiscard]] bool find_sender(Hello &hello,
				       const std::string &address);
	[[nodiscard]] bool find_answer(Hello &hello);

	Fabric &fabric_;
	const Answers answers_;
	const Judge judge_;
	std::list<Hello> hellos_;
	std::list<Hello> forgotten_;
	std::deque<Hello *> unanswered_;
	std::unordered_map<std::string, fi_addr_t> senders_;
};

} // namespace fi_pmem
