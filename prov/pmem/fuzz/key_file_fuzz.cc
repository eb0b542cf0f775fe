/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A file of region keys with any text. It is taken as a whole or leaves nothing
 * behind, and the message never has a part of a line.
 */
#include "seal/key_file.hh"

#include "harness.hh"
#include "input.hh"

#include <sstream>

namespace ofi_pmem::fuzz
{

namespace
{

/* As many digits of a key in a message would be no chance. */
constexpr size_t kTelling = 12;

void expect_silence(const std::string &why, const std::string &text)
{
	std::istringstream words(text);
	for (std::string word; words >> word;) {
		if (word.size() >= kTelling &&
		    word.find_first_not_of("0123456789abcdefABCDEF") ==
			    word.npos)
			require(why.find(word.substr(0, kTelling)) == why.npos,
				"a message has no key in it");
	}
}

void add_some_key(KeyRing *ring)
{
	static constexpr uint8_t kBytes[16] = {};
	const char *why = nullptr;
	KeySpec spec;
	spec.id = 1;
	spec.cipher = Cipher::aes_128_gcm;
	spec.bytes = kBytes;
	spec.length = sizeof(kBytes);
	require(!ring->add(spec, &why), "a key can be added");
}

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	fuzz::Input input(data, len);
	auto choice = input.take<uint8_t>();
	std::string text = input.take_rest();
	KeyRing ring;
	bool was_there = choice & 1;
	if (was_there)
		fuzz::add_some_key(&ring);
	/* Small numbers are ids that an input may have. */
	uint64_t only = choice >> 4;
	std::string why;
	bool good = parse_keys(text.data(), text.size(), only, &ring, &why);
	fuzz::require(good == why.empty(), "what is refused has a reason");
	fuzz::require(good || ring.empty() == !was_there,
		      "what is refused leaves nothing");
	fuzz::require(!was_there || !ring.find(1)->removed(),
		      "what was there stays");
	fuzz::require(!good || !only || ring.find(only), "that id is there");
	/* An id that no line has is in its message, and may look like a key. */
	if (!good && why.compare(0, 3, "no "))
		fuzz::expect_silence(why, text);
	return 0;
}
