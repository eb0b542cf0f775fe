/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One provider of a benchmark: its server, the connection to it, and the
 * operations that are measured.
 */
#pragma once

#include "bench/side.hh"
#include "cli/options.hh"
#include "cli/report.hh"
#include "client/connection.hh"
#include "serve/local_server.hh"

#include <string>
#include <vector>

namespace fi_pmem
{

class ProviderSide final : public BenchSide
{
public:
	/* These must outlive this object; the options are copied. */
	ProviderSide(const Options &options, Report &report,
		     Interrupt &interrupt)
		: options_(options), report_(report),
		  place_(options.place, kBenchRegion),
		  server_(options_, report),
		  connection_(options_, report, interrupt)
	{
	}

	/* The endpoint goes first: nothing may be in flight from the buffer. */
	~ProviderSide() override { connection_.close(); }
	ProviderSide(const ProviderSide &) = delete;
	ProviderSide &operator=(const ProviderSide &) = delete;

	/*
	 * Starts a server, unless there is a peer, and connects. Returns an
	 * exit code.
	 */
	[[nodiscard]] int open(bool peer, size_t max_bytes);

	[[nodiscard]] std::string name() const override
	{
		return connection_.provider();
	}
	[[nodiscard]] const char *endpoint() const override
	{
		return connection_.info()->ep_attr->type == FI_EP_RDM ? "rdm"
								      : "msg";
	}
	void stop_server() override { server_.stop(); }
	void let_server_run() override { server_.go_on(); }
	/* Providers other than ofi_pmem have no fence and no verification. */
	[[nodiscard]] bool can(BenchOp op) const override;
	[[nodiscard]] int run(const BenchCase &one, uint64_t count,
			      BenchRound *round) override;

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
	[[nodiscard]] int take(ssize_t read, const fi_cq_entry *entries);
	[[nodiscard]] int reap();
	[[nodiscard]] int await();
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
	/* Commits are durable, and all operations are offered. */
	bool durable_ = false;
	BenchRound *round_ = nullptr; /* the round under way */
	uint64_t idle_ = 0;	      /* polls without a completion */
	Clock::time_point last_progress_;
};

} // namespace fi_pmem
