/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "key/key.hh"

#include "cli/options.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "client/seal.hh"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr size_t kMostBytes = 32;

struct Random {
	uint64_t id;
	uint8_t key[kMostBytes];

	~Random() { explicit_bzero(this, sizeof(*this)); }
};

std::string to_hex(const uint8_t *bytes, size_t length)
{
	constexpr char kDigits[] = "0123456789abcdef";
	std::string text;
	text.reserve(2 * length);
	for (size_t i = 0; i < length; i++) {
		text += kDigits[bytes[i] >> 4];
		text += kDigits[bytes[i] & 15];
	}
	return text;
}

} // namespace

int run_key(const Options &options, Report &report)
{
	const KeyOptions &asked = options.key;
	Random random;
	if (getrandom(&random, sizeof(random), 0) != ssize_t{sizeof(random)})
		return report.fail(kFailed, "getrandom: %s", strerror(errno));
	/* 63 bits, so that it is a number for every program that reads it. */
	uint64_t id = asked.id ? asked.id : random.id >> 1 | 1;
	std::string line = std::to_string(id) + " " +
			   cipher_name(asked.cipher) + " " +
			   to_hex(random.key, fi_pmem_key_length(asked.cipher));
	report.data(line);
	report.set("id", std::to_string(id));
	report.set("cipher", cipher_name(asked.cipher));
	report.set("line", line);
	explicit_bzero(line.data(), line.size());
	return kOk;
}

} // namespace fi_pmem
