/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Text and JSON output. File names need not be UTF-8: what is not becomes a
 * replacement character in JSON.
 */
#include "report.hh"

#include <cstdarg>
#include <cstdio>

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

void print_json(const nlohmann::ordered_json &object)
{
	using Json = nlohmann::ordered_json;
	std::string line =
		object.dump(-1, ' ', false, Json::error_handler_t::replace);
	std::printf("%s\n", line.c_str());
	std::fflush(stdout);
}

} // namespace

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
		fields_["warning"] = text;
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

void Report::event(nlohmann::ordered_json object)
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
	nlohmann::ordered_json object{
		{"command", command_}, {"ok", code == 0}, {"code", code}};
	if (code)
		object["error"] = error_;
	object.update(fields_);
	print_json(object);
}

} // namespace fi_pmem
