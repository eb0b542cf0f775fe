/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/op.hh"

#include <algorithm>
#include <cstring>

#include "plane/channel_table.hh"

namespace ofi_pmem
{

void PersistentOp::inner_completed(int err, int) noexcept
{
	if (ChannelTable *table = table_)
		table->notified(this, err, true);
}

void PersistentOp::assign(const OpRequest &request, uint64_t op_id) noexcept
{
	const fi_msg_rma &msg = *request.msg;
	id = op_id;
	context = msg.context;
	write = request.write;
	level = request.level;
	fence = request.fence;
	inject = request.inject;
	notify = request.notify;
	report = request.report;
	local_commit = request.local_commit;
	peer = msg.addr;
	data = msg.data;
	len = 0;
	iov_count = msg.iov_count;
	for (size_t i = 0; i < iov_count; i++) {
		iov[i] = msg.msg_iov[i];
		desc[i] = msg.desc ? msg.desc[i] : nullptr;
		len += iov[i].iov_len;
	}
	started = false;
	by_request = false;
	preamble_posted = false;
	fully_posted = false;
	range_index = 0;
	range_offset = 0;
	iov_offset = 0;
	unanswered = 0;
	unfinished = 0;
	failure = Failure{};
}

size_t PersistentOp::slice(size_t offset, size_t bytes, iovec *out,
			   void **out_desc) const noexcept
{
	size_t count = 0;
	for (size_t i = 0; i < iov_count && bytes; i++) {
		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		size_t part = std::min(bytes, iov[i].iov_len - offset);
		out[count].iov_base =
			static_cast<uint8_t *>(iov[i].iov_base) + offset;
		out[count].iov_len = part;
		out_desc[count] = desc[i];
		count++;
		bytes -= part;
		offset = 0;
	}
	return count;
}

void PersistentOp::gather(size_t offset, uint8_t *target,
			  size_t bytes) const noexcept
{
	iovec part[kMaxIov];
	void *unused[kMaxIov];
	size_t count = slice(offset, bytes, part, unused);
	for (size_t i = 0; i < count; i++) {
		std::memcpy(target, part[i].iov_base, part[i].iov_len);
		target += part[i].iov_len;
	}
}

void PersistentOp::scatter(size_t offset, const uint8_t *source,
			   size_t bytes) const noexcept
{
	iovec part[kMaxIov];
	void *unused[kMaxIov];
	size_t count = slice(offset, bytes, part, unused);
	for (size_t i = 0; i < count; i++) {
		std::memcpy(part[i].iov_base, source, part[i].iov_len);
		source += part[i].iov_len;
	}
}

} // namespace ofi_pmem
