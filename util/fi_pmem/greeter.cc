/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "greeter.hh"

#include <algorithm>

#include <rdma/fi_errno.h>

namespace fi_pmem
{

int Greeter::listen(fid_ep *ep, fi_ep_type type, size_t count)
{
	int ret = 0;
	for (size_t i = 0; !ret && i < count; i++) {
		Hello &hello = hellos_.emplace_back();
		hello.ep = ep;
		hello.type = type;
		if (fabric_.mr_mode() & FI_MR_LOCAL)
			ret = fabric_.register_memory(hello.message.data(),
						      hello.message.size(),
						      FI_RECV, 0, &hello.mr);
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
	iovec room{hello.message.data(), hello.message.size()};
	void *desc = hello.mr ? fi_mr_desc(hello.mr.get()) : nullptr;
	fi_msg receive{&room, &desc, 1, FI_ADDR_UNSPEC, &hello.context, 0};
	return static_cast<int>(fi_recvmsg(hello.ep, &receive, FI_COMPLETION));
}

void Greeter::forget(const fid_ep *ep)
{
	for (Hello &hello : hellos_)
		if (hello.ep == ep)
			hello.ep = nullptr;
	unanswered_.erase(std::remove_if(unanswered_.begin(), unanswered_.end(),
					 [](Hello *one) { return !one->ep; }),
			  unanswered_.end());
}

void Greeter::release_forgotten()
{
	hellos_.remove_if([](const Hello &hello) { return !hello.ep; });
}

/* Where an answer goes. False: to nobody. */
bool Greeter::find_sender(Hello &hello)
{
	std::string address;
	if (decode_hello_message(hello.message, &address) != Head::ok)
		return false;
	if (hello.type == FI_EP_MSG)
		return true;
	auto known = senders_.find(address);
	if (known == senders_.end()) {
		/* As long as those of this provider. */
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

void Greeter::take(void *context)
{
	auto &hello = *static_cast<Hello *>(context);
	if (!hello.ep)
		return;
	if (find_sender(hello))
		unanswered_.push_back(&hello);
	else
		static_cast<void>(post(hello));
}

void Greeter::fail(void *context)
{
	/* A connection whose receive fails is at its end. */
	auto &hello = *static_cast<Hello *>(context);
	if (hello.ep && hello.type != FI_EP_MSG)
		static_cast<void>(post(hello));
}

bool Greeter::answer()
{
	for (size_t left = unanswered_.size(); left; left--) {
		Hello *hello = unanswered_.front();
		unanswered_.pop_front();
		ssize_t ret = fi_inject(hello->ep, descriptor_.data(),
					descriptor_.size(), hello->sender);
		if (ret == -FI_EAGAIN)
			unanswered_.push_back(hello);
		else
			static_cast<void>(post(*hello));
	}
	return !unanswered_.empty();
}

} // namespace fi_pmem
