/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Hellos and claims that come to fi_pmem serve as messages, from anybody. The
 * endpoints, the functions of Fabric that the greeter uses, and the judge of
 * claims are the fuzzer's. A hello is answered at most once, to its sender's
 * address, and its buffer is posted again. A claim is judged once, if it came
 * by a connection, and answered with the judgement.
 */
#include "client/greeter.hh"

#include "harness.hh"
#include "input.hh"

#include <rdma/fi_errno.h>

#include <cstddef>
#include <list>

namespace fi_pmem
{

namespace
{

using ofi_pmem::fuzz::Input;
using ofi_pmem::fuzz::require;

constexpr size_t kNameBytes = 28; /* as long as those of sockets */

struct Receive {
	fid_ep *ep;
	void *room;
	void *context;
};

/* Records what is posted, and what was asked of the provider meanwhile. */
struct Network {
	std::list<Receive> posted;
	size_t arrived = 0;
	size_t answered = 0;
	size_t judged = 0;
	bool connectionless = false;
	bool full = false;
	bool refuses_peers = false;
	fi_addr_t peers = 0;
};
Network network;

struct Endpoint : fid_ep {
	Endpoint() : fid_ep{}
	{
		operations.size = sizeof(operations);
		operations.inject = [](fid_ep *, const void *, size_t len,
				       fi_addr_t to) -> ssize_t {
			if (network.full)
				return -FI_EAGAIN;
			require(len == sizeof(DescriptorBytes),
				"the answer is as long as a descriptor");
			require(to == FI_ADDR_UNSPEC || to < network.peers,
				"an answer goes to a peer");
			network.answered++;
			return 0;
		};
		msg = &operations;
	}

	fi_ops_msg operations{};
};

} // namespace

/*
 * These are the functions of Fabric that a greeter calls; they replace
 * fabric.cc.
 */
int Fabric::open(ErrorSink &, const Interrupt &, fi_info *, size_t)
{
	static fi_ops object_ops{};
	static fid_av av{};
	object_ops.close = [](fid *) { return 0; };
	av.fid.ops = &object_ops;
	av_.reset(&av);
	return 0;
}

int Fabric::insert_peer(const void *, fi_addr_t *peer)
{
	if (network.refuses_peers)
		return -FI_EINVAL;
	*peer = network.peers++;
	return 0;
}

std::string Fabric::name_of(fid *)
{
	return std::string(kNameBytes, 'n');
}

int Fabric::register_local(void *, size_t, uint64_t, FidPtr<fid_mr> *)
{
	return 0;
}

int Fabric::post_receive(fid_ep *ep, void *room, size_t bytes, fid_mr *,
			 void *context)
{
	require(bytes == sizeof(HelloMessage), "there is room for a hello");
	network.posted.push_back({ep, room, context});
	return 0;
}

namespace
{

/* One of the posted receives completes. */
void arrive(Greeter *greeter, Input *input, size_t which, bool fails)
{
	if (network.posted.empty())
		return;
	auto taken = network.posted.begin();
	std::advance(taken, which % network.posted.size());
	Receive receive = *taken;
	network.posted.erase(taken);
	if (fails) {
		greeter->fail(receive.context);
		return;
	}
	HelloMessage message{};
	auto change = input->take<uint8_t>();
	std::string name(kNameBytes, 'p');
	std::string hello = change & 8 ? encode_status_question(name, change)
				       : encode_hello_message(name, change);
	ClaimBytes claim = encode_claim({Claim::kTakeover, 1, 0, 4096});
	if (change & 4)
		std::copy(claim.begin(), claim.end(), message.begin());
	else
		std::copy(hello.begin(), hello.end(), message.begin());
	if (change & 1)
		message[input->take<uint8_t>() % message.size()] =
			input->take<uint8_t>();
	if (change & 2) {
		auto bytes = input->take_bytes(input->take<uint8_t>() %
					       (message.size() + 1));
		std::copy(bytes.begin(), bytes.end(), message.begin());
	}
	std::memcpy(receive.room, message.data(), message.size());
	network.arrived++;
	greeter->take(receive.context);
}

/* Neither argument is used. */
void become_connectionless(Fabric *fabric)
{
	static std::max_align_t nothing;
	require(!fabric->open(reinterpret_cast<ErrorSink &>(nothing),
			      reinterpret_cast<const Interrupt &>(nothing),
			      nullptr, 0),
		"an address vector is opened");
}

DescriptorBytes judge(const fid_ep *ep, const Claim &claim)
{
	require(!network.connectionless, "who claims has a connection");
	require(ep, "a claim is a client's");
	network.judged++;
	return claim.length ? encode_grant({0, 1, claim.length, 0})
			    : encode_denial({});
}

void run(Input *input)
{
	network = {};
	auto setting = input->take<uint8_t>();
	Fabric fabric;
	network.connectionless = setting & 1;
	if (network.connectionless)
		become_connectionless(&fabric);
	DescriptorBytes descriptor = encode_descriptor({0, 1, 4096, 0});
	Endpoint endpoints[2];
	bool forgotten[2] = {};
	auto answer = [&](Kind kind, uint32_t number) {
		require(kind == Kind::hello || kind == Kind::status_question,
			"it is asked what can be answered");
		return number % 2 ? std::string()
				  : std::string(descriptor.begin(),
						descriptor.end());
	};
	Greeter greeter(fabric, answer, judge);
	for (Endpoint &endpoint : endpoints)
		require(!greeter.listen(&endpoint, 2), "hellos are taken");
	while (!input->empty()) {
		auto command = input->take<uint8_t>();
		switch (command & 7) {
		default:
			arrive(&greeter, input, command >> 3, false);
			break;
		case 3:
			arrive(&greeter, input, command >> 3, true);
			break;
		case 4:
			static_cast<void>(greeter.answer());
			break;
		case 5:
			network.full = command & 8;
			network.refuses_peers = command & 16;
			break;
		case 6:
			forgotten[command >> 3 & 1] = true;
			greeter.forget(&endpoints[command >> 3 & 1]);
			break;
		case 7:
			/* Their receives are cancelled by then. */
			network.posted.remove_if([&](const Receive &one) {
				return forgotten[one.ep != &endpoints[0]];
			});
			greeter.release_forgotten();
			break;
		}
		require(network.answered <= network.arrived,
			"a hello is answered at most once");
		require(network.judged <= network.arrived,
			"a claim is judged at most once");
	}
}

} // namespace

} // namespace fi_pmem

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ofi_pmem::fuzz::Input input(data, len);
	fi_pmem::run(&input);
	return 0;
}
