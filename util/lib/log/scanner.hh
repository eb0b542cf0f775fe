/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds records in the peer's memory, in the order of their positions. It reads
 * a window of them at once.
 */
#pragma once

#include "log/remote.hh"

namespace ofi_pmem_log
{

class Scanner
{
public:
	explicit Scanner(Remote *remote) : remote_(remote) {}

	/*
	 * Gets the record at `position`. Returns 1, 0 if there is none that is
	 * intact, or a negative fi_errno. Before the control's pointer the
	 * record may be any writer's, behind it only the last one's. It is
	 * valid until the next call.
	 */
	int find(const Control &control, uint64_t position,
		 const RecordHeader **found);

	/*
	 * Reports that a record which must be at `position` is not there;
	 * returns -FI_EIO.
	 */
	int fail_damaged(uint64_t position);

	/* Forgets what was read, which may have changed. */
	void forget() { len_ = 0; }

private:
	int load(const Control &control, uint64_t position, size_t len);

	Remote *remote_;
	Buffer window_;
	uint64_t begin_ = 0; /* the position of the first byte in window_ */
	size_t len_ = 0;
};

} // namespace ofi_pmem_log
