/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Opens a log for writing, after a crash or not.
 */
#include "log/writer.hh"

#include <rdma/fi_errno.h>

#include <algorithm>

namespace ofi_pmem_log
{

namespace
{

constexpr size_t kMaxInFlight = 65536;

} // namespace

int Writer::Impl::check_options()
{
	auto in_flight = [](size_t count) {
		return count && count <= kMaxInFlight;
	};
	bool good = in_flight(options_.depth) && in_flight(options_.pointers) &&
		    options_.lag && options_.max_record &&
		    options_.max_record <
			    remote.max_message() - sizeof(RecordHeader) - kLine;
	if (good)
		return 0;
	return remote.fail(-FI_EINVAL,
			   "depth and pointers must be 1 to " +
				   std::to_string(kMaxInFlight) +
				   ", lag and max_record 1 or more, max_record "
				   "less than the provider's longest message, "
				   "of " +
				   std::to_string(remote.max_message()) +
				   " bytes");
}

int Writer::Impl::allocate()
{
	slot_bytes_ = space_of(options_.max_record);
	pointers_.resize(options_.pointers);
	appends_.resize(options_.depth);
	size_t bytes = 0;
	int ret = 0;
	if (__builtin_mul_overflow(slot_bytes_, options_.depth, &bytes))
		ret = -FI_ENOMEM;
	if (!ret)
		ret = buffer_.allocate(remote.path(), bytes);
	/* One word more is for the head. */
	if (!ret)
		ret = word_buffer_.allocate(remote.path(),
					    (pointers_.size() + 1) *
						    sizeof(uint64_t));
	if (ret)
		remote.fail(ret, "no memory for " +
					 std::to_string(options_.depth) +
					 " records");
	return ret;
}

int Writer::Impl::open()
{
	int ret = check_options();
	if (!ret)
		ret = remote.open();
	if (!ret)
		ret = allocate();
	if (!ret)
		ret = remote.read_control(&control_);
	if (ret)
		return ret;
	status = status_of(control_);
	uint64_t end = control_.pointer;
	const RecordHeader *found = nullptr;
	while ((ret = scanner_.find(control_, end, &found)) > 0)
		end += space_of(found->len);
	/*
	 * These words can be seen, but need not be durable: their writer may
	 * have been cut off before.
	 */
	if (!ret)
		ret = remote.store_control_again(control_);
	if (!ret)
		ret = adopt(end);
	/* From now on, nothing that still lies behind the end is a record. */
	if (!ret)
		ret = remote.write_word(control_.epoch + 1, kEpochAt);
	if (ret)
		return ret;
	control_.epoch++;
	end_ = posted_ = committed_ = pointed_ = control_.pointer;
	return 0;
}

/*
 * Adopts records that are complete but behind the pointer: they can be seen,
 * but may not be durable. Writing them again makes them so.
 */
int Writer::Impl::adopt(uint64_t end)
{
	if (end == control_.pointer)
		return 0;
	int ret = copy_back(control_.pointer, end);
	if (!ret)
		ret = remote.write_word(end, kPointerAt);
	if (!ret)
		control_.pointer = end;
	return ret;
}

int Writer::Impl::copy_back(uint64_t begin, uint64_t end)
{
	while (begin < end) {
		Span spans[2];
		size_t len = std::min<uint64_t>(end - begin, buffer_.bytes());
		locate(control_.superblock.capacity, begin, len, spans);
		/* This copies up to the wrap; the rest is next. */
		Span span{spans[0].offset,
			  std::min(spans[0].len, remote.max_message())};
		int ret = remote.read(&buffer_, 0, span);
		if (!ret)
			ret = remote.write(
				{buffer_.data(), span.len, buffer_.desc()},
				span.offset);
		if (ret)
			return ret;
		begin += span.len;
	}
	return 0;
}

} // namespace ofi_pmem_log
