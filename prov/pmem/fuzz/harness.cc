/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "harness.hh"

#include <rdma/fi_errno.h>
#include <rdma/providers/fi_log.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ofi_pmem
{

namespace fuzz
{

namespace
{

/* The parameters as load_params() has defined them. */
std::map<std::string, fi_param_type> &definitions()
{
	static std::map<std::string, fi_param_type> all;
	return all;
}

/* libfabric knows more words. */
int read_bool(const char *text, int *value) noexcept
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return -FI_EINVAL;
	*value = !strcmp(text, "yes");
	return 0;
}

} // namespace

void require(bool holds, const char *what) noexcept
{
	if (holds)
		return;
	std::fprintf(stderr, "does not hold: %s\n", what);
	std::abort();
}

Environment &environment()
{
	static Environment variables;
	return variables;
}

} // namespace fuzz

} // namespace ofi_pmem

extern "C" {

int fi_log_enabled(const fi_provider *, fi_log_level, fi_log_subsys)
{
	return 1;
}

void fi_log(const fi_provider *, fi_log_level, fi_log_subsys, const char *, int,
	    const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	std::vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
}

int fi_param_define(const fi_provider *, const char *name, fi_param_type type,
		    const char *, ...)
{
	ofi_pmem::fuzz::definitions()[name] = type;
	return 0;
}

int fi_param_get(fi_provider *, const char *name, void *value)
{
	auto &variables = ofi_pmem::fuzz::environment();
	auto variable = variables.find(name);
	if (variable == variables.end())
		return -FI_ENODATA;
	char *text = variable->second.data();
	if (ofi_pmem::fuzz::definitions()[name] == FI_PARAM_BOOL)
		return ofi_pmem::fuzz::read_bool(text,
						 static_cast<int *>(value));
	*static_cast<char **>(value) = text;
	return 0;
}
}
