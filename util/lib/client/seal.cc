/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "client/seal.hh"

#include "shared/key_file_check.hh"

#include <strings.h>

#include <charconv>
#include <cstdlib>

namespace fi_pmem
{

namespace
{

constexpr const char *kSeal = "FI_OFI_PMEM_SEAL";
constexpr const char *kFile = "FI_OFI_PMEM_SEAL_KEY_FILE";
constexpr const char *kId = "FI_OFI_PMEM_SEAL_KEY_ID";

std::string value_of(const char *variable)
{
	const char *value = getenv(variable);
	return value ? value : "";
}

/* A number as in a key file: decimal, or hexadecimal with 0x. */
bool parse_id(std::string text, uint64_t *id)
{
	bool hex = !text.compare(0, 2, "0x");
	if (hex)
		text.erase(0, 2);
	const char *end = text.data() + text.size();
	auto result = std::from_chars(text.data(), end, *id, hex ? 16 : 10);
	return result.ec == std::errc{} && result.ptr == end;
}

} // namespace

SealSetting seal_setting()
{
	SealSetting setting;
	std::string choice = value_of(kSeal);
	setting.off = !strcasecmp(choice.c_str(), "off");
	setting.required = !strcasecmp(choice.c_str(), "required");
	setting.file = value_of(kFile);
	if (!parse_id(value_of(kId), &setting.id))
		setting.id = 0;
	return setting;
}

std::string require_seal(const std::string &source)
{
	std::string file = source;
	uint64_t id = 0;
	size_t colon = source.rfind(':');
	bool has_id = colon != source.npos && colon &&
		      parse_id(source.substr(colon + 1), &id);
	if (has_id)
		file.erase(colon);
	if (has_id && (!id || id == UINT64_MAX))
		return "'" + source +
		       "' ends in no id, which is a number from "
		       "1 on";
	setenv(kSeal, "required", 1);
	setenv(kFile, file.c_str(), 1);
	if (has_id)
		setenv(kId, std::to_string(id).c_str(), 1);
	else
		unsetenv(kId);
	return "";
}

std::string seal_problem()
{
	SealSetting setting = seal_setting();
	if (setting.off || setting.file.empty())
		return "";
	std::string why = ofi_pmem::key_file_problem(setting.file, setting.id);
	if (why.empty())
		return "";
	return std::string(kFile) + ": " + setting.file + ": " + why;
}

const char *cipher_name(fi_pmem_cipher cipher)
{
	switch (cipher) {
	case FI_PMEM_AES_128_GCM:
		return "aes-128-gcm";
	case FI_PMEM_AES_256_GCM:
		return "aes-256-gcm";
	case FI_PMEM_AES_128_CCM:
		return "aes-128-ccm";
	case FI_PMEM_AES_256_CCM:
		return "aes-256-ccm";
	case FI_PMEM_CHACHA20_POLY1305:
		return "chacha20-poly1305";
	}
	return "unknown";
}

} // namespace fi_pmem
