/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An initiator of fi_pmem torture, in a process of its own. It posts its
 * operations, notes in the journal what it does and what it learns, checks
 * what it reads, and at its turn kills the target or itself. So a fault happens
 * between two operations, and not at a time of the clock.
 */
#pragma once

#include "cli/options.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/connection.hh"
#include "torture/journal.hh"

#include <sys/types.h>

#include <atomic>
#include <vector>

namespace fi_pmem
{

/* Lies in memory that the processes of a round share. */
struct TortureShared {
	std::atomic<pid_t> target{0}; /* 0: the target is not ours */
	std::atomic<uint32_t> ready{0};
	/*
	 * The initiators that start together; none posts before all are ready.
	 */
	std::atomic<uint32_t> awaited{0};
	/* One of them could not connect, so nothing will be posted. */
	std::atomic<bool> given_up{false};
	std::atomic<uint32_t> faults{0};
	/* Set before the target is ended: from then on errors are expected. */
	std::atomic<bool> ended{false};
	/* Why the first initiator that failed has failed. */
	std::atomic<bool> has_error{false};
	char error[256] = "";
};

class TortureInitiator
{
public:
	/*
	 * All must outlive this object. `options` are its own, with the peer;
	 * `base` is the region as the target found it, or null.
	 */
	TortureInitiator(const Options &options, Report &report,
			 const TortureActor &actor, uint64_t salt,
			 const uint8_t *base, TortureJournal &journal,
			 TortureShared &shared)
		: options_(options), report_(report), actor_(actor),
		  salt_(salt), base_(base), journal_(journal), shared_(shared),
		  connection_(options, report, signals_)
	{
	}
	/* The endpoint goes first: nothing may be in flight from the buffer. */
	~TortureInitiator() { connection_.close(); }
	TortureInitiator(const TortureInitiator &) = delete;
	TortureInitiator &operator=(const TortureInitiator &) = delete;

	/*
	 * `signal` ends the target. Returns an exit code; failures are noted.
	 */
	[[nodiscard]] int run(int signal);

private:
	struct Slot {
		fi_context2
			context{}; /* first member, as completions name it */
		const TortureOp *op = nullptr;
		size_t index = 0; /* the operation's */
		uint8_t *buffer = nullptr;
		std::vector<uint8_t> expected; /* by a read */
		bool busy = false;
	};

	[[nodiscard]] int open();
	[[nodiscard]] int meet_others();
	[[nodiscard]] int perform(size_t index);
	[[nodiscard]] int await_slot(bool all);
	[[nodiscard]] int post(Slot &slot);
	[[nodiscard]] ssize_t start(Slot &slot);
	[[nodiscard]] ssize_t start_write(Slot &slot);
	[[nodiscard]] ssize_t start_flush(Slot &slot);
	[[nodiscard]] ssize_t start_atomic(Slot &slot);
	void prepare(Slot &slot);
	[[nodiscard]] int reap();
	[[nodiscard]] int finish(Slot &slot, int error);
	[[nodiscard]] int check_read(const Slot &slot);
	[[nodiscard]] bool may_read(const Slot &slot, uint64_t at,
				    uint8_t found) const;
	[[nodiscard]] int pause();
	[[nodiscard]] int hangs();
	[[nodiscard]] int noted(int error);
	void misbehave(uint32_t number, int signal);
	void end_target(int signal);

	const Options &options_;
	Report &report_;
	TortureActor actor_; /* without the faults that have happened */
	uint64_t salt_;
	const uint8_t *base_;
	TortureJournal &journal_;
	TortureShared &shared_;
	Signals signals_;
	Connection connection_;
	fi_ops_pmem_ep *ops_ = nullptr;
	std::vector<uint8_t> buffer_;
	FidPtr<fid_mr> mr_;
	std::vector<Slot> slots_;
	/* The area as the posted operations leave it. */
	std::vector<uint8_t> visible_;
	size_t posted_ = 0; /* operations */
	size_t busy_ = 0;
	bool failed_ = false; /* posts no more */
	Clock::time_point last_progress_;
};

} // namespace fi_pmem
