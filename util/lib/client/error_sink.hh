/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where this library's errors and warnings go, in words for a user. The
 * function that decides that something failed calls fail() once; its callers
 * only hand the code on.
 */
#pragma once

#include <cstdarg>
#include <string>

namespace fi_pmem
{

/* Takes what vprintf(3) would print. */
[[nodiscard]] std::string format_text(const char *format, va_list arguments);

class ErrorSink
{
public:
	virtual ~ErrorSink() = default;

	/* Says why something fails; returns `code`. */
	[[gnu::format(printf, 3, 4)]] int fail(int code, const char *format,
					       ...);

	/* A note about something that goes on. */
	[[gnu::format(printf, 2, 3)]] void warn(const char *format, ...);

private:
	virtual void take_error(std::string text) = 0;
	virtual void take_warning(const std::string &text) = 0;
};

} // namespace fi_pmem
