/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Compares the digests of a range of a region, block by block, with what they
 * should be. No data travels.
 */
#pragma once

#include "transfer/bad_ranges.hh"
#include "transfer/transfer.hh"

#include <set>

namespace fi_pmem
{

/* "cache", "persistence domain", ... */
const char *coverage_text(fi_pmem_coverage coverage);

/* Compares the digests of a region, or stores them. */
class DigestSink
{
public:
	virtual ~DigestSink() = default;

	/*
	 * Takes the blocks in ascending order, from position 0 on, without a
	 * gap. Sets *good. A block that cannot be read has an undefined digest,
	 * and is bad whatever *good says. Returns an exit code.
	 */
	[[nodiscard]] virtual int take(uint64_t bytes, const uint8_t *digest,
				       bool *good) = 0;
};

class Scan final : private BlockStream
{
public:
	Scan(const Options &options, Report &report, Connection &connection)
		: options_(options), report_(report), connection_(connection),
		  bad_(report, options.offset)
	{
	}

	/*
	 * Checks that both sides have --digest, and learns what it covers.
	 * Returns an exit code.
	 */
	[[nodiscard]] int open();

	/*
	 * Does the same on a connection that it opens, to a region that has
	 * `length` bytes at --offset; the error says that `what` needs them.
	 */
	[[nodiscard]] int connect(uint64_t length, const char *what);

	/*
	 * Digests `length` bytes at --offset, which fit the region, and reports
	 * every range that is bad. If there are any, it fails with kDiffers:
	 * they "are in blocks that `are`". Returns an exit code.
	 */
	[[nodiscard]] int run(uint64_t length, DigestSink &sink,
			      const std::string &are);

	/*
	 * Returns "64.0 MiB in 0.100 s, 640.0 MiB/s, xxh3 of blocks of 4096
	 * bytes", for example.
	 */
	[[nodiscard]] std::string summary(uint64_t length) const;

private:
	void set_fields(uint64_t length);
	[[nodiscard]] int fill(char *, size_t, size_t *) override { return 0; }
	[[nodiscard]] int drain(const char *digests, size_t bytes) override;
	void unreadable(uint64_t position, uint64_t bytes) override;

	const Options &options_;
	Report &report_;
	Connection &connection_;
	BadRanges bad_;
	DigestSink *sink_ = nullptr;
	std::set<uint64_t> unreadable_; /* positions of blocks */
	uint64_t position_ = 0;
	double seconds_ = 0;
	const char *covers_ = "";
};

} // namespace fi_pmem
