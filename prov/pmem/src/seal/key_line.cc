/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/key_line.hh"

#include <openssl/crypto.h>

#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace ofi_pmem
{

namespace
{

constexpr std::string_view kWhite = " \t";

/* Takes the next word; empty at the end. */
std::string_view take_word(std::string_view *text) noexcept
{
	text->remove_prefix(
		std::min(text->find_first_not_of(kWhite), text->size()));
	auto word = text->substr(0, text->find_first_of(kWhite));
	text->remove_prefix(word.size());
	return word;
}

bool take_prefix(std::string_view prefix, std::string_view *text) noexcept
{
	if (text->substr(0, prefix.size()) != prefix)
		return false;
	text->remove_prefix(prefix.size());
	return true;
}

bool parse_number(std::string_view text, int base, uint64_t *number) noexcept
{
	auto end = text.data() + text.size();
	auto result = std::from_chars(text.data(), end, *number, base);
	return result.ec == std::errc{} && result.ptr == end;
}

bool parse_id(std::string_view text, uint64_t *id) noexcept
{
	int base = take_prefix("0x", &text) ? 16 : 10;
	return parse_number(text, base, id) && *id;
}

/* Takes no branch by what a digit is. */
int value_of(char digit) noexcept
{
	int code = static_cast<unsigned char>(digit);
	int decimal = code - '0';
	int letter = (code | 0x20) - 'a';
	int is_decimal = -(static_cast<unsigned>(decimal) < 10);
	int is_letter = -(static_cast<unsigned>(letter) < 6);
	return (decimal & is_decimal) | ((letter + 10) & is_letter) |
	       ~(is_decimal | is_letter);
}

bool parse_hex(std::string_view text, uint8_t *bytes, size_t len) noexcept
{
	if (text.size() != 2 * len)
		return false;
	int all = 0;
	for (size_t i = 0; i < len; i++) {
		int high = value_of(text[2 * i]);
		int low = value_of(text[2 * i + 1]);
		all |= high | low;
		bytes[i] = static_cast<uint8_t>((high & 15) << 4 | (low & 15));
	}
	return all >= 0;
}

/* Returns 0 for a suffix that there is not. */
unsigned shift_of(char suffix) noexcept
{
	switch (suffix) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return 0;
	}
}

bool parse_size(std::string_view text, uint64_t *size) noexcept
{
	unsigned shift = text.empty() ? 0 : shift_of(text.back());
	if (shift)
		text.remove_suffix(1);
	if (!parse_number(text, 10, size) || !*size ||
	    *size > UINT64_MAX >> shift)
		return false;
	*size <<= shift;
	return true;
}

struct AddressesFree {
	void operator()(addrinfo *list) const noexcept { freeaddrinfo(list); }
};

/* It asks no name server. */
bool parse_host(std::string_view text, std::optional<IpAddress> *host)
{
	addrinfo hints{};
	hints.ai_flags = AI_NUMERICHOST;
	hints.ai_socktype = SOCK_STREAM;
	addrinfo *list = nullptr;
	if (text.empty() || text.find('\0') != text.npos ||
	    getaddrinfo(std::string(text).c_str(), nullptr, &hints, &list))
		return false;
	std::unique_ptr<addrinfo, AddressesFree> found(list);
	IpAddress address;
	if (!address.assign(found->ai_addr, found->ai_addrlen))
		return false;
	*host = address;
	return true;
}

bool parse_region(std::string_view text, std::string *region)
{
	if (text.empty() || text[0] != '/')
		return false;
	*region = text;
	return true;
}

const char *parse_option(std::string_view text, KeyLine *line)
{
	if (take_prefix("region=", &text)) {
		if (!line->region.empty())
			return "region= is there twice";
		return parse_region(text, &line->region)
			       ? nullptr
			       : "region= needs a path from / on";
	}
	if (take_prefix("host=", &text)) {
		if (line->host)
			return "host= is there twice";
		return parse_host(text, &line->host)
			       ? nullptr
			       : "host= needs an IPv4 or IPv6 address";
	}
	if (take_prefix("max=", &text)) {
		if (line->max_bytes)
			return "max= is there twice";
		return parse_size(text, &line->max_bytes)
			       ? nullptr
			       : "max= needs a number of bytes, from 1 on, "
				 "with K, M, G, T or no suffix";
	}
	return "the options are region=, host= and max=";
}

} // namespace

KeyLine::~KeyLine()
{
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

bool is_blank(std::string_view text) noexcept
{
	return text.find_first_not_of(kWhite) == text.npos;
}

const char *parse_key_line(std::string_view text, KeyLine *line)
{
	if (!parse_id(take_word(&text), &line->id))
		return "it does not begin with an id, a number from 1 on";
	line->cipher = cipher_traits(std::string(take_word(&text)).c_str());
	if (!line->cipher)
		return "the ciphers are aes-128-gcm, aes-256-gcm, aes-128-ccm, "
		       "aes-256-ccm and chacha20-poly1305";
	if (!parse_hex(take_word(&text), line->bytes, line->cipher->key_bytes))
		return line->cipher->key_bytes == 16
			       ? "the key needs 32 hexadecimal digits"
			       : "the key needs 64 hexadecimal digits";
	for (auto word = take_word(&text); !word.empty();
	     word = take_word(&text)) {
		const char *wrong = parse_option(word, line);
		if (wrong)
			return wrong;
	}
	return nullptr;
}

} // namespace ofi_pmem
