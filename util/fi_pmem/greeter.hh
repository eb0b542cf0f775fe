/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Answers each question that comes as a message, such as a hello by the
 * descriptor of its region: to the client of a connection, who may so measure
 * what a message takes, or to whoever sends one to an endpoint without
 * connection. Claims come the same way and are answered by what the server says
 * to them.
 */
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "fabric.hh"
#include "private_data.hh"

namespace fi_pmem
{

class Greeter
{
public:
	/* Whose addresses are kept, of endpoints without connection. */
	static constexpr size_t kMostSenders = 4096;

	/*
	 * The bytes of the answer to a question of this kind, with its number;
	 * short enough for fi_inject(3), or empty: none.
	 */
	using Answers = std::function<std::string(Kind kind, uint32_t number)>;

	/* The answer to a claim that came to this endpoint. */
	using Judge = std::function<DescriptorBytes(fid_ep *, const Claim &)>;

	/* The fabric must outlive this. */
	Greeter(Fabric &fabric, Answers answers, Judge judge)
		: fabric_(fabric), answers_(std::move(answers)),
		  judge_(std::move(judge))
	{
	}

	/*
	 * Takes up to `count` hellos at once from this endpoint. 0
	 * or a negative fi_errno.
	 */
	[[nodiscard]] int listen(fid_ep *ep, size_t count);

	/* Before the endpoint is closed. */
	void forget(const fid_ep *ep);

	/* The receive with this context has completed. */
	void take(void *context);

	/* It has failed. */
	void fail(void *context);

	/* Answers what it can; true if some have to be answered later. */
	[[nodiscard]] bool answer();

	/* No completion of an endpoint that was forgotten can come any more. */
	void release_forgotten();

private:
	struct Hello {
		fi_context2 context{}; /* of the receive; first */
		HelloMessage message{};
		std::string answer;
		FidPtr<fid_mr> mr;
		fid_ep *ep = nullptr; /* none: forgotten */
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
