/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The parameters of any text: "NAME VALUE" in each line. What is not understood
 * is refused and changes nothing; what is read is within its limits.
 */
#include "core/params.hh"

#include "harness.hh"

#include <rdma/fi_errno.h>

#include <sstream>

namespace ofi_pmem::fuzz
{

namespace
{

void check(const Params &read)
{
	require(read.spin_us <= 1000000 && read.connect_timeout_ms &&
			read.connect_timeout_ms <= 3600000,
		"times are within their limits");
	require(read.inline_size <= kMaxInlineSize &&
			read.verify_block >= kMinVerifyBlock &&
			read.verify_block <= kMaxVerifyBlock,
		"sizes are within their limits");
	require(read.port_low <= read.port_high &&
			!read.port_low == !read.port_high,
		"ports are a range");
	require(!read.digests.empty(), "there is a digest");
	for (DigestAlgorithm one : read.digests)
		require(digest_length(one), "each digest is known");
	for (const ServiceCpus::Range &cpus : read.service_cpus.cpus)
		require(cpus.first <= cpus.last && cpus.last <= UINT16_MAX,
			"CPUs are ranges");
}

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	std::istringstream lines(
		std::string(reinterpret_cast<const char *>(data), len));
	auto &environment = fuzz::environment();
	environment.clear();
	for (std::string line; std::getline(lines, line);) {
		size_t space = std::min(line.find(' '), line.size());
		/* The value has no NUL, as in environment variables. */
		std::string value =
			line.substr(std::min(space + 1, line.size()));
		environment[line.substr(0, space)] = value.c_str();
	}
	uint32_t before = params().spin_us;
	int ret = load_params();
	fuzz::require(!ret || ret == -FI_EINVAL, "it is refused as invalid");
	fuzz::require(!ret || params().spin_us == before,
		      "what is refused changes nothing");
	fuzz::check(params());
	static_cast<void>(persistence_forced());
	return 0;
}
