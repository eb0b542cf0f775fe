/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The parser of verifications on any bytes, and the execution of what it lets
 * pass: the answer has what was asked for.
 */
#include "regions.hh"
#include "service/verifier.hh"

namespace ofi_pmem::fuzz
{

namespace
{

void check_answer(const wire::Verify &asked, const Verifier &verifier)
{
	std::vector<uint8_t> rest = verifier.answer();
	wire::Verified head{};
	size_t fixed = sizeof(head) - sizeof(head.header);
	require(rest.size() >= fixed, "an answer has its fixed part");
	std::memcpy(reinterpret_cast<uint8_t *>(&head) + sizeof(head.header),
		    rest.data(), fixed);
	size_t each =
		digest_length(static_cast<DigestAlgorithm>(asked.algorithm));
	require(head.digests == (asked.compare ? 0 : asked.count) &&
			head.bad <= asked.count &&
			rest.size() ==
				fixed + head.digests * each +
					head.bad * sizeof(wire::BadBlock),
		"an answer has a digest of each block, and the bad ones");
	require(verifier.found_bad() == (asked.compare && head.bad),
		"a comparison fails by its bad blocks");
	require(rest.size() + sizeof(wire::Header) <= wire::kMaxMessage,
		"an answer fits a message");
}

void verify(FuzzRegions *regions, const std::vector<uint8_t> &message)
{
	SharedLock guard(regions->table.lock(), 0);
	static ReadBackBuffer buffer;
	Verifier verifier(&regions->table, nullptr, &buffer);
	if (!verifier.parse(message.data(), message.size()) || verifier.open())
		return;
	wire::Verify asked;
	std::memcpy(&asked, message.data(), sizeof(asked));
	while (!verifier.step()) {
	}
	require(!verifier.failure(), "an open region can be verified");
	check_answer(asked, verifier);
}

/* A number of a region becomes its token, which is random. */
void set_tokens(FuzzRegions *regions, std::vector<uint8_t> *message)
{
	wire::Range range;
	for (size_t at = sizeof(wire::Verify);
	     at + sizeof(range) <= message->size(); at += sizeof(range)) {
		std::memcpy(&range, &(*message)[at], sizeof(range));
		if (range.token >= FuzzRegions::kCount)
			continue;
		range.token = regions->at(range.token).token;
		std::memcpy(&(*message)[at], &range, sizeof(range));
	}
}

} // namespace

} // namespace ofi_pmem::fuzz

/* Verifies the input as it is, and with a right header and existing tokens. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	static fuzz::FuzzRegions regions(false);
	std::vector<uint8_t> message(data, data + len);
	fuzz::verify(&regions, message);
	if (len < sizeof(wire::Verify))
		return 0;
	auto header = wire::make<wire::Verify>(1, 1).header;
	header.length = static_cast<uint32_t>(len);
	std::memcpy(message.data(), &header, sizeof(header));
	fuzz::set_tokens(&regions, &message);
	/* The last byte of the first region cannot be read. */
	regions.at(0).medium.unreadable = {511};
	fuzz::verify(&regions, message);
	return 0;
}
