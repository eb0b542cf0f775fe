/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "client/unoffered.hh"

#include "shared/provider_name.hh"

#include <strings.h>

#include <algorithm>
#include <cstdlib>

namespace fi_pmem
{

namespace
{

using Names = std::vector<std::string>;

Names split(const std::string &text, char separator)
{
	Names parts;
	for (size_t at = 0, end; at < text.size(); at = end + 1) {
		end = std::min(text.find(separator, at), text.size());
		if (end > at)
			parts.push_back(text.substr(at, end - at));
	}
	return parts;
}

bool is_same(const std::string &left, const std::string &right)
{
	return !strcasecmp(left.c_str(), right.c_str());
}

bool contains(const Names &names, const std::string &name)
{
	return std::any_of(
		names.begin(), names.end(),
		[&](const std::string &one) { return is_same(one, name); });
}

/* For example, tcp and tcp;ofi_rxm are below tcp;ofi_rxm;ofi_pmem. */
bool is_below(const std::string &part, const std::string &name)
{
	return name.size() > part.size() && name[part.size()] == ';' &&
	       is_same(name.substr(0, part.size()), part);
}

/*
 * Interprets FI_PROVIDER as libfabric does: names with commas, hidden if ^ is
 * first.
 */
bool hides(const std::string &filter, const std::string &provider)
{
	bool negated = !filter.empty() && filter.front() == '^';
	Names parts = split(provider, ';');
	Names entries = split(filter.substr(negated), ',');
	bool found = std::any_of(
		entries.begin(), entries.end(), [&](const std::string &one) {
			return is_same(one, provider) ||
			       is_below(one, provider) ||
			       (negated && contains(parts, one));
		});
	return found == negated;
}

std::string listed(const Names &names)
{
	std::string text;
	for (const std::string &one : names)
		text += (text.empty() ? "" : ", ") + one;
	return text;
}

std::string quoted(const char *value)
{
	return value ? "'" + std::string(value) + "'" : "not set";
}

/* Considers only providers with the endpoints that are needed. */
std::string what_to_write(const Target &target, const std::string &provider)
{
	Names offered =
		persistent_providers(target.rdm ? FI_EP_RDM : FI_EP_MSG);
	std::string layered = provider + ";" + ofi_pmem::kProviderName;
	if (contains(offered, layered))
		return "write '" + layered + "'";
	if (!offered.empty())
		return "there are " + listed(offered);
	std::string usual = default_provider(target.rdm);
	return is_same(provider, usual) ? "FI_LOG_LEVEL=warn says why"
					: "write '" + usual + "'";
}

} // namespace

std::string why_not_offered(const Target &target, const std::string &provider)
{
	Names loaded = loaded_providers();
	Names parts = split(provider, ';');
	if (contains(parts, ofi_pmem::kProviderName) &&
	    !contains(loaded, ofi_pmem::kProviderName))
		return "libpmem-fi.so was not loaded: FI_PROVIDER_PATH is " +
		       quoted(getenv("FI_PROVIDER_PATH")) +
		       ", and must name its directory; FI_LOG_LEVEL=warn says "
		       "more";
	bool known = std::all_of(
		parts.begin(), parts.end(),
		[&](const std::string &one) { return contains(loaded, one); });
	const char *filter = getenv("FI_PROVIDER");
	if (known && filter && hides(filter, provider))
		return "FI_PROVIDER is " + quoted(filter) +
		       ", which hides provider " + provider +
		       ": unset it, or set it to '" + provider + "'";
	std::string name = quoted(provider.c_str());
	std::string what =
		known ? name + " offers no persistent remote memory here" +
				(target.rdm ? " with --rdm" : "")
		      : "there is no provider " + name;
	return (target.provider.empty()
			? "provider"
			: std::string(target.provider_option) + ":") +
	       " " + what + "; " + what_to_write(target, provider);
}

} // namespace fi_pmem
