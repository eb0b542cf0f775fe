/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Floors: what this host needs at least for the same bytes, with neither
 * libfabric nor a protocol. A provider can be held against them.
 */
#pragma once

#include "bench/floor_server.hh"
#include "bench/side.hh"
#include "cli/options.hh"
#include "client/connection.hh"
#include "serve/local_server.hh"

#include <sys/uio.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace fi_pmem
{

class Report;

/* What --floor takes. */
inline constexpr const char *kNoFloor = "none";
inline constexpr const char *kFloorSleep = "sleep";
inline constexpr const char *kFloorSpin = "spin";
inline constexpr const char *kFloorSync = "sync";

/* Records over a bare TCP socket, to a server that stores and flushes them. */
class TcpFloor final : public BenchSide
{
public:
	/* All of them must outlive this object. */
	TcpFloor(const Options &options, Report &report, Interrupt &interrupt,
		 const FloorMemory &memory, bool spins)
		: options_(options), report_(report), interrupt_(interrupt),
		  memory_(memory), spins_(spins)
	{
	}

	/* Returns an exit code. */
	[[nodiscard]] int open(size_t max_bytes);

	[[nodiscard]] std::string name() const override
	{
		return spins_ ? kFloorSpin : kFloorSleep;
	}
	[[nodiscard]] std::string text() const override;
	void stop_server() override { server_.stop(); }
	void let_server_run() override { server_.go_on(); }
	[[nodiscard]] bool can(BenchOp op) const override;
	[[nodiscard]] int run(const BenchCase &one, uint64_t count,
			      BenchRound *round) override;

private:
	void add(const FloorRecord &record);
	void add_operation(const BenchCase &one, uint64_t index);
	[[nodiscard]] int send_added();
	[[nodiscard]] int take_answers(BenchRound *round);
	[[nodiscard]] int sleep();
	[[nodiscard]] int check_end();
	[[nodiscard]] int lost();

	const Options &options_;
	Report &report_;
	Interrupt &interrupt_;
	const FloorMemory &memory_;
	const bool spins_;
	FloorServer server_;
	std::vector<char> payload_;
	/* Sent together; the vectors point to the records. */
	std::vector<FloorRecord> records_;
	std::vector<iovec> vectors_;
	std::deque<Clock::time_point> begun_; /* operations in flight */
	FloorAnswer done_ = 0;
	char answers_[64 * sizeof(FloorAnswer)] = {};
	size_t answer_bytes_ = 0; /* of those that have arrived */
	uint64_t idle_ = 0;	  /* looks without an answer */
	Clock::time_point last_progress_;
};

/* Writes to a file, and one fdatasync(2) for as many as the depth. */
class SyncFloor final : public BenchSide
{
public:
	/* All of them must outlive this object. */
	SyncFloor(Report &report, Interrupt &interrupt,
		  const FloorMemory &memory, size_t max_bytes)
		: report_(report), interrupt_(interrupt), memory_(memory),
		  payload_(max_bytes, 's')
	{
	}

	[[nodiscard]] std::string name() const override { return kFloorSync; }
	[[nodiscard]] std::string text() const override;
	[[nodiscard]] bool has_server() const override { return false; }
	void stop_server() override {}
	void let_server_run() override {}
	[[nodiscard]] bool can(BenchOp op) const override;
	[[nodiscard]] int run(const BenchCase &one, uint64_t count,
			      BenchRound *round) override;

private:
	[[nodiscard]] int write_at(uint64_t offset, size_t bytes);

	Report &report_;
	Interrupt &interrupt_;
	const FloorMemory &memory_;
	std::string payload_;
};

/* Those that --floor asks for, with the file that they share. */
class Floors
{
public:
	/* All of them must outlive this object. */
	Floors(const Options &options, Report &report, Interrupt &interrupt)
		: options_(options), report_(report), interrupt_(interrupt)
	{
	}

	/*
	 * Adds them to `sides`, which must go before this object. The region
	 * of the first side is at `place`, so it is large enough. Returns an
	 * exit code.
	 */
	[[nodiscard]] int open(const std::string &place, size_t max_bytes,
			       std::vector<std::unique_ptr<BenchSide>> *sides);

private:
	[[nodiscard]] int make(const std::string &kind, size_t max_bytes,
			       std::unique_ptr<BenchSide> *made);

	const Options &options_;
	Report &report_;
	Interrupt &interrupt_;
	std::unique_ptr<Place> place_;
	FloorMemory memory_;
};

} // namespace fi_pmem
