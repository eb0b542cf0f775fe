/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Chooses a provider by fi_getinfo.
 */
#include "client/configuration.hh"
#include "client/error_sink.hh"
#include "client/exit_codes.hh"
#include "client/fabric.hh"
#include "client/unoffered.hh"

#include <cstring>
#include <set>

namespace fi_pmem
{

namespace
{

constexpr uint32_t kApi = FI_VERSION(1, 17);
/*
 * With --rdm the provider is that over ofi_rxm: libfabric 2's tcp has such
 * endpoints of its own, but without atomics, and they cannot talk to libfabric
 * 1.17.
 */
constexpr const char *kVerbs[] = {"verbs;ofi_pmem", "verbs;ofi_rxm;ofi_pmem"};
constexpr const char *kTcp[] = {"tcp;ofi_pmem", "tcp;ofi_rxm;ofi_pmem"};

InfoPtr make_hints(const std::string &provider, fi_ep_type type,
		   uint64_t caps = 0)
{
	InfoPtr hints(fi_allocinfo());
	if (!hints)
		return hints;
	hints->caps = FI_MSG | FI_RMA | FI_RMA_PMEM | caps;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = type;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
				      FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	hints->fabric_attr->prov_name = strdup(provider.c_str());
	return hints;
}

/*
 * Without a name, endpoints without a connection get an address of one
 * interface. A listener on verbs belongs to one device anyway.
 */
const char *any_address(const std::string &provider, const Target &target)
{
	bool needed = target.passive && target.rdm && !provider.rfind("tcp", 0);
	return needed ? "0.0.0.0" : nullptr;
}

int query(const std::string &provider, fi_ep_type type, const Target *target,
	  InfoPtr *info)
{
	InfoPtr hints = make_hints(provider, type, target ? target->caps : 0);
	if (!hints)
		return -FI_ENOMEM;
	const char *node = nullptr;
	std::string service;
	uint64_t flags = 0;
	if (target) {
		node = target->host.empty() ? any_address(provider, *target)
					    : target->host.c_str();
		service = std::to_string(target->port);
		flags = target->passive ? FI_SOURCE : 0;
	}
	fi_info *found = nullptr;
	int ret = fi_getinfo(kApi, node, target ? service.c_str() : nullptr,
			     flags, hints.get(), &found);
	if (!ret)
		info->reset(found);
	return ret;
}

} // namespace

std::vector<std::string> loaded_providers()
{
	std::vector<std::string> names;
	fi_info *all = nullptr;
	if (fi_getinfo(kApi, nullptr, nullptr, FI_PROV_ATTR_ONLY, nullptr,
		       &all))
		return names;
	InfoPtr owned(all);
	for (; all; all = all->next)
		names.emplace_back(all->fabric_attr->prov_name);
	return names;
}

std::vector<std::string> persistent_providers(fi_ep_type type)
{
	std::set<std::string> inner{"tcp;ofi_rxm", "verbs;ofi_rxm"};
	for (const std::string &one : loaded_providers())
		inner.insert(one);
	std::vector<std::string> found;
	for (const std::string &one : inner) {
		std::string name = one + ";ofi_pmem";
		InfoPtr info;
		if (!query(name, type, nullptr, &info))
			found.push_back(name);
	}
	return found;
}

const char *default_provider(bool rdm)
{
	return kTcp[rdm];
}

int find_info(ErrorSink &sink, const Target &target, InfoPtr *info)
{
	if (has_ofi_pmem(target.provider)) {
		std::string problem = configuration_problem();
		if (!problem.empty())
			return sink.fail(kFailed, "%s", problem.c_str());
		warn_unknown_variables(sink);
	}
	fi_ep_type type = target.rdm ? FI_EP_RDM : FI_EP_MSG;
	std::string provider = target.provider;
	if (provider.empty()) {
		if (!query(kVerbs[target.rdm], type, &target, info))
			return kOk;
		provider = default_provider(target.rdm);
	}
	if (!query(provider, type, &target, info))
		return kOk;
	InfoPtr anywhere;
	bool offered = !query(provider, type, nullptr, &anywhere);
	if (offered && target.passive && !target.host.empty())
		return sink.fail(kFailed,
				 "%s: %s is not an address of this host "
				 "that provider %s can listen on",
				 target.host_option, target.host.c_str(),
				 provider.c_str());
	if (offered && !target.passive)
		return sink.fail(kUnreachable,
				 "provider %s knows no way to %s:%u: is the "
				 "name right?",
				 provider.c_str(), target.host.c_str(),
				 unsigned{target.port});
	return sink.fail(kFailed, "%s",
			 why_not_offered(target, provider).c_str());
}

} // namespace fi_pmem
