/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/info_name.hh"

#include <algorithm>

#include <strings.h>

#include "core/prov.hh"

namespace ofi_pmem
{

namespace
{

/* Layered on when we are named without an inner provider. */
constexpr const char *kDefaultInner[] = {"verbs", "verbs;ofi_rxm", "tcp",
					 "tcp;ofi_rxm"};

bool starts_with(std::string_view text, std::string_view start) noexcept
{
	return text.size() >= start.size() &&
	       same_name(text.substr(0, start.size()), start);
}

void add_inner(const std::string &inner, std::vector<std::string> *names)
{
	if (inner.empty())
		names->insert(names->end(), std::begin(kDefaultInner),
			      std::end(kDefaultInner));
	else
		names->push_back(inner);
}

/* What a positive FI_PROVIDER list asks to have us on. */
std::vector<std::string> filter_inner_names(const char *filter)
{
	std::vector<std::string> names;
	if (!filter || filter[0] == '^')
		return names;
	std::string_view rest(filter);
	while (!rest.empty()) {
		auto name = rest.substr(0, rest.find(','));
		rest.remove_prefix(std::min(name.size() + 1, rest.size()));
		if (auto inner = inner_name(name))
			add_inner(*inner, &names);
	}
	return names;
}

} // namespace

bool same_name(std::string_view left, std::string_view right) noexcept
{
	return left.size() == right.size() &&
	       !strncasecmp(left.data(), right.data(), left.size());
}

std::optional<std::string> inner_name(std::string_view name)
{
	size_t last = name.rfind(';');
	if (last == name.npos)
		return same_name(name, kProviderName)
			       ? std::optional<std::string>(std::in_place)
			       : std::nullopt;
	auto top = name.substr(last + 1);
	auto below = name.substr(0, last);
	if (same_name(top, kProviderName))
		return std::string(below);
	if (same_name(below, kProviderName))
		return std::string(top);
	return std::nullopt;
}

std::vector<std::string> wanted_inner_names(const char *hint,
					    const char *filter)
{
	std::vector<std::string> names;
	if (hint) {
		if (auto inner = inner_name(hint)) {
			add_inner(*inner, &names);
			return names;
		}
	}
	for (auto &inner : filter_inner_names(filter)) {
		if (!hint || same_name(inner, hint) ||
		    starts_with(inner, std::string(hint) + ";"))
			names.push_back(std::move(inner));
	}
	return names;
}

std::vector<std::string> layered_on(const std::vector<std::string> &names)
{
	std::vector<std::string> layered;
	for (const auto &name : names) {
		auto above = name + ";ofi_rxm";
		bool known = std::any_of(names.begin(), names.end(),
					 [&](const auto &other) {
						 return same_name(other, above);
					 });
		if (name.find(';') == name.npos && !known)
			layered.push_back(above);
	}
	return layered;
}

} // namespace ofi_pmem
