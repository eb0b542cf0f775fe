/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/sums.hh"

#include "cli/options.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <charconv>
#include <cinttypes>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr const char *kFirstLine = "fi_pmem sums 1";

std::string hex(const uint8_t *digest, size_t length)
{
	ofi_pmem::Digest made;
	made.length = static_cast<uint8_t>(length);
	memcpy(made.bytes.data(), digest, length);
	return to_string(made);
}

} // namespace

bool SumsReader::next_line(std::string *line)
{
	lines_++;
	return static_cast<bool>(std::getline(file_, *line));
}

int SumsReader::malformed(const char *wanted)
{
	return report_.fail(kLocalFile,
			    "%s: line %" PRIu64 " should be %s: it was not "
			    "written by fi_pmem scrub --save, or is damaged",
			    path_.c_str(), lines_, wanted);
}

/* Reads a line of this name, a space and a number. */
template <typename Number>
bool SumsReader::next_number(const char *name, Number *number)
{
	std::string line;
	size_t skipped = strlen(name) + 1;
	if (!next_line(&line) || line.size() <= skipped ||
	    line.compare(0, skipped, std::string(name) + " "))
		return false;
	const char *end = line.data() + line.size();
	auto result = std::from_chars(line.data() + skipped, end, *number);
	return result.ec == std::errc{} && result.ptr == end;
}

bool SumsReader::next_digest_name()
{
	constexpr std::string_view kName = "digest ";
	std::string line;
	return next_line(&line) && !line.compare(0, kName.size(), kName) &&
	       !ofi_pmem::parse_digest_algorithm(line.substr(kName.size()),
						 &head_.digest);
}

int SumsReader::open()
{
	std::string line;
	file_.open(path_);
	/* A directory opens, but cannot be read. */
	errno = file_ ? 0 : errno;
	if (!file_ || (file_.peek() == EOF && errno))
		return report_.fail(kLocalFile, "%s: %s", path_.c_str(),
				    strerror(errno));
	if (!next_line(&line) || line != kFirstLine)
		return malformed("\"fi_pmem sums 1\"");
	if (!next_digest_name())
		return malformed("\"digest\" and a digest's name");
	if (!next_number("block", &head_.block) ||
	    head_.block < kMinDigestBlock || head_.block > kMaxDigestBlock)
		return malformed("\"block\" and 64 to 1073741824");
	if (!next_number("offset", &head_.offset))
		return malformed("\"offset\" and a number");
	if (!next_number("length", &head_.length) || !head_.length)
		return malformed("\"length\" and a number, not 0");
	return kOk;
}

int SumsReader::take(uint64_t, const uint8_t *digest, bool *good)
{
	std::string line;
	size_t length = ofi_pmem::digest_length(head_.digest);
	bool digits = next_line(&line) && line.size() == 2 * length &&
		      line.find_first_not_of("0123456789abcdef") == line.npos;
	if (!digits)
		return malformed("a digest");
	*good = line == hex(digest, length);
	return kOk;
}

int SumsReader::finish()
{
	std::string line;
	return next_line(&line) ? malformed("the end") : int{kOk};
}

int SumsWriter::put(const std::string &line)
{
	std::string whole = line + "\n";
	return output_.drain(whole.data(), whole.size());
}

int SumsWriter::open(const SumsHead &head)
{
	digest_length_ = ofi_pmem::digest_length(head.digest);
	int ret = output_.open();
	for (const std::string &line :
	     {std::string(kFirstLine),
	      "digest " + std::string(to_string(head.digest)),
	      "block " + std::to_string(head.block),
	      "offset " + std::to_string(head.offset),
	      "length " + std::to_string(head.length)}) {
		if (!ret)
			ret = put(line);
	}
	return ret;
}

int SumsWriter::take(uint64_t, const uint8_t *digest, bool *)
{
	return put(hex(digest, digest_length_));
}

} // namespace fi_pmem
