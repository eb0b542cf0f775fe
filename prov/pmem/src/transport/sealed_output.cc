/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/sealed_output.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

constexpr size_t kBuffers = 64; /* of one record */

/* The socket gets about so much at once. */
constexpr size_t kEnough = 2 * kMaxRecord;

/* Cuts the buffers to one record; returns its length. */
size_t cut_to_record(iovec *iov, size_t *count) noexcept
{
	size_t len = 0;
	for (size_t i = 0; i < *count; i++) {
		iov[i].iov_len = std::min(iov[i].iov_len, kMaxPlain - len);
		len += iov[i].iov_len;
		if (len == kMaxPlain)
			*count = i + 1;
	}
	return len;
}

} // namespace

int SealedOutput::fill(OutQueue *plain)
{
	while (!plain->empty() && records_.left() < kEnough) {
		iovec iov[kBuffers];
		size_t count = plain->next(iov, kBuffers);
		size_t len = cut_to_record(iov, &count);
		int ret = sealer_->seal(iov, count, len,
					records_.room(len + kRecordOverhead));
		if (ret)
			return ret;
		records_.add(len + kRecordOverhead);
		plain->sent(len);
	}
	return 0;
}

} // namespace ofi_pmem
