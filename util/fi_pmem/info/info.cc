/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Text and JSON of fi_pmem info: first what the kernel says about the host,
 * then what was found by trying.
 */
#include "info/info.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "client/configuration.hh"
#include "client/exit_codes.hh"
#include "client/seal.hh"
#include "client/unoffered.hh"
#include "digest/digest.hh"
#include "info/advice.hh"
#include "info/host.hh"
#include "info/probe.hh"
#include "transfer/scan.hh"

#include <nlohmann/json.hpp>
#include <rdma/fi_errno.h>

#include <strings.h>

#include <cstdlib>
#include <fstream>

namespace fi_pmem
{

namespace
{

using Json = nlohmann::ordered_json;

const char *domain_text(fi_pmem_domain domain)
{
	switch (domain) {
	case FI_PMEM_DOMAIN_NONE:
		return "none (made persistent by force)";
	case FI_PMEM_DOMAIN_MEMORY_CONTROLLER:
		return "memory controller (ADR)";
	case FI_PMEM_DOMAIN_CPU_CACHE:
		return "processor caches (eADR)";
	case FI_PMEM_DOMAIN_DEVICE:
		return "block device";
	case FI_PMEM_DOMAIN_SIMULATED:
		return "simulated power failure";
	case FI_PMEM_DOMAIN_SYSTEM:
		return "whole system";
	case FI_PMEM_DOMAIN_DETECT:
		break;
	}
	return "unknown";
}

const char *granularity_text(fi_pmem_granularity granularity)
{
	switch (granularity) {
	case FI_PMEM_GRANULARITY_BYTE:
		return "byte";
	case FI_PMEM_GRANULARITY_CACHE_LINE:
		return "cache line";
	case FI_PMEM_GRANULARITY_PAGE:
		return "page";
	case FI_PMEM_GRANULARITY_DETECT:
		break;
	}
	return "unknown";
}

const char *method_text(fi_pmem_method method)
{
	switch (method) {
	case FI_PMEM_METHOD_MESSAGE:
		return "message";
	case FI_PMEM_METHOD_READ:
		return "read";
	case FI_PMEM_METHOD_NATIVE:
		return "native";
	case FI_PMEM_METHOD_ACK:
		return "ack";
	}
	return "unknown";
}

Json or_null(const std::optional<unsigned> &number)
{
	return number ? Json(*number) : Json();
}

std::string node_text(const std::optional<unsigned> &node)
{
	return node ? "NUMA node " + std::to_string(*node)
		    : std::string("NUMA node unknown");
}

void tell_providers(Report &report)
{
	std::vector<std::string> names = persistent_providers();
	report.say("providers with ofi_pmem:");
	for (const std::string &name : names)
		report.say("  %s", name.c_str());
	std::string problem = configuration_problem();
	if (problem.empty() && names.empty())
		problem = why_not_offered({}, default_provider(false));
	if (!problem.empty())
		report.say("  %s%s",
			   names.empty() ? "none: " : "but: ", problem.c_str());
	report.set("providers", names);
	if (!problem.empty())
		report.set("providers_problem", problem);
	warn_unknown_variables(report);
}

std::string kind_text(const MemoryDevice &device)
{
	if (!device.persistent())
		return ofi_pmem::to_string(device.kind);
	return device.domain.empty() ? "domain unknown" : device.domain;
}

/* Says how a file there becomes durable. */
const char *mount_text(const Mount &mount)
{
	if (mount.persistent())
		return "DAX: cache line granularity";
	return mount.dax ? "DAX, but to be synced: page granularity"
			 : "page cache: page granularity";
}

void tell_memory(Report &report, const std::vector<MemoryDevice> &devices)
{
	Json all = Json::array();
	report.say("memory offered as DAX:%s", devices.empty() ? " none" : "");
	for (const MemoryDevice &one : devices) {
		report.say("  %s, %s, %s, %s", one.name.c_str(),
			   human_bytes(static_cast<double>(one.bytes)).c_str(),
			   node_text(one.node).c_str(), kind_text(one).c_str());
		all.push_back({{"device", one.name},
			       {"bytes", one.bytes},
			       {"persistent", one.persistent()},
			       {"domain", one.domain},
			       {"node", or_null(one.node)}});
	}
	report.set("memory", all);
}

void tell_mounts(Report &report)
{
	Json all = Json::array();
	std::ifstream mountinfo("/proc/self/mountinfo");
	report.say("file systems with a device:");
	for (const Mount &one : find_mounts(mountinfo)) {
		report.say("  %s, %s, %s", one.point.c_str(), one.type.c_str(),
			   mount_text(one));
		all.push_back({{"mount", one.point},
			       {"type", one.type},
			       {"dax", one.dax}});
	}
	report.set("mounts", all);
}

std::string flags_text(const std::optional<RdmaFlags> &flags)
{
	if (!flags)
		return "its flags cannot be queried";
	std::string text;
	if (flags->flush_persistent)
		text += ", FLUSH";
	else if (flags->flush_visible)
		text += ", FLUSH for visibility only";
	if (flags->atomic_write)
		text += ", ATOMIC WRITE";
	return text.empty() ? "neither FLUSH nor ATOMIC WRITE" : text.substr(2);
}

Json flags_json(const std::optional<RdmaFlags> &flags)
{
	if (!flags)
		return {};
	return {{"flush_global", flags->flush_visible},
		{"flush_persistent", flags->flush_persistent},
		{"atomic_write", flags->atomic_write}};
}

void tell_rdma(Report &report, const std::vector<RdmaDevice> &devices,
	       const std::vector<MemoryDevice> &memory)
{
	Json all = Json::array();
	report.say("RDMA devices:%s", devices.empty() ? " none" : "");
	for (const RdmaDevice &one : devices) {
		report.say("  %s, %s, %s, %s", one.name.c_str(),
			   one.state.c_str(), flags_text(one.flags).c_str(),
			   node_text(one.node).c_str());
		Json distances = Json::object();
		for (const MemoryDevice &to : memory) {
			if (!one.node || !to.node)
				continue;
			auto distance = numa_distance(*one.node, *to.node);
			distances[to.name] = or_null(distance);
			if (distance)
				report.say("    %u from %s", *distance,
					   to.name.c_str());
		}
		all.push_back({{"device", one.name},
			       {"state", one.state},
			       {"flags", flags_json(one.flags)},
			       {"node", or_null(one.node)},
			       {"distances", distances}});
	}
	report.set("rdma", all);
}

void tell_advice(Report &report, const std::vector<std::string> &advice)
{
	report.say("to get better:%s", advice.empty() ? " nothing" : "");
	for (const std::string &one : advice)
		report.say("  %s", one.c_str());
	report.set("advice", advice);
}

/* What a channel does not hide although it is sealed. */
std::vector<std::string> in_clear()
{
	std::vector<std::string> clear{
		"lengths and times of messages", "who talks to whom", "key ids",
		"messages (fi_send) and ordinary regions",
		"what fi_pmem clients ask for first: region, its size, "
		"address and MR key"};
	const char *cq_data = getenv("FI_OFI_PMEM_SEAL_CQ_DATA");
	if (cq_data && !strcasecmp(cq_data, "clear"))
		clear.emplace_back("remote CQ data");
	return clear;
}

void tell_seal(Report &report, const fi_pmem_region_attr &attr)
{
	report.set("sealed", attr.key_id != 0);
	if (!attr.key_id) {
		report.say("  not sealed: data, digests and MR keys travel in "
			   "clear");
		return;
	}
	std::string id = std::to_string(attr.key_id);
	const char *cipher = cipher_name(attr.cipher);
	std::vector<std::string> clear = in_clear();
	report.say("  sealed by region key %s, %s; in clear all the same:",
		   id.c_str(), cipher);
	for (const std::string &one : clear)
		report.say("    %s", one.c_str());
	report.set("key_id", id);
	report.set("cipher", cipher);
	report.set("in_clear", clear);
	if (attr.key_bytes_left == UINT64_MAX)
		return;
	report.say(
		"  the key may seal %s more",
		human_bytes(static_cast<double>(attr.key_bytes_left)).c_str());
	report.set("key_bytes_left", attr.key_bytes_left);
}

void tell_place(const Options &options, Report &report, const Probe &found)
{
	const fi_pmem_region_attr &attr = found.attr;
	std::string digests = ofi_pmem::digest_names(attr.digests);
	report.say("%s by %s:", options.place.c_str(), found.provider.c_str());
	report.say("  persistence domain: %s", domain_text(attr.domain));
	report.say("  granularity: %s", granularity_text(attr.granularity));
	report.say("  method of a commit: %s: %s", method_text(attr.method),
		   found.reason.c_str());
	report.say("  ordered writes by the NIC: %s",
		   attr.native_order ? "yes" : "no");
	report.say("  digests: %s, of the %s", digests.c_str(),
		   coverage_text(attr.coverage));
	bool has_key = has_auth_key();
	report.say("  %s", has_key ? "the service accepts only initiators with "
				     "the same auth_key"
				   : "the service is open: anyone who reaches "
				     "its port can connect");
	tell_seal(report, attr);
	report.set("place", options.place);
	report.set("provider", found.provider);
	report.set("domain", domain_text(attr.domain));
	report.set("granularity", granularity_text(attr.granularity));
	report.set("method", method_text(attr.method));
	report.set("method_reason", found.reason);
	report.set("failure_atomic", attr.failure_atomic);
	report.set("native_order", attr.native_order);
	report.set("digests", digests);
	report.set("covers", coverage_text(attr.coverage));
	report.set("authentication", has_key ? "auth_key" : "none");
}

} // namespace

int run_info(const Options &options, Report &report)
{
	std::vector<MemoryDevice> memory = find_memory();
	std::vector<RdmaDevice> devices = find_rdma();
	tell_providers(report);
	tell_memory(report, memory);
	tell_mounts(report);
	tell_rdma(report, devices, memory);
	if (options.place.empty()) {
		report.say("fi_pmem info DIRECTORY, or a device DAX, tries "
			   "what a commit there is worth");
		return kOk;
	}
	Probe found;
	int ret = probe(options, report, options.place, &found);
	if (ret)
		return ret;
	tell_place(options, report, found);
	tell_advice(report, advise(found, devices, memory));
	return kOk;
}

} // namespace fi_pmem
