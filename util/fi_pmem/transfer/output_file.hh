/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where get, scrub and bench put what they have found: in a file that appears
 * under its name only when it is complete, or on standard output.
 */
#pragma once

#include "transfer/transfer.hh"

#include <string>

namespace fi_pmem
{

class OutputFile final : public BlockStream
{
public:
	OutputFile(std::string path, Report &report)
		: path_(std::move(path)), report_(report)
	{
	}
	/* Removes the file if it was not finished. */
	~OutputFile() override;
	OutputFile(const OutputFile &) = delete;
	OutputFile &operator=(const OutputFile &) = delete;

	/*
	 * Creates the temporary file beside the final one; creates nothing for
	 * "-".
	 */
	[[nodiscard]] int open();

	/* Interrupts waiting for a slow reader of standard output. */
	void watch(Interrupt *interrupt) { interrupt_ = interrupt; }

	/*
	 * The caller may write to this descriptor, and calls finish()
	 * afterwards.
	 */
	[[nodiscard]] int fd() const { return fd_; }

	/* Gives the file its name, durably. */
	[[nodiscard]] int finish();

	[[nodiscard]] int fill(char *, size_t, size_t *) override { return 0; }
	[[nodiscard]] int drain(const char *buffer, size_t bytes) override;

private:
	[[nodiscard]] bool is_stdout() const { return path_ == "-"; }
	[[nodiscard]] int await_reader();
	[[nodiscard]] int local_error(int error);

	std::string path_;
	Report &report_;
	Interrupt *interrupt_ = nullptr;
	std::string temporary_;
	int fd_ = -1;
};

} // namespace fi_pmem
