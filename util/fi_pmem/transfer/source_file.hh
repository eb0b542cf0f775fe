/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The local file of put and verify. It is read, not mapped: if it shrinks
 * meanwhile, that is an error and not SIGBUS.
 */
#pragma once

#include "transfer/transfer.hh"

#include <optional>
#include <string>

namespace fi_pmem
{

class SourceFile final : public BlockStream
{
public:
	SourceFile(std::string path, Report &report)
		: path_(std::move(path)), report_(report)
	{
	}
	~SourceFile() override;
	SourceFile(const SourceFile &) = delete;
	SourceFile &operator=(const SourceFile &) = delete;

	/*
	 * Opens a regular file that is not empty: all that is behind `offset`,
	 * or `length` bytes from there, which it must have. Returns an exit
	 * code.
	 */
	[[nodiscard]] int open(uint64_t offset = 0,
			       std::optional<uint64_t> length = {});

	[[nodiscard]] uint64_t bytes() const { return bytes_; }

	/*
	 * The next read() begins at this position, which counts from the
	 * offset.
	 */
	void seek(uint64_t position) { next_ = offset_ + position; }

	/* Reads the next `bytes` bytes. Returns an exit code. */
	[[nodiscard]] int read(char *buffer, size_t bytes);

	[[nodiscard]] int fill(char *buffer, size_t bytes,
			       size_t *filled) override
	{
		*filled = bytes;
		return read(buffer, bytes);
	}
	[[nodiscard]] int drain(const char *, size_t) override { return 0; }

private:
	[[nodiscard]] int local_error(const char *text);

	std::string path_;
	Report &report_;
	int fd_ = -1;
	uint64_t offset_ = 0;
	uint64_t bytes_ = 0;
	uint64_t next_ = 0; /* position in the file */
};

} // namespace fi_pmem
