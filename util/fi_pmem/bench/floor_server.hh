/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The least that a target over TCP can be: a process that receives records from
 * one socket, stores and flushes them, and answers with how many are done.
 */
#pragma once

#include "bench/floor_memory.hh"
#include "serve/child.hh"

#include <optional>
#include <string>

namespace fi_pmem
{

/* What the server does with a record before it counts it as done. */
enum class FloorStep : uint32_t {
	store,
	flush,	   /* store and flush */
	postpone,  /* store; it does not count, and is flushed later */
	flush_all, /* flush what was postponed */
};

/* Comes before the bytes of a record. Both ends are on this host. */
struct FloorRecord {
	uint64_t offset;
	uint32_t bytes;
	FloorStep step;
};

/* The server answers with the number of records that are done. */
using FloorAnswer = uint64_t;

class FloorServer
{
public:
	/*
	 * Forks the server, which uses `memory`, and connects to it at this
	 * address of the host. It keeps no descriptor of this process.
	 * Returns an exit code.
	 */
	[[nodiscard]] int start(Report &report, const std::string &host,
				const FloorMemory &memory, bool spins);
	FloorServer() = default;
	FloorServer(const FloorServer &) = delete;
	FloorServer &operator=(const FloorServer &) = delete;
	~FloorServer();

	/* Returns the socket of the client. */
	[[nodiscard]] int fd() const { return fd_; }

	void stop() { stop_process(process_->pid()); }
	void go_on() { let_run(process_->pid()); }
	[[nodiscard]] double cpu_seconds() const
	{
		return cpu_seconds_of(process_->pid());
	}

private:
	int fd_ = -1;
	std::optional<Child> process_;
};

} // namespace fi_pmem
