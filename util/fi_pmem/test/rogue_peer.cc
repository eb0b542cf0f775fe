/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A peer that misbehaves while connecting, for the tests of fi_pmem:
 *
 *   rogue_peer PROVIDER serve HOW         prints its port, then "request" for
 *                                         each, and answers in the way HOW
 *   rogue_peer PROVIDER connect PORT HOW  sends HOW as its request and prints
 *                                         "refused N", N the reason
 */
#include "cli/report.hh"
#include "cli/signals.hh"
#include "cli/standard_files.hh"
#include "client/fabric.hh"
#include "client/private_data.hh"
#include "shared/key.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace
{

using namespace fi_pmem;

constexpr int kTimeoutMs = 10000;

/*
 * Makes the private data that HOW stands for; all of it is wrong. "port:N" is
 * the descriptor of a region whose data port is N.
 */
std::string make_data(const std::string &how)
{
	Descriptor wrapping;
	wrapping.address = UINT64_MAX;
	wrapping.length = 4096;
	auto descriptor = encode_descriptor(wrapping);
	auto hello = encode_hello();
	auto refusal = encode_refusal(Refusal::busy);
	std::string data;
	if (!how.rfind("port:", 0)) {
		Descriptor elsewhere;
		auto port = static_cast<uint16_t>(std::stoi(how.substr(5)));
		elsewhere.key = ofi_pmem::Key(port, 1).value();
		elsewhere.length = 64 << 20;
		descriptor = encode_descriptor(elsewhere);
		data.assign(descriptor.begin(), descriptor.end());
	} else if (how == "garbage")
		data.assign(40, '\x5a');
	else if (how == "wrap")
		data.assign(descriptor.begin(), descriptor.end());
	else if (how == "short")
		data.assign(descriptor.begin(), descriptor.begin() + 20);
	else if (how == "busy")
		data.assign(refusal.begin(), refusal.end());
	else if (how == "hello" || how == "version")
		data.assign(hello.begin(), hello.end());
	if (how == "version")
		data[4] = 99;
	return data;
}

struct Peer {
	Report report{"", false};
	Signals signals;
	InfoPtr info;
	Fabric fabric;

	int open(const Target &target)
	{
		int ret = find_info(report, target, &info);
		if (!ret)
			ret = signals.open(report);
		if (!ret)
			ret = fabric.open(report, signals, info.get(), 64);
		return ret ? report.finish(ret) : ret;
	}
};

int serve(const std::string &provider, const std::string &how)
{
	Peer peer;
	if (peer.open({provider, "127.0.0.1", 0, true}))
		return 1;
	fid_pep *opened = nullptr;
	if (fi_passive_ep(peer.fabric.fabric(), peer.info.get(), &opened,
			  nullptr))
		return 1;
	FidPtr<fid_pep> pep(opened);
	sockaddr_in address{};
	size_t bytes = sizeof(address);
	if (fi_pep_bind(opened, &peer.fabric.eq()->fid, 0) ||
	    fi_listen(opened) || fi_getname(&opened->fid, &address, &bytes))
		return 1;
	std::printf("%u\n", unsigned{ntohs(address.sin_port)});
	std::fflush(stdout);
	std::string data = make_data(how);
	FidPtr<fid_ep> ep;
	while (!peer.signals.take()) {
		EventBuffer buffer;
		EventError error;
		uint32_t event = 0;
		peer.fabric.wait(-1);
		if (peer.fabric.next_event(&event, &buffer, &error) <= 0 ||
		    event != FI_CONNREQ)
			continue;
		InfoPtr info(buffer.entry().info);
		std::printf("request\n");
		std::fflush(stdout);
		if (how == "mute")
			continue;
		if (how == "busy") {
			fi_reject(opened, info->handle, data.data(),
				  data.size());
			continue;
		}
		ep.reset();
		if (peer.fabric.open_endpoint(info.get(), &ep) ||
		    fi_accept(ep.get(), data.data(), data.size()))
			return 1;
	}
	return 0;
}

int connect(const std::string &provider, uint16_t port, const std::string &how)
{
	Peer peer;
	if (peer.open({provider, "127.0.0.1", port, false}))
		return 1;
	FidPtr<fid_ep> ep;
	std::string data = make_data(how);
	if (peer.fabric.open_endpoint(peer.info.get(), &ep) ||
	    fi_connect(ep.get(), peer.info->dest_addr, data.data(),
		       data.size()))
		return 1;
	EventBuffer buffer;
	EventError error;
	uint32_t event = 0;
	ssize_t ret = 0;
	for (int waited = 0; !ret && waited < kTimeoutMs; waited += 100) {
		peer.fabric.wait(100);
		ret = peer.fabric.next_event(&event, &buffer, &error);
	}
	if (ret >= 0) {
		std::printf("%s\n", ret ? "accepted" : "no answer");
		return 0;
	}
	Refusal reason = decode_refusal(error.private_data.data(),
					error.private_data.size());
	std::printf("refused %u\n", static_cast<unsigned>(reason));
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	fi_pmem::occupy_standard_files();
	std::string mode = argc > 3 ? argv[2] : "";
	if (mode == "serve" && argc == 4)
		return serve(argv[1], argv[3]);
	if (mode == "connect" && argc == 5)
		return connect(argv[1],
			       static_cast<uint16_t>(std::atoi(argv[3])),
			       argv[4]);
	std::fprintf(stderr, "usage: see the head of rogue_peer.cc\n");
	return 2;
}
