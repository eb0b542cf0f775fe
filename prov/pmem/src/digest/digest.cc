/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The names of the algorithms, and the libraries that compute them. */
#include "digest/digest.hh"

#include "digest/engines.hh"

#include <rdma/fi_errno.h>

#include <algorithm>

namespace ofi_pmem
{

bool operator==(const Digest &left, const Digest &right) noexcept
{
	return left.length && left.length == right.length &&
	       std::equal(left.bytes.begin(), left.bytes.begin() + left.length,
			  right.bytes.begin());
}

bool operator!=(const Digest &left, const Digest &right) noexcept
{
	return !(left == right);
}

std::string to_string(const Digest &digest)
{
	constexpr char kDigits[] = "0123456789abcdef";
	std::string text;
	for (size_t i = 0; i < digest.length; i++) {
		text += kDigits[digest.bytes[i] >> 4];
		text += kDigits[digest.bytes[i] & 15];
	}
	return text;
}

std::unique_ptr<DigestEngine> open_digest(DigestAlgorithm algorithm) noexcept
{
	switch (algorithm) {
	case DigestAlgorithm::crc32c:
	case DigestAlgorithm::crc64_nvme:
	case DigestAlgorithm::crc64_ecma:
	case DigestAlgorithm::crc16_t10dif:
		return open_crc(algorithm);
	case DigestAlgorithm::xxh3_64:
	case DigestAlgorithm::xxh3_128:
		return open_xxh3(algorithm);
	case DigestAlgorithm::sha256:
		return open_sha256();
	}
	return nullptr;
}

size_t digest_length(DigestAlgorithm algorithm) noexcept
{
	switch (algorithm) {
	case DigestAlgorithm::crc16_t10dif:
		return 2;
	case DigestAlgorithm::crc32c:
		return 4;
	case DigestAlgorithm::crc64_nvme:
	case DigestAlgorithm::crc64_ecma:
	case DigestAlgorithm::xxh3_64:
		return 8;
	case DigestAlgorithm::xxh3_128:
		return 16;
	case DigestAlgorithm::sha256:
		return 32;
	}
	return 0;
}

const char *to_string(DigestAlgorithm algorithm) noexcept
{
	switch (algorithm) {
	case DigestAlgorithm::crc32c:
		return "crc32c";
	case DigestAlgorithm::crc64_nvme:
		return "crc64nvme";
	case DigestAlgorithm::crc64_ecma:
		return "crc64ecma";
	case DigestAlgorithm::crc16_t10dif:
		return "crc16t10dif";
	case DigestAlgorithm::xxh3_64:
		return "xxh3";
	case DigestAlgorithm::xxh3_128:
		return "xxh128";
	case DigestAlgorithm::sha256:
		return "sha256";
	}
	return "unknown";
}

int parse_digest_algorithm(std::string_view name,
			   DigestAlgorithm *algorithm) noexcept
{
	for (auto one : kDigestAlgorithms) {
		if (name == to_string(one)) {
			*algorithm = one;
			return 0;
		}
	}
	return -FI_EINVAL;
}

DigestAlgorithm preferred_digest(const std::vector<DigestAlgorithm> &preference,
				 DigestMask mask) noexcept
{
	for (DigestAlgorithm algorithm : preference) {
		if (digest_bit(algorithm) & mask)
			return algorithm;
	}
	return {};
}

DigestMask mask_of(const std::vector<DigestAlgorithm> &algorithms) noexcept
{
	DigestMask mask = 0;
	for (DigestAlgorithm algorithm : algorithms)
		mask |= digest_bit(algorithm);
	return mask;
}

DigestMask available_digests() noexcept
{
	DigestMask mask = 0;
	for (auto algorithm : kDigestAlgorithms) {
		if (open_digest(algorithm))
			mask |= digest_bit(algorithm);
	}
	return mask;
}

DigestMask own_digests() noexcept
{
	static const DigestMask found = available_digests();
	return found;
}

std::string digest_names(DigestMask mask)
{
	std::string names;
	for (auto algorithm : kDigestAlgorithms) {
		if (!(mask & digest_bit(algorithm)))
			continue;
		if (!names.empty())
			names += ", ";
		names += to_string(algorithm);
	}
	return names.empty() ? "none" : names;
}

} // namespace ofi_pmem
