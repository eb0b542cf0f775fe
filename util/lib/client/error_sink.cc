/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "client/error_sink.hh"

#include <cstdio>

namespace fi_pmem
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

int ErrorSink::fail(int code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	take_error(format_text(format, arguments));
	va_end(arguments);
	return code;
}

void ErrorSink::warn(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	take_warning(format_text(format, arguments));
	va_end(arguments);
}

} // namespace fi_pmem
