/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The kernel's description of the memory map, the paths in which are as others
 * like to name their files.
 */
#include "harness.hh"
#include "persist/proc_maps.hh"

#include <sstream>

namespace ofi_pmem::fuzz
{

namespace
{

/* Our own, which is as it should be. */
void read_own_map()
{
	int here = 0;
	auto at = reinterpret_cast<uintptr_t>(&here);
	std::vector<MapSegment> segments;
	require(!read_map(at, at + 1, &segments), "the map is readable");
	require(segments.size() == 1 && segments[0].start <= at &&
			segments[0].end > at,
		"the stack is mapped once");
	bool sync = true;
	require(!is_map_sync(at, at + 1, &sync) && !sync,
		"the stack is no device");
}

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	static const bool read = (fuzz::read_own_map(), true);
	static_cast<void>(read);
	std::string text(reinterpret_cast<const char *>(data), len);
	std::istringstream lines(text);
	MapSegment last;
	for (std::string line; std::getline(lines, line);) {
		MapSegment segment;
		if (!parse_map_line(line, &segment))
			continue;
		fuzz::require(is_same_file(segment, segment),
			      "a file is itself");
		if (is_continued_by(last, segment))
			fuzz::require(is_same_inode(last, segment),
				      "a file is continued by itself");
		last = std::move(segment);
	}
	std::istringstream smaps(text);
	SyncFlag flag(last.start, last.end);
	for (std::string line; std::getline(smaps, line) && flag.take(line);)
		;
	if (flag.everywhere())
		fuzz::require(text.find(" sf") != text.npos,
			      "what is synchronous has the flag");
	return 0;
}
