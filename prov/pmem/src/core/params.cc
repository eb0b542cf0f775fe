/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Definition and reading of the FI_OFI_PMEM_* variables. libfabric upper-cases
 * the name and puts FI_OFI_PMEM_ before it; `fi_info -e` lists them.
 */
#include "core/params.hh"

#include "core/log.hh"
#include "shared/params_check.hh"

#include <rdma/fi_errno.h>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <new>
#include <string_view>

namespace ofi_pmem
{

namespace
{

/* It is never destroyed: threads of ours may run when the program exits. */
Params &loaded = *new Params;

struct Definition {
	const char *name;
	fi_param_type type;
	const char *help;
};

constexpr Definition kDefinitions[] = {
	{"method", FI_PARAM_STRING,
	 "How an initiator's commits reach the persistence domain: auto (the "
	 "strongest that the target declares safe), message, read, native or "
	 "ack (default: auto)"},
	{"regions", FI_PARAM_STRING,
	 "Registrations that become persistent regions: flagged (FI_RMA_PMEM), "
	 "detect (also DAX and file mappings) or all (every remotely writable "
	 "one, durable or not) (default: flagged)"},
	{"commit", FI_PARAM_STRING,
	 "Writes to persistent regions that commit: flagged "
	 "(FI_COMMIT_COMPLETE) or all (default: flagged)"},
	{"backend", FI_PARAM_STRING,
	 "Persistence backend: auto, pmem2 or powerfail (simulated power "
	 "failure) (default: auto)"},
	{"domain", FI_PARAM_STRING,
	 "Persistence domain of a target's persistent memory: auto (as sysfs "
	 "says), memory_controller (ADR), cpu_cache (eADR) or system "
	 "(whole-system persistence) (default: auto)"},
	{"ddio", FI_PARAM_STRING,
	 "Whether a target's NIC may place data in CPU caches (DDIO): on or "
	 "off (default: on)"},
	{"native_flush", FI_PARAM_STRING,
	 "IB FLUSH: auto, vouched (a target's NIC and platform flush to the "
	 "persistence domain, whatever DDIO) or off (default: auto)"},
	{"powerfail_sync_us", FI_PARAM_STRING,
	 "Microseconds that a drain takes under the simulated power failure, "
	 "as the sync of a disk does (default: 0)"},
	{"spin_us", FI_PARAM_STRING,
	 "Microseconds for which the service polls before it sleeps "
	 "(default: 20)"},
	{"inline_size", FI_PARAM_STRING,
	 "On verbs: largest write, in bytes, that travels inside its request "
	 "(default: 4096)"},
	{"port_range", FI_PARAM_STRING,
	 "Ports for the service of a domain, low-high (default: the system "
	 "chooses)"},
	{"connect_timeout_ms", FI_PARAM_STRING,
	 "Milliseconds after which connecting to a peer's service fails "
	 "(default: 5000)"},
	{"max_channels", FI_PARAM_STRING,
	 "Channels that the service of a domain serves at once; more are "
	 "refused (default: 4096)"},
	{"max_per_address", FI_PARAM_STRING,
	 "On tcp: channels that the service of a domain serves at once for one "
	 "address; more are refused (default: 1024)"},
	{"operation_timeout_ms", FI_PARAM_STRING,
	 "Milliseconds without any progress at the target after which what is "
	 "outstanding there fails; 0: never (default: 30000)"},
	{"digest", FI_PARAM_STRING,
	 "How writes with FI_PMEM_VERIFY are compared, the best first: a list "
	 "of crc32c, crc64nvme, crc64ecma, crc16t10dif, xxh3, xxh128 and "
	 "sha256 (default: xxh3)"},
	{"verify_block", FI_PARAM_STRING,
	 "Bytes of a block that is compared as a whole (default: 4096)"},
	{"trace_write", FI_PARAM_BOOL,
	 "Trace the hops of each persistent write; needs FI_LOG_LEVEL=trace "
	 "(default: no)"},
	{"ledger", FI_PARAM_BOOL,
	 "Self-check of the service: keep a ledger of what is written, flushed "
	 "and drained, and fail commits that it does not confirm (default: "
	 "no)"},
	{"service_threads", FI_PARAM_STRING,
	 "On tcp: threads of the service of a domain, 1 to 64 (default: one "
	 "for four CPUs of the process, at most 4)"},
	{"service_cpus", FI_PARAM_STRING,
	 "CPUs of the service's threads: auto (NUMA node of the NIC, or else "
	 "of the memory), none (not bound), node:N or a list such as 0-3,8 "
	 "(default: auto)"},
	{"auth_key_file", FI_PARAM_STRING,
	 "File with the auth_key of domains that are opened without one: 16 to "
	 "4096 bytes, readable only by its owner, or by root and a group of "
	 "the process (default: none, so that anyone who reaches the service "
	 "may connect)"},
	{"seal", FI_PARAM_STRING,
	 "Whether persistent regions are sealed with region keys: off, offered "
	 "(those that have a key) or required (all; others are refused) "
	 "(default: offered)"},
	{"seal_key_file", FI_PARAM_STRING,
	 "File with the region keys of every domain, as readable as that of "
	 "the auth_key (default: none)"},
	{"seal_key_id", FI_PARAM_STRING,
	 "The id of the one key of that file that is used, for everything "
	 "(default: all are used as their lines say)"},
	{"seal_cq_data", FI_PARAM_STRING,
	 "Remote CQ data of writes to sealed regions: refuse, or clear (it "
	 "travels in clear) (default: refuse)"},
	{"seal_roll_records", FI_PARAM_STRING,
	 "Records after which a traffic key is renewed, for tests; 0: when the "
	 "cipher needs it (default: 0)"},
	{"seal_audit", FI_PARAM_STRING,
	 "File to which the nonce of each sealed record is appended, for tests "
	 "(default: none)"},
};

constexpr std::string_view kPrefix = "FI_OFI_PMEM_";

/* Returns the variable that libfabric makes of a parameter's name. */
std::string variable_of(std::string_view name)
{
	std::string variable(kPrefix);
	for (char letter : name)
		variable += static_cast<char>(
			std::toupper(static_cast<unsigned char>(letter)));
	return variable;
}

/* Says why the last reading failed. */
std::string problem;

int refuse(const char *name, const char *value, const char *accepted)
{
	problem = variable_of(name) + " has value " + value +
		  ", accepted are " + accepted;
	return -FI_EINVAL;
}

template <typename Choice> struct Word {
	const char *text;
	Choice value;
};

template <typename Choice>
int read_choice(const char *name, const char *accepted,
		std::initializer_list<Word<Choice>> words, Choice *value)
{
	char *text = nullptr;
	if (fi_param_get_str(&provider, name, &text) || !text)
		return 0;
	for (const auto &word : words) {
		if (!strcasecmp(word.text, text)) {
			*value = word.value;
			return 0;
		}
	}
	return refuse(name, text, accepted);
}

/*
 * Accepts only text that is one number; libfabric's own parsing takes "9x" as
 * 9.
 */
template <typename Number>
bool parse_number(std::string_view text, Number *number) noexcept
{
	auto end = text.data() + text.size();
	auto result = std::from_chars(text.data(), end, *number);
	return result.ec == std::errc{} && result.ptr == end;
}

template <typename Number>
int read_number(const char *name, Number low, Number high, const char *accepted,
		Number *value)
{
	char *text = nullptr;
	if (fi_param_get_str(&provider, name, &text) || !text)
		return 0;
	Number number = 0;
	if (!parse_number(text, &number) || number < low || number > high)
		return refuse(name, text, accepted);
	*value = number;
	return 0;
}

bool parse_port(std::string_view text, uint16_t *port) noexcept
{
	return parse_number(text, port) && *port;
}

int read_port_range(Params *values)
{
	char *text = nullptr;
	if (fi_param_get_str(&provider, "port_range", &text) || !text)
		return 0;
	std::string_view range(text);
	size_t dash = range.find('-');
	uint16_t low = 0;
	uint16_t high = 0;
	if (dash == range.npos || !parse_port(range.substr(0, dash), &low) ||
	    !parse_port(range.substr(dash + 1), &high) || low > high)
		return refuse("port_range", text,
			      "low-high with 1 <= low <= high <= 65535");
	values->port_low = low;
	values->port_high = high;
	return 0;
}

/* No machine has more; the node or CPU need not exist on this one. */
constexpr unsigned kMaxCpu = 65535;

bool parse_cpu_range(std::string_view text, ServiceCpus::Range *range) noexcept
{
	size_t dash = text.find('-');
	if (!parse_number(text.substr(0, dash), &range->first))
		return false;
	range->last = range->first;
	if (dash != text.npos &&
	    !parse_number(text.substr(dash + 1), &range->last))
		return false;
	return range->first <= range->last && range->last <= kMaxCpu;
}

bool parse_cpu_list(std::string_view text, ServiceCpus *value)
{
	while (true) {
		size_t comma = text.find(',');
		ServiceCpus::Range range;
		if (!parse_cpu_range(text.substr(0, comma), &range))
			return false;
		value->cpus.push_back(range);
		if (comma == text.npos)
			return true;
		text.remove_prefix(comma + 1);
	}
}

} // namespace

bool parse_service_cpus(const char *text, ServiceCpus *value)
{
	constexpr std::string_view kNode = "node:";
	ServiceCpus parsed;
	if (!strcasecmp(text, "auto")) {
		parsed.kind = ServiceCpus::Kind::automatic;
	} else if (!strcasecmp(text, "none")) {
		parsed.kind = ServiceCpus::Kind::none;
	} else if (!strncasecmp(text, kNode.data(), kNode.size())) {
		parsed.kind = ServiceCpus::Kind::node;
		if (!parse_number(text + kNode.size(), &parsed.node) ||
		    parsed.node > kMaxCpu)
			return false;
	} else {
		parsed.kind = ServiceCpus::Kind::list;
		if (!parse_cpu_list(text, &parsed))
			return false;
	}
	*value = std::move(parsed);
	return true;
}

namespace
{

int read_service_cpus(ServiceCpus *value)
{
	char *text = nullptr;
	if (fi_param_get_str(&provider, "service_cpus", &text) || !text)
		return 0;
	return parse_service_cpus(text, value)
		       ? 0
		       : refuse("service_cpus", text,
				"auto, none, node:N, a list such as 0-3,8");
}

bool parse_digests(std::string_view text, std::vector<DigestAlgorithm> *list)
{
	while (true) {
		size_t comma = text.find(',');
		DigestAlgorithm one;
		if (parse_digest_algorithm(text.substr(0, comma), &one))
			return false;
		list->push_back(one);
		if (comma == text.npos)
			return true;
		text.remove_prefix(comma + 1);
	}
}

int read_digests(std::vector<DigestAlgorithm> *value)
{
	char *text = nullptr;
	if (fi_param_get_str(&provider, "digest", &text) || !text)
		return 0;
	std::vector<DigestAlgorithm> list;
	if (!parse_digests(text, &list))
		return refuse("digest", text,
			      "crc32c, crc64nvme, crc64ecma, crc16t10dif, "
			      "xxh3, xxh128, sha256, or some of them with "
			      "commas");
	*value = std::move(list);
	return 0;
}

int read_auth_key_file(AuthKey *value)
{
	char *path = nullptr;
	if (fi_param_get_str(&provider, "auth_key_file", &path) || !path)
		return 0;
	std::string why;
	if (read_auth_key(path, value, &why))
		return 0;
	problem = variable_of("auth_key_file") + ": " + path + ": " + why;
	return -FI_EINVAL;
}

void read_path(const char *name, std::string *value)
{
	char *path = nullptr;
	if (!fi_param_get_str(&provider, name, &path) && path)
		*value = path;
}

/* The file is read when a domain is opened, which needs it. */
int read_seal(Params *values)
{
	int ret = read_choice<SealChoice>("seal", "off, offered, required",
					  {{"off", SealChoice::off},
					   {"offered", SealChoice::offered},
					   {"required", SealChoice::required}},
					  &values->seal);
	if (ret)
		return ret;
	ret = read_choice<bool>("seal_cq_data", "refuse, clear",
				{{"refuse", false}, {"clear", true}},
				&values->seal_cq_data);
	if (ret)
		return ret;
	ret = read_number<uint32_t>("seal_roll_records", 0, 1 << 30,
				    "0 to 1073741824",
				    &values->seal_roll_records);
	if (ret)
		return ret;
	read_path("seal_key_file", &values->seal_key_file);
	read_path("seal_audit", &values->seal_audit);
	return read_number<uint64_t>("seal_key_id", 0, UINT64_MAX,
				     "the id of a region key",
				     &values->seal_key_id);
}

int read_bool(const char *name, bool *value)
{
	int flag = 0;
	int ret = fi_param_get_bool(&provider, name, &flag);
	if (ret == -FI_ENODATA)
		return 0;
	if (ret) {
		const char *text = getenv(variable_of(name).c_str());
		return refuse(name, text ? text : "unknown", "yes or no");
	}
	*value = flag != 0;
	return 0;
}

int read_usage(Params *values)
{
	int ret = read_choice<RegionChoice>("regions", "flagged, detect, all",
					    {{"flagged", RegionChoice::flagged},
					     {"detect", RegionChoice::detect},
					     {"all", RegionChoice::all}},
					    &values->regions);
	if (ret)
		return ret;
	ret = read_choice<CommitChoice>("commit", "flagged, all",
					{{"flagged", CommitChoice::flagged},
					 {"all", CommitChoice::all}},
					&values->commit);
	if (ret)
		return ret;
	return read_choice<BackendChoice>(
		"backend", "auto, pmem2, powerfail",
		{{"auto", BackendChoice::automatic},
		 {"pmem2", BackendChoice::pmem2},
		 {"powerfail", BackendChoice::powerfail}},
		&values->backend);
}

/* Reads the parameters that decide about the method (initiator/method.hh). */
int read_method(Params *values)
{
	int ret = read_choice<MethodChoice>("method",
					    "auto, message, read, native, ack",
					    {{"auto", MethodChoice::automatic},
					     {"message", MethodChoice::message},
					     {"read", MethodChoice::read},
					     {"native", MethodChoice::native},
					     {"ack", MethodChoice::ack}},
					    &values->method);
	if (ret)
		return ret;
	ret = read_choice<DomainChoice>(
		"domain", "auto, memory_controller, cpu_cache, system",
		{{"auto", DomainChoice::automatic},
		 {"memory_controller", DomainChoice::memory_controller},
		 {"cpu_cache", DomainChoice::cpu_cache},
		 {"system", DomainChoice::system}},
		&values->domain);
	if (ret)
		return ret;
	ret = read_choice<DdioChoice>(
		"ddio", "on, off",
		{{"on", DdioChoice::on}, {"off", DdioChoice::off}},
		&values->ddio);
	if (ret)
		return ret;
	return read_choice<NativeFlushChoice>(
		"native_flush", "auto, vouched, off",
		{{"auto", NativeFlushChoice::automatic},
		 {"vouched", NativeFlushChoice::vouched},
		 {"off", NativeFlushChoice::off}},
		&values->native_flush);
}

/* Most CPUs are for the programs that are served, or that the machine is for.
 */
uint32_t default_service_threads() noexcept
{
	cpu_set_t own;
	if (sched_getaffinity(0, sizeof(own), &own))
		return 1;
	return std::clamp(static_cast<uint32_t>(CPU_COUNT(&own)) / 4, 1u, 4u);
}

int read_service_threads(uint32_t *value)
{
	*value = default_service_threads();
	return read_number<uint32_t>("service_threads", 1, 64, "1 to 64",
				     value);
}

int read_limits(Params *values)
{
	int ret = read_number<uint32_t>("powerfail_sync_us", 0, 10000000,
					"0 to 10000000",
					&values->powerfail_sync_us);
	if (ret)
		return ret;
	ret = read_number<uint32_t>("spin_us", 0, 1000000, "0 to 1000000",
				    &values->spin_us);
	if (ret)
		return ret;
	ret = read_number<uint32_t>("connect_timeout_ms", 1, 3600000,
				    "1 to 3600000",
				    &values->connect_timeout_ms);
	if (ret)
		return ret;
	ret = read_number<uint32_t>("operation_timeout_ms", 0, 86400000,
				    "0 to 86400000",
				    &values->operation_timeout_ms);
	if (ret)
		return ret;
	ret = read_number<size_t>("inline_size", 0, kMaxInlineSize,
				  "0 to 65536", &values->inline_size);
	if (ret)
		return ret;
	ret = read_number<size_t>("max_channels", 1, 1000000, "1 to 1000000",
				  &values->max_channels);
	if (ret)
		return ret;
	ret = read_number<size_t>("max_per_address", 1, 1000000, "1 to 1000000",
				  &values->max_per_address);
	if (ret)
		return ret;
	ret = read_number<size_t>("verify_block", kMinVerifyBlock,
				  kMaxVerifyBlock, "64 to 1073741824",
				  &values->verify_block);
	if (ret)
		return ret;
	return read_port_range(values);
}

int read_all(Params *values)
{
	int ret = read_usage(values);
	if (ret)
		return ret;
	ret = read_method(values);
	if (ret)
		return ret;
	ret = read_limits(values);
	if (ret)
		return ret;
	ret = read_digests(&values->digests);
	if (ret)
		return ret;
	ret = read_bool("trace_write", &values->trace_write);
	if (ret)
		return ret;
	ret = read_bool("ledger", &values->ledger);
	if (ret)
		return ret;
	ret = read_service_threads(&values->service_threads);
	if (ret)
		return ret;
	ret = read_service_cpus(&values->service_cpus);
	if (ret)
		return ret;
	ret = read_auth_key_file(&values->auth_key);
	return ret ? ret : read_seal(values);
}

int define_and_read(Params *values)
{
	for (const auto &definition : kDefinitions)
		fi_param_define(&provider, definition.name, definition.type,
				"%s", definition.help);
	problem.clear();
	return read_all(values);
}

} // namespace

std::string params_problem()
{
	Params values;
	return define_and_read(&values) ? problem : "";
}

std::vector<std::string> unknown_variables()
{
	std::vector<std::string> unknown;
	for (char **one = environ; one && *one; one++) {
		std::string_view name(*one);
		name = name.substr(0, name.find('='));
		if (name.substr(0, kPrefix.size()) != kPrefix)
			continue;
		bool known = std::any_of(
			std::begin(kDefinitions), std::end(kDefinitions),
			[name](const Definition &definition) {
				return variable_of(definition.name) == name;
			});
		if (!known)
			unknown.emplace_back(name);
	}
	return unknown;
}

int load_params() noexcept
{
	try {
		for (const std::string &name : unknown_variables())
			PMEM_WARN(FI_LOG_CORE,
				  "%s is not a parameter of this provider and "
				  "has no effect",
				  name.c_str());
		Params values;
		int ret = define_and_read(&values);
		if (ret)
			PMEM_WARN(FI_LOG_CORE, "%s", problem.c_str());
		else
			loaded = std::move(values);
		return ret;
	} catch (const std::bad_alloc &) {
		return -FI_ENOMEM;
	}
}

const Params &params() noexcept
{
	return loaded;
}

bool persistence_forced() noexcept
{
	return loaded.regions != RegionChoice::flagged ||
	       loaded.commit != CommitChoice::flagged;
}

} // namespace ofi_pmem
