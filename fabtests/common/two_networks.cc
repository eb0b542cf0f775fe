/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/two_networks.hh"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace pmem_test
{

namespace
{

/* No station has it. */
constexpr const char *kNobody = " lladdr 02:00:00:00:00:99 nud permanent";

void run(const std::string &command)
{
	if (system(command.c_str()))
		throw std::runtime_error("this failed: " + command);
}

int new_network()
{
	if (unshare(CLONE_NEWNET))
		return -1;
	return ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

void enter(int network)
{
	if (setns(network, CLONE_NEWNET))
		throw std::system_error(errno, std::generic_category(),
					"setns");
}

bool works(const char *command)
{
	std::string quiet = std::string(command) + " >/dev/null 2>&1";
	return !system(quiet.c_str());
}

} // namespace

const char *TwoNetworks::open()
{
	if (!works("ip -V && ss -V && nsenter -V"))
		return "needs iproute2 and nsenter";
	target_ = new_network();
	if (target_ < 0)
		return "network namespaces need root";
	if (!works("ip link set lo up && ip link add pmem0 type veth peer name "
		   "pmem1 && ip addr add 10.77.0.1/24 dev pmem0 && "
		   "ip link set pmem0 up"))
		return "the kernel has no veth";
	has_netem_ = works("tc qdisc add dev pmem0 root netem delay 1ms && "
			   "tc qdisc del dev pmem0 root");
	own_ = new_network();
	if (own_ < 0)
		return "network namespaces need root";
	in_target("ip link set pmem1 netns " + std::to_string(getpid()));
	in_own("ip addr add 10.77.0.2/24 dev pmem1 && ip link set pmem1 up && "
	       "ip link set lo up");
	return nullptr;
}

void TwoNetworks::enter_target()
{
	enter(target_);
}

void TwoNetworks::enter_own()
{
	enter(own_);
}

void TwoNetworks::in_own(const std::string &command)
{
	run(command);
}

void TwoNetworks::in_target(const std::string &command)
{
	run("nsenter --net=/proc/" + std::to_string(getpid()) + "/fd/" +
	    std::to_string(target_) + " sh -c '" + command + "'");
}

void TwoNetworks::impair(const std::string &how)
{
	in_own("tc qdisc replace dev pmem1 root netem " + how);
	in_target("tc qdisc replace dev pmem0 root netem " + how);
}

void TwoNetworks::cut_to_target()
{
	in_own("ip neigh replace 10.77.0.1 dev pmem1" + std::string(kNobody));
}

void TwoNetworks::cut_from_target()
{
	in_target("ip neigh replace 10.77.0.2 dev pmem0" +
		  std::string(kNobody));
}

void TwoNetworks::reset(uint16_t port)
{
	in_target("ss -K state established sport = :" + std::to_string(port) +
		  " >/dev/null");
}

void TwoNetworks::heal()
{
	std::string quiet = " 2>/dev/null || true";
	in_own("tc qdisc del dev pmem1 root" + quiet);
	in_target("tc qdisc del dev pmem0 root" + quiet);
	in_own("ip neigh del 10.77.0.1 dev pmem1" + quiet);
	in_target("ip neigh del 10.77.0.2 dev pmem0" + quiet);
}

} // namespace pmem_test
