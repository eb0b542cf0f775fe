/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/completion.hh"

#include <rdma/fi_errno.h>

#include <sched.h>

#include <stdexcept>

namespace pmem_test
{

namespace
{

constexpr size_t kBatch = 16;

/* Every format is a prefix of the tagged entry. */
size_t entry_size(fi_cq_format format)
{
	switch (format) {
	case FI_CQ_FORMAT_CONTEXT:
		return sizeof(fi_cq_entry);
	case FI_CQ_FORMAT_MSG:
		return sizeof(fi_cq_msg_entry);
	case FI_CQ_FORMAT_DATA:
		return sizeof(fi_cq_data_entry);
	default:
		return sizeof(fi_cq_tagged_entry);
	}
}

Completion from_entry(const char *raw, size_t size)
{
	fi_cq_tagged_entry entry{};
	std::copy(raw, raw + size, reinterpret_cast<char *>(&entry));
	Completion completion;
	completion.context = entry.op_context;
	completion.flags = entry.flags;
	completion.len = entry.len;
	completion.data = entry.data;
	return completion;
}

} // namespace

void Deadline::spin(const char *what) const
{
	if (passed())
		throw std::runtime_error(std::string("timed out: ") + what);
	sched_yield();
}

void CompletionQueue::poll()
{
	size_t size = entry_size(format_);
	alignas(fi_cq_tagged_entry) char
		raw[kBatch * sizeof(fi_cq_tagged_entry)];
	ssize_t got;
	while ((got = fi_cq_read(cq_, raw, kBatch)) > 0) {
		for (size_t i = 0; i < static_cast<size_t>(got); i++)
			backlog_.push_back(from_entry(raw + i * size, size));
	}
	if (got == -FI_EAVAIL)
		read_error();
	else if (got != -FI_EAGAIN)
		throw std::runtime_error(std::string("fi_cq_read: ") +
					 fi_strerror(static_cast<int>(-got)));
}

void CompletionQueue::read_error()
{
	fi_cq_err_entry entry{};
	ssize_t got = fi_cq_readerr(cq_, &entry, 0);
	if (got != 1)
		throw std::runtime_error("fi_cq_readerr after -FI_EAVAIL");
	Completion completion;
	completion.context = entry.op_context;
	completion.flags = entry.flags;
	completion.len = entry.len;
	completion.data = entry.data;
	completion.err = entry.err;
	completion.prov_errno = entry.prov_errno;
	const char *text = fi_cq_strerror(cq_, entry.prov_errno, entry.err_data,
					  nullptr, 0);
	completion.text = text ? text : "";
	auto data = static_cast<const uint8_t *>(entry.err_data);
	completion.err_data.assign(data, data + entry.err_data_size);
	backlog_.push_back(completion);
}

bool CompletionQueue::take(Completion *completion)
{
	if (backlog_.empty())
		return false;
	*completion = backlog_.front();
	backlog_.pop_front();
	return true;
}

bool CompletionQueue::poll_one(Completion *completion)
{
	poll();
	return take(completion);
}

Completion CompletionQueue::wait(std::chrono::milliseconds limit)
{
	Completion completion;
	Deadline deadline(limit);
	while (!take(&completion)) {
		poll();
		deadline.spin("no completion");
	}
	return completion;
}

} // namespace pmem_test
