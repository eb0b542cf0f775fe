/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a benchmark measures side by side: providers, and the floors below them.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fi_pmem
{

/* The operations to measure; fi_pmem(1) has the same names. */
enum class BenchOp { message, write, commit, fenced, append, drain, verified };

inline constexpr BenchOp kBenchOps[] = {
	BenchOp::message, BenchOp::write, BenchOp::commit,  BenchOp::fenced,
	BenchOp::append,  BenchOp::drain, BenchOp::verified};

[[nodiscard]] const char *bench_op_name(BenchOp op);

struct BenchCase {
	BenchOp op;
	size_t bytes;
	size_t depth; /* in flight; for a drain, the writes before it */
};

struct BenchRound {
	std::vector<double> latencies; /* microseconds of each operation */
	double seconds = 0;	       /* for all operations */
	double target_seconds = 0;     /* processor time of the target */
};

/* Bytes of a region that it makes. */
inline constexpr uint64_t kBenchRegion = 64 << 20;

/*
 * Where operations write: the pointer of an append has a line of its own, and
 * each record goes to another place behind it.
 */
class BenchPlaces
{
public:
	static constexpr uint64_t kRecords = 4096;

	/* Returns what a region needs for records of this many bytes. */
	[[nodiscard]] static uint64_t needed(uint64_t bytes)
	{
		return kRecords + line_up(bytes);
	}

	/* The region has at least needed() bytes. */
	BenchPlaces(uint64_t region_bytes, uint64_t bytes)
		: step_(line_up(bytes)),
		  count_((region_bytes - kRecords) / step_)
	{
	}

	[[nodiscard]] uint64_t operator[](uint64_t index) const
	{
		return kRecords + index % count_ * step_;
	}

private:
	/* Rounds up to whole cache lines. */
	[[nodiscard]] static uint64_t line_up(uint64_t bytes)
	{
		constexpr uint64_t kLine = 64;
		return (bytes + kLine - 1) / kLine * kLine;
	}

	uint64_t step_;
	uint64_t count_;
};

class BenchSide
{
public:
	virtual ~BenchSide() = default;

	/* Returns the provider, or the kind of floor that --floor names. */
	[[nodiscard]] virtual std::string name() const = 0;
	/* Says in a line what is measured. */
	[[nodiscard]] virtual std::string text() const { return name(); }
	/* Returns "msg" or "rdm"; null for a floor. */
	[[nodiscard]] virtual const char *endpoint() const { return nullptr; }
	[[nodiscard]] bool is_floor() const { return !endpoint(); }

	/* A server of its own runs only while this side is measured. */
	[[nodiscard]] virtual bool has_server() const { return true; }
	virtual void stop_server() = 0;
	virtual void let_server_run() = 0;

	[[nodiscard]] virtual bool can(BenchOp op) const = 0;
	/*
	 * Does `count` operations. Returns an exit code; the caller reports
	 * that of a signal, kSignalBase and above.
	 */
	[[nodiscard]] virtual int run(const BenchCase &one, uint64_t count,
				      BenchRound *round) = 0;
};

} // namespace fi_pmem
