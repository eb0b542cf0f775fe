/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The digests of a range of a region, in a text file:
 *
 *	fi_pmem sums 1
 *	digest xxh3
 *	block 4096
 *	offset 0
 *	length 1048576
 *
 * then the digest of each block on a line of its own, in hexadecimal.
 */
#pragma once

#include "digest/digest.hh"
#include "transfer/output_file.hh"
#include "transfer/scan.hh"

#include <fstream>
#include <string>

namespace fi_pmem
{

struct SumsHead {
	ofi_pmem::DigestAlgorithm digest{};
	size_t block = 0;
	uint64_t offset = 0;
	uint64_t length = 0;
};

/* Compares digests with those in a file that was saved. */
class SumsReader final : public DigestSink
{
public:
	SumsReader(std::string path, Report &report)
		: path_(std::move(path)), report_(report)
	{
	}

	/* Reads the head. Returns an exit code. */
	[[nodiscard]] int open();
	[[nodiscard]] const SumsHead &head() const { return head_; }

	[[nodiscard]] int take(uint64_t bytes, const uint8_t *digest,
			       bool *good) override;

	/* Checks that nothing follows the last digest. Returns an exit code. */
	[[nodiscard]] int finish();

private:
	[[nodiscard]] bool next_line(std::string *line);
	template <typename Number>
	[[nodiscard]] bool next_number(const char *name, Number *number);
	[[nodiscard]] bool next_digest_name();
	[[nodiscard]] int malformed(const char *wanted);

	std::string path_;
	Report &report_;
	std::ifstream file_;
	uint64_t lines_ = 0;
	SumsHead head_;
};

/* The file appears under its name when it is complete. */
class SumsWriter final : public DigestSink
{
public:
	SumsWriter(const std::string &path, Report &report)
		: output_(path, report)
	{
	}

	[[nodiscard]] int open(const SumsHead &head);
	[[nodiscard]] int take(uint64_t bytes, const uint8_t *digest,
			       bool *good) override;
	[[nodiscard]] int finish() { return output_.finish(); }

private:
	[[nodiscard]] int put(const std::string &line);

	OutputFile output_;
	size_t digest_length_ = 0;
};

} // namespace fi_pmem
