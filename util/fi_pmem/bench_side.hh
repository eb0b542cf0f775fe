/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One provider of a benchmark: its server, the connection to it, and the
 * operations that are measured.
 */
#pragma once

#include <array>
#include <vector>

#include "connection.hh"
#include "local_server.hh"

namespace fi_pmem
{

/* What is measured; named as in fi_pmem(1). */
enum class BenchOp { message, write, commit, fenced, append, drain, verified };

inline constexpr BenchOp kBenchOps[] = {
	BenchOp::message, BenchOp::write, BenchOp::commit,  BenchOp::fenced,
	BenchOp::append,  BenchOp::drain, BenchOp::verified};

[[nodiscard]] const char *bench_op_name(BenchOp op);

struct BenchCase {
	BenchOp op;
	size_t bytes;
	size_t depth; /* in flight; of a drain the writes before it */
};

struct BenchRound {
	std::vector<double> latencies; /* microseconds of each operation */
	double seconds = 0;	       /* of all */
	double target_seconds = 0;     /* of the target's processor */
};

class BenchSide
{
public:
	static constexpr uint64_t kRegion = 64 << 20;

	/* Both must outlive this; the options are this side's own. */
	BenchSide(const Options &options, Report &report)
		: options_(options), report_(report),
		  place_(options.place, kRegion), server_(options_, report),
		  connection_(options_, report)
	{
	}

	/* The endpoint first: nothing may be in flight from the buffer. */
	~BenchSide() { connection_.close(); }
	BenchSide(const BenchSide &) = delete;
	BenchSide &operator=(const BenchSide &) = delete;

	/* Starts a server, unless there is a peer, and connects. Exit code. */
	[[nodiscard]] int open(bool peer, size_t max_bytes);

	[[nodiscard]] const char *provider() const
	{
		return connection_.provider();
	}
	[[nodiscard]] const char *endpoint() const
	{
		return connection_.info()->ep_attr->type == FI_EP_RDM ? "rdm"
								      : "msg";
	}
	/* Its own server runs only while this side is measured. */
	void stop_server() { server_.stop(); }
	void let_server_run() { server_.go_on(); }
	/* Others have no fence and no verification. */
	[[nodiscard]] bool can(BenchOp op) const;

	/* `count` operations. Exit code. */
	[[nodiscard]] int run(const BenchCase &one, uint64_t count,
			      BenchRound *round);

private:
	struct Slot {
		fi_context2 context{};
		Clock::time_point start;
		bool busy = false;
	};

	[[nodiscard]] int post(const BenchCase &one, uint64_t index,
			       Slot &slot);
	[[nodiscard]] int post_message(Slot &slot);
	[[nodiscard]] uint64_t flags_of(BenchOp op) const;
	[[nodiscard]] int post_write(uint64_t offset, size_t bytes,
				     uint64_t flags, void *context);
	[[nodiscard]] int reap();
	[[nodiscard]] int failed(int error, const char *detail);
	[[nodiscard]] int check_end();

	Options options_;
	Report &report_;
	Place place_;
	LocalServer server_;
	Connection connection_;
	std::vector<char> buffer_;
	FidPtr<fid_mr> mr_;
	std::vector<Slot> slots_;
	size_t busy_ = 0;
	bool durable_ = false;	      /* its commits; and all operations */
	BenchRound *round_ = nullptr; /* under way */
	uint64_t idle_ = 0;	      /* polls */
	Clock::time_point last_progress_;
};

} // namespace fi_pmem
