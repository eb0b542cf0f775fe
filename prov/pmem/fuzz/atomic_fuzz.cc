/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The parser of atomic requests on any bytes: what it lets pass has all its
 * parts inside the message, and can be executed on as many elements.
 */
#include "harness.hh"
#include "service/atomic_request.hh"

#include <vector>

namespace ofi_pmem::fuzz
{

namespace
{

void execute(const AtomicRequest &request)
{
	std::vector<uint8_t> target(request.len(), 0x55);
	size_t done = 0;
	for (size_t i = 0; i < request.range_count(); i++) {
		size_t len = request.range(i).length;
		request.function()(
			target.data() + done, request.operands() + done,
			request.comparands() + done, len / request.element());
		done += len;
	}
	require(done == request.len(), "the ranges are as long together");
}

/* The copy ends with the message, so that the sanitizer sees what is beyond. */
void parse(const std::vector<uint8_t> &message)
{
	AtomicRequest request;
	if (!request.parse(message.data(), message.size()))
		return;
	require(request.len() <= wire::kMaxAtomicBytes &&
			request.range_count() <= wire::kMaxAtomicRanges,
		"an atomic request has its limits");
	static_cast<void>(request.one_region());
	if (request.function())
		execute(request);
}

} // namespace

} // namespace ofi_pmem::fuzz

/* Parses the input as it is, and with a right header. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	std::vector<uint8_t> message(data, data + len);
	fuzz::parse(message);
	if (len < sizeof(wire::Header))
		return 0;
	wire::Header header;
	std::memcpy(&header, data, sizeof(header));
	header.version = wire::version_of(wire::Type::atomic);
	header.type = wire::Type::atomic;
	header.length = static_cast<uint32_t>(len);
	std::memcpy(message.data(), &header, sizeof(header));
	fuzz::parse(message);
	return 0;
}
