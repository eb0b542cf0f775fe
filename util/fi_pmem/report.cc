/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Text and JSON output. File names need not be UTF-8: what is not becomes a
 * replacement character in JSON.
 */
#include "report.hh"

#include <cstdarg>
#include <cstdio>
#include <vector>

#include <nlohmann/json.hpp>

namespace fi_pmem
{

namespace
{

std::string format_text(const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(nullptr, 0, format, again);
	va_end(again);
	if (length < 0)
		return format;
	std::string text(static_cast<size_t>(length) + 1, '\0');
	vsnprintf(text.data(), text.size(), format, arguments);
	text.pop_back();
	return text;
}

using Json = nlohmann::ordered_json;

void print_json(const Json &object)
{
	std::string line =
		object.dump(-1, ' ', false, Json::error_handler_t::replace);
	std::printf("%s\n", line.c_str());
	std::fflush(stdout);
}

} // namespace

Report::Report(std::string command, bool json)
	: command_(std::move(command)),
	  fields_(std::make_unique<Json>(Json::object())), json_(json)
{
}

Report::~Report() = default;

int Report::fail(int code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	error_ = format_text(format, arguments);
	va_end(arguments);
	return code;
}

void Report::warn(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	std::string text = format_text(format, arguments);
	va_end(arguments);
	if (json_)
		set("warning", text);
	else
		std::fprintf(stderr, "fi_pmem %s: warning: %s\n",
			     command_.c_str(), text.c_str());
}

void Report::say(const char *format, ...)
{
	if (json_)
		return;
	va_list arguments;
	va_start(arguments, format);
	FILE *out = text_to_stderr_ ? stderr : stdout;
	std::vfprintf(out, format, arguments);
	std::fputc('\n', out);
	std::fflush(out);
	va_end(arguments);
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

void Report::finish(int code)
{
	if (!json_) {
		if (code)
			std::fprintf(stderr, "fi_pmem%s%s: %s\n",
				     command_.empty() ? "" : " ",
				     command_.c_str(), error_.c_str());
		return;
	}
	Json object{{"command", command_}, {"ok", code == 0}, {"code", code}};
	if (code)
		object["error"] = error_;
	object.update(*fields_);
	print_json(object);
}

} // namespace fi_pmem
