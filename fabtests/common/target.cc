/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/target.hh"

#include "common/completion.hh"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace pmem_test
{

std::string to_string(Memory memory)
{
	switch (memory) {
	case Memory::powerfail:
		return "powerfail";
	case Memory::disk:
		return "disk";
	case Memory::page:
		return "page";
	case Memory::dax:
		return "dax";
	default:
		return "forced_line";
	}
}

std::string to_string(Stack stack)
{
	return stack == Stack::msg ? "msg" : "rdm";
}

std::string to_string(const Setup &setup)
{
	return to_string(setup.stack) + '_' + to_string(setup.memory);
}

std::vector<Memory> memories()
{
	if (dax_device())
		return {Memory::dax};
	if (!strcmp(core_provider(), "verbs"))
		return {Memory::powerfail};
	return {Memory::powerfail, Memory::page, Memory::forced_line};
}

std::vector<Setup> setups()
{
	std::vector<Setup> all;
	for (Stack stack : kStacks) {
		for (Memory memory : memories())
			all.push_back({stack, memory});
	}
	return all;
}

ChildOptions child_options(Memory memory)
{
	ChildOptions options;
	bool simulated = memory == Memory::powerfail || memory == Memory::disk;
	if (simulated && !dax_device())
		options.env = {"FI_OFI_PMEM_BACKEND=powerfail"};
	else
		options.env = {"FI_OFI_PMEM_BACKEND=pmem2"};
	if (memory == Memory::disk) {
		options.env.push_back("FI_OFI_PMEM_POWERFAIL_SYNC_US=2000");
		/* With ledgers the service's threads wait for each other. */
		options.env.push_back("FI_OFI_PMEM_LEDGER=no");
	}
	if (memory == Memory::forced_line)
		options.env.push_back("PMEM2_FORCE_GRANULARITY=CACHE_LINE");
	return options;
}

Target::Target(const NodeOptions &node_options, const ChildOptions &options)
	: child_(target_main, options), stack_(node_options.stack)
{
	TargetCommand command;
	command.command = Command::open;
	command.options = node_options;
	address_ = call(command).address;
}

Target::Target(Stack stack, Memory memory)
	: Target(
		  [stack] {
			  NodeOptions options;
			  options.stack = stack;
			  return options;
		  }(),
		  child_options(memory))
{
}

void Target::send(const TargetCommand &command)
{
	if (::send(child_.control(), &command, sizeof(command), MSG_NOSIGNAL) <
	    0)
		throw std::runtime_error("the target is gone");
}

TargetReply Target::receive()
{
	pollfd readable{child_.control(), POLLIN, 0};
	int timeout = static_cast<int>(
		2 * std::chrono::milliseconds(kTimeout).count());
	if (poll(&readable, 1, timeout) <= 0)
		throw std::runtime_error("the target does not answer");
	TargetReply reply;
	ssize_t got = recv(child_.control(), &reply, sizeof(reply), 0);
	if (got != static_cast<ssize_t>(sizeof(reply)))
		throw std::runtime_error("the target is gone");
	if (reply.ret < 0)
		throw FabricError(std::string("target: ") + reply.what,
				  reply.ret);
	return reply;
}

TargetReply Target::call(const TargetCommand &command)
{
	send(command);
	return receive();
}

RemoteRegion Target::add_region(const RegionRequest &request)
{
	TargetCommand command;
	command.command = Command::add_region;
	command.region = request;
	TargetReply reply = call(command);
	RemoteRegion region;
	region.id = reply.id;
	region.key = reply.key;
	region.base = reply.base;
	region.len = request.len ? request.len : request.map_len;
	return region;
}

RemoteRegion Target::add_file(const std::string &path, uint64_t len,
			      RegionRequest request)
{
	if (path.size() >= sizeof(request.path))
		throw std::length_error("path of a region");
	memcpy(request.path, path.c_str(), path.size() + 1);
	request.map_len = len;
	return add_region(request);
}

void Target::close_region(const RemoteRegion &region)
{
	TargetCommand command;
	command.command = Command::close_region;
	command.id = region.id;
	call(command);
}

uint64_t Target::peek(const RemoteRegion &region, uint64_t offset, uint64_t len)
{
	TargetCommand command;
	command.command = Command::peek;
	command.id = region.id;
	command.offset = offset;
	command.len = len;
	return call(command).data;
}

void Target::post_recv()
{
	TargetCommand command;
	command.command = Command::post_recv;
	call(command);
}

void Target::start_read_cq()
{
	TargetCommand command;
	command.command = Command::read_cq;
	send(command);
}

bool Target::reply_ready()
{
	pollfd readable{child_.control(), POLLIN, 0};
	return poll(&readable, 1, 0) == 1;
}

void Target::serve()
{
	TargetCommand command;
	command.command = Command::serve;
	send(command);
}

void Target::mount(const std::string &image, const std::string &directory)
{
	TargetCommand command;
	command.command = Command::mount;
	std::string both = image + ' ' + directory;
	if (both.size() >= sizeof(command.region.path))
		throw std::length_error("path of an image");
	memcpy(command.region.path, both.c_str(), both.size() + 1);
	call(command);
}

void Target::ping()
{
	call(TargetCommand{});
}

void Target::connect(Node &node)
{
	if (stack_ == Stack::msg) {
		TargetCommand command;
		command.command = Command::accept;
		send(command);
	}
	node.connect(address_);
	if (stack_ == Stack::msg)
		receive();
}

/* The state in proc(5) stat, behind the name in parentheses, is T. */
static bool all_threads_stopped(pid_t pid)
{
	auto tasks = "/proc/" + std::to_string(pid) + "/task";
	for (const auto &task : std::filesystem::directory_iterator(tasks)) {
		std::ifstream file(task.path() / "stat");
		std::string stat;
		std::getline(file, stat);
		size_t name_end = stat.rfind(')');
		if (name_end == stat.npos ||
		    stat.substr(name_end + 2, 1) != "T")
			return false;
	}
	return true;
}

/* kill(2) returns before the other process's threads have stopped. */
void Target::stop()
{
	::kill(child_.pid(), SIGSTOP);
	Deadline deadline;
	while (!all_threads_stopped(child_.pid()))
		deadline.spin("the target does not stop");
}

clockid_t Target::cpu_clock() const
{
	clockid_t clock = 0;
	check(-clock_getcpuclockid(child_.pid(), &clock),
	      "clock_getcpuclockid");
	return clock;
}

int Target::quit()
{
	TargetCommand command;
	command.command = Command::quit;
	call(command);
	return child_.wait_exit();
}

} // namespace pmem_test
