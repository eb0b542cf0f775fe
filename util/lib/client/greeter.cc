/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "client/greeter.hh"

#include <rdma/fi_errno.h>

#include <algorithm>

namespace fi_pmem
{

int Greeter::listen(fid_ep *ep, size_t count)
{
	int ret = 0;
	for (size_t i = 0; !ret && i < count; i++) {
		Hello &hello = hellos_.emplace_back();
		hello.ep = ep;
		ret = fabric_.register_local(hello.message.data(),
					     hello.message.size(), FI_RECV,
					     &hello.mr);
		if (!ret)
			ret = post(hello);
		if (ret)
			hellos_.pop_back();
	}
	return ret;
}

int Greeter::post(Hello &hello)
{
	hello.message = {};
	return Fabric::post_receive(hello.ep, hello.message.data(),
				    hello.message.size(), hello.mr.get(),
				    &hello.context);
}

void Greeter::forget(const fid_ep *ep)
{
	for (auto it = hellos_.begin(); it != hellos_.end();) {
		auto hello = it++;
		if (hello->ep != ep)
			continue;
		hello->ep = nullptr;
		forgotten_.splice(forgotten_.end(), hellos_, hello);
	}
	unanswered_.erase(std::remove_if(unanswered_.begin(), unanswered_.end(),
					 [](Hello *one) { return !one->ep; }),
			  unanswered_.end());
}

void Greeter::release_forgotten()
{
	forgotten_.clear();
}

/* Finds the address for an answer. Returns false if there is none. */
bool Greeter::find_sender(Hello &hello, const std::string &address)
{
	if (!fabric_.connectionless())
		return true;
	auto known = senders_.find(address);
	if (known == senders_.end()) {
		/* An address must be as long as those of this provider. */
		fi_addr_t sender = FI_ADDR_UNSPEC;
		if (senders_.size() >= kMostSenders ||
		    address.size() != Fabric::name_of(&hello.ep->fid).size() ||
		    fabric_.insert_peer(address.data(), &sender))
			return false;
		known = senders_.emplace(address, sender).first;
	}
	hello.sender = known->second;
	return true;
}

/*
 * Makes the answer; returns false if there is none. A client that claims has a
 * connection, which is its address.
 */
bool Greeter::find_answer(Hello &hello)
{
	Claim claim;
	if (!fabric_.connectionless() &&
	    decode_claim(hello.message, &claim) == Head::ok) {
		DescriptorBytes judgement = judge_(hello.ep, claim);
		hello.answer.assign(judgement.begin(), judgement.end());
		return true;
	}
	std::string address;
	uint32_t number = 0;
	Kind kind = Kind::hello;
	if (decode_hello_message(hello.message, &address, &number) !=
	    Head::ok) {
		kind = Kind::status_question;
		if (decode_status_question(hello.message, &address, &number) !=
		    Head::ok)
			return false;
	}
	if (!find_sender(hello, address))
		return false;
	hello.answer = answers_(kind, number);
	return !hello.answer.empty();
}

void Greeter::take(void *context)
{
	auto &hello = *static_cast<Hello *>(context);
	if (!hello.ep)
		return;
	if (find_answer(hello))
		unanswered_.push_back(&hello);
	else
		static_cast<void>(post(hello));
}

void Greeter::fail(void *context)
{
	/* A connection whose receive fails has ended. */
	auto &hello = *static_cast<Hello *>(context);
	if (hello.ep && fabric_.connectionless())
		static_cast<void>(post(hello));
}

bool Greeter::answer()
{
	for (size_t left = unanswered_.size(); left; left--) {
		Hello *hello = unanswered_.front();
		unanswered_.pop_front();
		ssize_t ret = fi_inject(hello->ep, hello->answer.data(),
					hello->answer.size(), hello->sender);
		if (ret == -FI_EAGAIN)
			unanswered_.push_back(hello);
		else
			static_cast<void>(post(*hello));
	}
	return !unanswered_.empty();
}

} // namespace fi_pmem
