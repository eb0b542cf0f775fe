/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes what the user reads: one result or one error at the end, as text or as
 * one JSON object. The function that decides that something failed calls fail()
 * once; its callers only pass the exit code on.
 */
#pragma once

#include "client/error_sink.hh"

#include <nlohmann/json_fwd.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace fi_pmem
{

class Report final : public ErrorSink
{
public:
	Report(std::string command, bool json);
	~Report() override;

	[[nodiscard]] bool json() const { return json_; }

	/* Returns the text of the last fail(). */
	[[nodiscard]] const std::string &error() const { return error_; }

	/* Prints text for a person on standard output; nothing in JSON. */
	[[gnu::format(printf, 2, 3)]] void say(const char *format, ...);

	/*
	 * Sets a field of the JSON object that finish() prints. report.cc lists
	 * the types: few files need to know about JSON.
	 */
	template <typename Value> void set(const char *name, Value value);

	/* Prints one JSON object at once, for commands that go on running. */
	void event(const nlohmann::ordered_json &object);

	/*
	 * Prints a line of data as it is on standard output; nothing in JSON.
	 */
	void data(const std::string &line);

	/* Standard output carries data, so text goes to standard error. */
	void keep_stdout_clean() { text_to_stderr_ = true; }

	/*
	 * Becomes false when standard output has not taken something, which
	 * finish() reports.
	 */
	[[nodiscard]] bool flush();

	/*
	 * Prints the result or the error; returns the exit code, which is not
	 * kOk if any output was lost.
	 */
	[[nodiscard]] int finish(int code);

private:
	void take_error(std::string text) override;
	/* Goes to standard error, or in JSON to the field "warning". */
	void take_warning(const std::string &text) override;
	void print_line(FILE *out, const std::string &line);
	void print_json(const nlohmann::ordered_json &object);

	std::string command_;
	std::string error_;
	std::unique_ptr<nlohmann::ordered_json> fields_;
	int output_error_ = 0; /* errno of the first loss */
	bool json_;
	bool text_to_stderr_ = false;
};

} // namespace fi_pmem
