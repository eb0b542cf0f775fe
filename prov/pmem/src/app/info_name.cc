/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/info_name.hh"

#include "core/prov.hh"

#include <strings.h>

#include <algorithm>

namespace ofi_pmem
{

namespace
{

/* We layer on these if we are named without an inner provider. */
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

std::vector<std::string_view> split(std::string_view text, char separator)
{
	std::vector<std::string_view> parts;
	while (!text.empty()) {
		auto part = text.substr(0, text.find(separator));
		text.remove_prefix(std::min(part.size() + 1, text.size()));
		if (!part.empty())
			parts.push_back(part);
	}
	return parts;
}

bool means_us(std::string_view part) noexcept
{
	return same_name(part, kProviderName) || same_name(part, "pmem") ||
	       same_name(part, "ofi-pmem");
}

bool names_us(std::string_view item)
{
	auto parts = split(item, ';');
	return std::any_of(parts.begin(), parts.end(), means_us);
}

/* Returns an item of FI_PROVIDER without our name. */
std::string without_us(std::string_view item)
{
	std::string rest;
	for (auto part : split(item, ';')) {
		if (means_us(part))
			continue;
		rest += rest.empty() ? "" : ";";
		rest += part;
	}
	return rest;
}

std::string over(const std::string &inner)
{
	return inner + ";" + kProviderName;
}

/* Returns the names that a positive FI_PROVIDER list puts us over. */
std::vector<std::string> filter_inner_names(const char *filter)
{
	std::vector<std::string> names;
	if (!filter || filter[0] == '^')
		return names;
	for (auto name : split(filter, ',')) {
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

std::string filter_advice(const char *filter)
{
	if (!filter || filter[0] == '^')
		return {};
	auto items = split(filter, ',');
	auto is_us = [](auto item) {
		return names_us(item) && without_us(item).empty();
	};
	bool alone = std::any_of(items.begin(), items.end(), is_us);
	bool wrong = false;
	std::string advice;
	for (auto item : items) {
		auto inner = without_us(item);
		bool named = names_us(item);
		bool right = !inner.empty() ? same_name(item, over(inner))
					    : same_name(item, kProviderName);
		wrong = wrong || (named ? !right : alone);
		if (inner.empty())
			continue;
		advice += advice.empty() ? "" : ",";
		advice += named || alone ? over(inner) : inner;
	}
	if (!wrong)
		return {};
	return advice.empty() ? over("tcp") : advice;
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
