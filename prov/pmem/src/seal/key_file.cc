/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/key_file.hh"

#include "core/auth_key.hh"
#include "seal/key_line.hh"

#include <openssl/crypto.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace ofi_pmem
{

namespace
{

/* Some ten thousand keys. */
constexpr size_t kMaxFile = 1 << 20;

/* Only one key can be for a use. */
bool same_use(const KeyLine &one, const KeyLine &other)
{
	if (one.is_default() && other.is_default())
		return true;
	if (!one.region.empty() && one.region == other.region)
		return true;
	return one.host && other.host && one.host->same_host(*other.host);
}

class Parser
{
public:
	Parser(uint64_t only, std::string *why) : only_(only), why_(why) {}

	[[nodiscard]] bool parse(std::string_view text);
	[[nodiscard]] bool add_to(KeyRing *ring);

private:
	bool parse_line(std::string_view text);
	bool accept(KeyLine &&line);
	bool add_one(const KeyLine &line, KeyRing *ring);
	bool bind(const KeyLine &line, KeyRing *ring);
	bool refuse(size_t number, const std::string &why);

	const uint64_t only_;
	std::string *const why_;
	size_t number_ = 0;
	std::vector<KeyLine> lines_;
	std::vector<uint64_t> added_;
};

bool Parser::refuse(size_t number, const std::string &why)
{
	*why_ = "line " + std::to_string(number) + ": " + why;
	return false;
}

bool Parser::accept(KeyLine &&line)
{
	for (const KeyLine &other : lines_) {
		auto there = std::to_string(other.number);
		if (other.id == line.id)
			return refuse(number_,
				      "line " + there + " has the same id");
		/* If one line alone counts, it is for everything. */
		if (!only_ && same_use(line, other))
			return refuse(number_, "line " + there +
						       " has a key for the "
						       "same use");
	}
	lines_.push_back(std::move(line));
	return true;
}

bool Parser::parse_line(std::string_view text)
{
	number_++;
	if (!text.empty() && text.back() == '\r')
		text.remove_suffix(1);
	if (is_blank(text) || text[0] == '#')
		return true;
	KeyLine line;
	line.number = number_;
	const char *wrong = parse_key_line(text, &line);
	return wrong ? refuse(number_, wrong) : accept(std::move(line));
}

bool Parser::parse(std::string_view text)
{
	while (!text.empty()) {
		size_t end = std::min(text.find('\n'), text.size());
		if (!parse_line(text.substr(0, end)))
			return false;
		text.remove_prefix(std::min(end + 1, text.size()));
	}
	return true;
}

/* The map of a process has no symbolic links. */
std::string real_path(const std::string &path)
{
	std::unique_ptr<char, decltype(&free)> real(
		realpath(path.c_str(), nullptr), free);
	return real ? real.get() : path;
}

bool Parser::bind(const KeyLine &line, KeyRing *ring)
{
	bool use_always = line.is_default() || only_;
	int ret = use_always ? ring->bind_default(line.id) : 0;
	if (!ret && !line.region.empty())
		ret = ring->bind_path(real_path(line.region), line.id);
	if (!ret && line.host)
		ret = ring->bind_host(*line.host, line.id);
	return !ret || refuse(line.number, "memory is short");
}

bool Parser::add_one(const KeyLine &line, KeyRing *ring)
{
	KeySpec spec;
	spec.id = line.id;
	spec.cipher = line.cipher->cipher;
	spec.bytes = line.bytes;
	spec.length = line.cipher->key_bytes;
	spec.limits.max_bytes = line.max_bytes;
	bool there = ring->find(line.id) != nullptr;
	const char *why = "memory is short";
	if (ring->add(spec, &why))
		return refuse(line.number, why);
	if (!there)
		added_.push_back(line.id);
	return true;
}

bool Parser::add_to(KeyRing *ring)
{
	bool found = !only_;
	bool good = true;
	for (const KeyLine &line : lines_) {
		if (only_ && line.id != only_)
			continue;
		found = true;
		good = good && add_one(line, ring) && bind(line, ring);
	}
	if (good && found)
		return true;
	if (good)
		*why_ = "no line has id " + std::to_string(only_);
	for (uint64_t id : added_)
		ring->remove(id);
	return false;
}

} // namespace

bool parse_keys(const char *text, size_t len, uint64_t only, KeyRing *ring,
		std::string *why)
{
	Parser parser(only, why);
	return parser.parse(std::string_view(text, len)) && parser.add_to(ring);
}

bool read_key_file(const char *path, uint64_t only, KeyRing *ring,
		   std::string *why)
{
	std::vector<uint8_t> bytes;
	if (!read_secret_file(path, kMaxFile, &bytes, why))
		return false;
	bool parsed = parse_keys(reinterpret_cast<const char *>(bytes.data()),
				 bytes.size(), only, ring, why);
	OPENSSL_cleanse(bytes.data(), bytes.size());
	return parsed;
}

} // namespace ofi_pmem
