/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A target process. It opens a node, then blocks in recv() on its control
 * socket: between the commands of this header it makes no libfabric call, so
 * whatever happens to its regions meanwhile is the provider's own doing.
 */
#pragma once

#include "common/launcher.hh"
#include "common/node.hh"

#include <rdma/fi_ext_pmem.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace pmem_test
{

/* The kind of a target's memory, which its environment decides. */
enum class Memory {
	powerfail,   /* simulated power failure; one-sided */
	disk,	     /* the same, with syncs that take a while */
	page,	     /* a plain file, never one-sided */
	forced_line, /* a plain file that counts as cache-line granular */
	dax,	     /* a part of dax_device() */
};

/* End-to-end tests are parameterised over this. */
struct Setup {
	Stack stack;
	Memory memory;
};

inline constexpr Stack kStacks[] = {Stack::msg, Stack::rdm};

/* All that this machine has: device DAX where a test run names one; of files,
 * verbs registers the simulation's memory only. */
std::vector<Memory> memories();
std::vector<Setup> setups();

std::string to_string(Memory memory);
std::string to_string(Stack stack);
std::string to_string(const Setup &setup);

/* Used in the messages of GoogleTest, and in the names of its cases. */
inline std::ostream &operator<<(std::ostream &out, Stack stack)
{
	return out << to_string(stack);
}

inline std::ostream &operator<<(std::ostream &out, const Setup &setup)
{
	return out << to_string(setup);
}

struct CaseName {
	template <typename Info> std::string operator()(const Info &info) const
	{
		return to_string(info.param);
	}
};

/* On a device DAX nothing is simulated, whatever `memory` is. */
ChildOptions child_options(Memory memory);

enum class Command : uint32_t {
	open,
	add_region,
	close_region,
	accept,
	peek,
	post_recv,
	read_cq,
	serve,
	mount,
	ping,
	quit,
};

/* How a region is registered, and of what. */
struct RegionRequest {
	char path[256] = {}; /* empty: anonymous memory */
	uint64_t map_len = 0;
	/* The registered part of the mapping; len 0: all. */
	uint64_t offset = 0;
	uint64_t len = 0;
	uint64_t flags = FI_RMA_PMEM;
	bool map_sync = false; /* MAP_SYNC, of a DAX file */
	/* Declares, by fi_ops_pmem_domain, the file and these properties. */
	bool declared = false;
	fi_pmem_granularity granularity = FI_PMEM_GRANULARITY_DETECT;
	fi_pmem_domain domain = FI_PMEM_DOMAIN_DETECT;
	uint64_t key_id = 0; /* of its region key, if it is declared */
};

struct TargetCommand {
	Command command = Command::ping;
	NodeOptions options;
	RegionRequest region;
	uint64_t id = 0;
	uint64_t offset = 0;
	uint64_t len = 0;
	uint64_t timeout_ms = 0;
};

struct TargetReply {
	int64_t ret = 0; /* negative fi_errno */
	uint64_t id = 0;
	uint64_t key = 0;
	uint64_t base = 0;
	uint64_t flags = 0;
	uint64_t data = 0;
	uint64_t len = 0;
	Address address;
	char what[128] = {};
};

/* A region of a target as its peers address it. */
struct RemoteRegion {
	uint64_t id = 0;
	uint64_t key = 0;
	uint64_t base = 0;
	uint64_t len = 0;

	/*
	 * Returns the port of the provider's hidden service (bits 47 to 62 of
	 * the key).
	 */
	uint16_t service_port() const
	{
		return static_cast<uint16_t>(key >> 47);
	}
};

/* Runs in the child. */
int target_main(int control);

/*
 * The test's view of one target. Calls throw FabricError with what the target
 * met, std::runtime_error when it does not answer in time.
 */
class Target
{
public:
	Target(const NodeOptions &node_options, const ChildOptions &options);
	Target(Stack stack, Memory memory);

	RemoteRegion add_region(const RegionRequest &request);
	RemoteRegion add_file(const std::string &path, uint64_t len,
			      RegionRequest request = {});
	void close_region(const RemoteRegion &region);

	/* hash() of what the target itself sees in the region. */
	uint64_t peek(const RemoteRegion &region, uint64_t offset,
		      uint64_t len);

	void post_recv();

	/*
	 * From now on the target polls its queue, until it has the completion
	 * that the initiator's await_arrival() returns. Connectionless inner
	 * providers connect only while both sides make progress.
	 */
	void start_read_cq();
	bool reply_ready();
	TargetReply finish_read_cq() { return receive(); }

	/*
	 * From now on, until it is killed, the target reads its queue and has
	 * receives posted, so that it takes messages and remote CQ data.
	 */
	void serve();

	/* Mounts the image at `path` over its own mount point for the target
	 * alone; -FI_ENOSYS where that is not possible. */
	void mount(const std::string &image, const std::string &directory);

	/* Throws when the target is not alive. */
	void ping();

	/* Connects `node` (MSG: the target accepts meanwhile). */
	void connect(Node &node);

	/* Orderly end; the exit status. */
	int quit();

	void kill() { child_.kill(); }
	/* Stops it by SIGSTOP, like a machine that hangs. */
	void stop();
	pid_t pid() const { return child_.pid(); }
	/* Returns the clock of the processor time that it uses. */
	clockid_t cpu_clock() const;
	const Address &address() const { return address_; }

private:
	void send(const TargetCommand &command);
	TargetReply receive();
	TargetReply call(const TargetCommand &command);

	Child child_;
	Stack stack_;
	Address address_;
};

} // namespace pmem_test
