/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the user gets to read: one result or one error at the end, as text or
 * as one JSON object. The function that decides that something failed calls
 * fail() once; its callers only hand the exit code on.
 */
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace fi_pmem
{

class Report
{
public:
	Report(std::string command, bool json);
	~Report();

	[[nodiscard]] bool json() const { return json_; }

	/* Records why the command fails; returns `code`. */
	[[gnu::format(printf, 3, 4)]] int fail(int code, const char *format,
					       ...);

	/* What fail() was told last. */
	[[nodiscard]] const std::string &error() const { return error_; }

	/* A note on standard error, or in the field "warning" in JSON. */
	[[gnu::format(printf, 2, 3)]] void warn(const char *format, ...);

	/* Text for a person, on standard output; nothing in JSON. */
	[[gnu::format(printf, 2, 3)]] void say(const char *format, ...);

	/*
	 * A field of the JSON object printed by finish(). Of the types that
	 * report.cc has: few files need to know what JSON is.
	 */
	template <typename Value> void set(const char *name, Value value);

	/* One JSON object at once, for commands that go on running. */
	void event(const nlohmann::ordered_json &object);

	/* A line of data as it is, on standard output; nothing in JSON. */
	void data(const std::string &line);

	/* Standard output carries data: text goes to standard error. */
	void keep_stdout_clean() { text_to_stderr_ = true; }

	/*
	 * False once standard output has not taken something, which finish()
	 * tells.
	 */
	[[nodiscard]] bool flush();

	/*
	 * Prints the result or the error; returns the exit code, which is not
	 * kOk if any output was lost.
	 */
	[[nodiscard]] int finish(int code);

private:
	void print_line(FILE *out, const std::string &line);
	void print_json(const nlohmann::ordered_json &object);

	std::string command_;
	std::string error_;
	std::unique_ptr<nlohmann::ordered_json> fields_;
	int output_error_ = 0; /* errno of what was lost first */
	bool json_;
	bool text_to_stderr_ = false;
};

} // namespace fi_pmem
