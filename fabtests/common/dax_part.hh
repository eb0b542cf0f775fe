/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Parts of a device DAX, for the regions of tests that run where there is one.
 * Such a device cannot be read, truncated or mapped in pages as a file can.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pmem_test
{

/* $PMEM_FABTESTS_DAX; null: regions are files. */
const char *dax_device();

/* A device maps this much at once, which is the alignment of every part. */
inline constexpr size_t kDaxUnit = 2 << 20;

constexpr size_t dax_round_up(size_t len)
{
	return (len + kDaxUnit - 1) / kDaxUnit * kDaxUnit;
}

/*
 * A part that no other DaxPart of this process has. std::runtime_error when
 * the device is full.
 */
class DaxPart
{
public:
	explicit DaxPart(size_t len);
	~DaxPart();
	DaxPart(const DaxPart &) = delete;
	DaxPart &operator=(const DaxPart &) = delete;

	/* "/dev/dax0.0@offset", which Mapping knows. */
	std::string path() const;

private:
	uint64_t offset_ = 0;
};

/* Takes DaxPart::path() apart; returns false if `path` is an ordinary one. */
bool split_dax_path(const std::string &path, std::string *device,
		    uint64_t *offset);

} // namespace pmem_test
