/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Executes one Verify request: it reads the blocks back, a slice at a time so
 * that nothing else waits for a long one, digests them, and makes the answer.
 * It checks everything that came over the wire. Every function is called under
 * the region table's lock, which may be released between slices, so it looks
 * regions up each time.
 */
#pragma once

#include "core/errors.hh"
#include "digest/digest.hh"
#include "persist/read_back.hh"
#include "protocol/wire.hh"
#include "service/region_table.hh"

#include <cstdint>
#include <memory>
#include <vector>

namespace ofi_pmem
{

class Verifier
{
public:
	/* The channel's key, or null, is that of RegionTable::admit(). Bytes
	 * are read back into `buffer`. */
	Verifier(RegionTable *table, const RegionKey *key,
		 ReadBackBuffer *buffer) noexcept
		: table_(table), key_(key), buffer_(buffer)
	{
	}

	/* Returns false if it is malformed: the peer must be disconnected. */
	[[nodiscard]] bool parse(const uint8_t *bytes, size_t len);

	const wire::Header &header() const noexcept { return request_.header; }

	/* Checks regions, access and algorithm before the first slice. */
	[[nodiscard]] Failure open();

	/* Does the next slice. Returns true if it was the last, or could not be
	 * read. */
	[[nodiscard]] bool step();

	/* It is valid when all is done. A failure has no answer but an Ack. */
	const Failure &failure() const noexcept { return failure_; }
	/* Returns the part of the answer that follows the header. */
	std::vector<uint8_t> answer() const;
	/* Returns true if it was to compare and found a bad block. */
	bool found_bad() const noexcept
	{
		return request_.compare && !bad_.empty();
	}

private:
	wire::Range block(size_t index) const noexcept;
	Digest expected(size_t index) const noexcept;
	[[nodiscard]] int read_slice(const wire::Range &block, size_t len);
	void end_block(int status);

	RegionTable *table_;
	const RegionKey *key_;
	ReadBackBuffer *buffer_;
	wire::Verify request_{};
	size_t digest_length_ = 0;
	std::vector<uint8_t> body_; /* blocks and expected digests */
	std::unique_ptr<DigestEngine> engine_;
	size_t index_ = 0;
	uint64_t done_ = 0; /* bytes of that block */
	Failure failure_;
	std::vector<uint8_t> digests_;
	std::vector<wire::BadBlock> bad_;
};

} // namespace ofi_pmem
