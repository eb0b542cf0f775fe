/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/cq_ring.hh"

#include "core/layout.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace ofi_pmem
{

namespace
{

/* Each format begins with the fields of the one before it. */
void convert(fi_cq_format format, const fi_cq_err_entry &from,
	     void *to) noexcept
{
	fi_cq_tagged_entry entry{from.op_context, from.flags, from.len,
				 from.buf,	  from.data,  from.tag};
	memcpy(to, &entry, cq_entry_size(format));
}

} // namespace

size_t cq_entry_size(fi_cq_format format) noexcept
{
	switch (format) {
	case FI_CQ_FORMAT_MSG:
		return sizeof(fi_cq_msg_entry);
	case FI_CQ_FORMAT_DATA:
		return sizeof(fi_cq_data_entry);
	case FI_CQ_FORMAT_TAGGED:
		return sizeof(fi_cq_tagged_entry);
	default:
		return sizeof(fi_cq_entry);
	}
}

void StoredError::store(const fi_cq_err_entry &entry, fi_addr_t source) noexcept
{
	entry_ = entry;
	source_ = source;
	data_.clear();
	if (!entry.err_data)
		return;
	auto bytes = static_cast<const uint8_t *>(entry.err_data);
	try {
		data_.assign(bytes, bytes + entry.err_data_size);
	} catch (const std::bad_alloc &) {
		/* The error itself matters more than its data. */
	}
}

void StoredError::copy_to(uint32_t version, fi_cq_err_entry *entry) noexcept
{
	entry->op_context = entry_.op_context;
	entry->flags = entry_.flags;
	entry->len = entry_.len;
	entry->buf = entry_.buf;
	entry->data = entry_.data;
	entry->tag = entry_.tag;
	entry->olen = entry_.olen;
	entry->err = entry_.err;
	entry->prov_errno = entry_.prov_errno;
	void *ours = data_.empty() ? nullptr : data_.data();
	if (FI_VERSION_LT(version, FI_VERSION(1, 5))) {
		/* The entry ends with the pointer. */
		entry->err_data = ours;
	} else if (entry->err_data && entry->err_data_size) {
		entry->err_data_size =
			std::min(entry->err_data_size, data_.size());
		std::copy_n(data_.begin(), entry->err_data_size,
			    static_cast<uint8_t *>(entry->err_data));
	} else {
		entry->err_data = ours;
		entry->err_data_size = data_.size();
	}
	if (FI_VERSION_GE(version, kErrorSourceApi))
		set_error_source(entry, source_);
}

void CompletionRing::make_places()
{
	MutexLock guard(lock_);
	if (slots_.empty())
		slots_.resize(capacity_);
}

int CompletionRing::reserve() noexcept
{
	if (reserved_.fetch_add(1) < slots_.size())
		return 0;
	--reserved_;
	return -FI_EAGAIN;
}

CompletionRing::Slot &CompletionRing::append() noexcept
{
	return slots_[(first_ + pending_.load()) % slots_.size()];
}

void CompletionRing::push(const fi_cq_tagged_entry &entry,
			  fi_addr_t source) noexcept
{
	fi_cq_err_entry stored{};
	stored.op_context = entry.op_context;
	stored.flags = entry.flags;
	stored.len = entry.len;
	stored.buf = entry.buf;
	stored.data = entry.data;
	stored.tag = entry.tag;

	MutexLock guard(lock_);
	auto &slot = append();
	slot.failed = false;
	slot.source = source;
	slot.entry.store(stored);
	++pending_;
}

void CompletionRing::push_error(const fi_cq_err_entry &entry) noexcept
{
	MutexLock guard(lock_);
	auto &slot = append();
	slot.failed = true;
	slot.entry.store(entry);
	++pending_;
}

void CompletionRing::drop_first() noexcept
{
	first_ = (first_ + 1) % slots_.size();
	--pending_;
	--reserved_;
}

ssize_t CompletionRing::read(fi_cq_format format, void *buf, size_t count,
			     fi_addr_t *sources) noexcept
{
	auto out = static_cast<uint8_t *>(buf);
	MutexLock guard(lock_);
	if (pending_ && slots_[first_].failed)
		return -FI_EAVAIL;
	size_t done = 0;
	while (done < count && pending_ && !slots_[first_].failed) {
		auto &slot = slots_[first_];
		convert(format, slot.entry.entry(), out);
		out += cq_entry_size(format);
		if (sources)
			sources[done] = slot.source;
		drop_first();
		done++;
	}
	return static_cast<ssize_t>(done);
}

ssize_t CompletionRing::readerr(uint32_t version,
				fi_cq_err_entry *entry) noexcept
{
	MutexLock guard(lock_);
	if (!pending_ || !slots_[first_].failed)
		return -FI_EAGAIN;
	last_error_ = std::move(slots_[first_].entry);
	drop_first();
	last_error_.copy_to(version, entry);
	return 1;
}

} // namespace ofi_pmem
