/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The records of an input: its lines, or pieces of one size.
 */
#pragma once

#include "cli/report.hh"

#include <string>
#include <string_view>

namespace fi_pmem
{

class RecordSource
{
public:
	/* `piece` 0 means lines, which may have up to `longest` bytes. */
	RecordSource(Report &report, size_t piece, size_t longest)
		: report_(report), piece_(piece), longest_(longest)
	{
	}
	~RecordSource();
	RecordSource(const RecordSource &) = delete;
	RecordSource &operator=(const RecordSource &) = delete;

	/* `path` may be "-". Returns an exit code. */
	[[nodiscard]] int open(const std::string &path);

	enum class Next { record, wait, end, failed };

	/*
	 * Gets the next record, which is valid until the next call. The result
	 * wait means that nothing can be read now. After failed, Report has the
	 * reason for the exit code().
	 */
	[[nodiscard]] Next next(std::string_view *record);

	/* Sleeps until there may be more input, or `signal_fd` has news. */
	void wait(int signal_fd) const;

	[[nodiscard]] int exit_code() const { return exit_code_; }

private:
	[[nodiscard]] bool cut(std::string_view *record);
	[[nodiscard]] Next fail(const char *text);

	Report &report_;
	size_t piece_;
	size_t longest_;
	std::string path_;
	int fd_ = -1;
	std::string buffer_;
	size_t begin_ = 0; /* the bytes that have not been cut yet */
	bool ended_ = false;
	int exit_code_ = 0;
};

} // namespace fi_pmem
