/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Text and JSON output. File names need not be UTF-8: invalid bytes become a
 * replacement character in JSON.
 */
#include "cli/report.hh"

#include "client/exit_codes.hh"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <vector>

namespace fi_pmem
{

namespace
{

using Json = nlohmann::ordered_json;

} // namespace

Report::Report(std::string command, bool json)
	: command_(std::move(command)),
	  fields_(std::make_unique<Json>(Json::object())), json_(json)
{
}

Report::~Report() = default;

void Report::take_error(std::string text)
{
	error_ = std::move(text);
}

void Report::take_warning(const std::string &text)
{
	if (!json_) {
		std::fprintf(stderr, "fi_pmem %s: warning: %s\n",
			     command_.c_str(), text.c_str());
		return;
	}
	std::string before;
	if (fields_->contains("warning"))
		before = (*fields_)["warning"].get<std::string>() + "; ";
	set("warning", before + text);
}

void Report::say(const char *format, ...)
{
	if (json_)
		return;
	va_list arguments;
	va_start(arguments, format);
	std::string text = format_text(format, arguments);
	va_end(arguments);
	print_line(text_to_stderr_ ? stderr : stdout, text);
	static_cast<void>(flush());
}

void Report::data(const std::string &line)
{
	if (!json_)
		print_line(stdout, line);
}

void Report::print_line(FILE *out, const std::string &line)
{
	bool whole =
		std::fwrite(line.data(), 1, line.size(), out) == line.size() &&
		std::fputc('\n', out) != EOF;
	if (!whole && out == stdout && !output_error_)
		output_error_ = errno;
}

void Report::print_json(const Json &object)
{
	std::string line =
		object.dump(-1, ' ', false, Json::error_handler_t::replace);
	print_line(stdout, line);
	static_cast<void>(flush());
}

bool Report::flush()
{
	if (std::fflush(stdout) && !output_error_)
		output_error_ = errno;
	return !output_error_;
}

template <typename Value> void Report::set(const char *name, Value value)
{
	(*fields_)[name] = std::move(value);
}

template void Report::set(const char *, bool);
template void Report::set(const char *, int);
template void Report::set(const char *, unsigned);
template void Report::set(const char *, uint64_t);
template void Report::set(const char *, double);
template void Report::set(const char *, const char *);
template void Report::set(const char *, std::string);
template void Report::set(const char *, std::vector<std::string>);
template void Report::set(const char *, Json);

void Report::event(const Json &object)
{
	if (json_)
		print_json(object);
}

int Report::finish(int code)
{
	if (json_) {
		Json object{{"command", command_},
			    {"ok", code == 0},
			    {"code", code}};
		if (code)
			object["error"] = error_;
		object.update(*fields_);
		print_json(object);
	}
	bool lost = !flush();
	if (lost && !code)
		code = fail(kLocalFile, "standard output: %s",
			    strerror(output_error_));
	if (code && (lost || !json_))
		std::fprintf(stderr, "fi_pmem%s%s: %s\n",
			     command_.empty() ? "" : " ", command_.c_str(),
			     error_.c_str());
	return code;
}

} // namespace fi_pmem
