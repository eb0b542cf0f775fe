/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reading a completion queue of a persistent domain: own completions first,
 * then the inner queue's without our internal operations.
 */
#include "app/cq.hh"

#include "core/layout.hh"

#include <algorithm>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/*
 * The inner queue makes progress after this many reads that the ring alone
 * satisfied.
 */
constexpr uint32_t kReadsPerProgress = 16;

} // namespace

/*
 * If the application has nothing persistent under way, this executes only a few
 * loads more than a call without us.
 */
ssize_t CompletionQueue::readfrom(void *buf, size_t count,
				  fi_addr_t *sources) noexcept
{
	if (auto source = domain_.progress_source())
		source->progress();
	plane_.deferred().run();
	if (!plane_.ring.empty() || stashed_)
		return read_merged(buf, count, sources);
	ssize_t ret = read_below(buf, count, sources);
	/*
	 * The count is read after the queue: nothing that was expected before
	 * can have been in the batch unnoticed.
	 */
	return plane_.expects() ? sort_out(ret, buf, count, sources) : ret;
}

ssize_t CompletionQueue::read_merged(void *buf, size_t count,
				     fi_addr_t *sources) noexcept
{
	ssize_t own = plane_.ring.read(format_, buf, count, sources);
	auto done = static_cast<size_t>(own);
	if (own < 0)
		return own;
	if (count && done == count) {
		/*
		 * A busy channel must not starve the inner provider, which
		 * makes progress when its queue is read.
		 */
		if (++reads_ % kReadsPerProgress == 0)
			static_cast<void>(fi_cq_read(inner(), nullptr, 0));
		return own;
	}
	if (stashed_)
		return own ? own : -FI_EAVAIL;
	auto rest = static_cast<uint8_t *>(buf) + done * cq_entry_size(format_);
	fi_addr_t *rest_sources = sources ? sources + done : nullptr;
	ssize_t ret = read_below(rest, count - done, rest_sources);
	ret = sort_out(ret, rest, count - done, rest_sources);
	if (!own)
		return ret;
	return ret > 0 ? own + ret : own;
}

ssize_t CompletionQueue::read_below(void *buf, size_t count,
				    fi_addr_t *sources) noexcept
{
	ssize_t ret = sources ? fi_cq_readfrom(inner(), buf, count, sources)
			      : fi_cq_read(inner(), buf, count);
	if (ret > 0 && lengths_announced())
		tell_lengths(buf, static_cast<size_t>(ret));
	return ret;
}

/*
 * Removes our own completions from what read_below() has returned, and reads
 * again if nothing is left.
 */
ssize_t CompletionQueue::sort_out(ssize_t ret, void *buf, size_t count,
				  fi_addr_t *sources) noexcept
{
	while (plane_.expects()) {
		if (ret == -FI_EAVAIL) {
			if (stash_inner_error())
				return ret;
		} else if (ret <= 0) {
			return ret;
		} else if (size_t kept = filter(buf, static_cast<size_t>(ret),
						sources)) {
			return static_cast<ssize_t>(kept);
		}
		ret = read_below(buf, count, sources);
	}
	return ret;
}

bool CompletionQueue::lengths_announced() const noexcept
{
	Persistence *plane = domain_.persistence();
	return plane && !plane->regions().announcements().empty() &&
	       (format_ == FI_CQ_FORMAT_DATA || format_ == FI_CQ_FORMAT_TAGGED);
}

/*
 * The CQ data of a write to a persistent region comes with an empty write,
 * whose completion gets the length of the data here. If the format has no CQ
 * data, it is unknown which write it is.
 */
void CompletionQueue::tell_lengths(void *buf, size_t count) noexcept
{
	Announcements &announced =
		domain_.persistence()->regions().announcements();
	size_t size = cq_entry_size(format_);
	auto entries = static_cast<uint8_t *>(buf);
	for (size_t i = 0; i < count; i++) {
		fi_cq_data_entry entry; /* a tagged entry begins likewise */
		memcpy(&entry, entries + i * size, sizeof(entry));
		bool notified = (entry.flags & FI_REMOTE_CQ_DATA) &&
				!(entry.flags & (FI_MSG | FI_TAGGED)) &&
				!entry.len;
		if (!notified)
			continue;
		auto length = announced.take(entry.data, cq_data_mask_);
		entry.len = length.value_or(0);
		memcpy(entries + i * size, &entry, sizeof(entry));
	}
}

/* Takes our own completions out of a batch; the rest moves together. */
size_t CompletionQueue::filter(void *buf, size_t count,
			       fi_addr_t *sources) noexcept
{
	size_t size = cq_entry_size(format_);
	auto entries = static_cast<uint8_t *>(buf);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		auto entry = entries + i * size;
		void *op_context;
		memcpy(&op_context, entry, sizeof(op_context));
		if (plane_.complete_expected(op_context, 0, 0))
			continue;
		if (kept != i) {
			memcpy(entries + kept * size, entry, size);
			if (sources)
				sources[kept] = sources[i];
		}
		kept++;
	}
	return kept;
}

/*
 * -FI_EAVAIL does not say whose error it is. Returns true if one for the
 * application is waiting, here or in the inner queue.
 */
bool CompletionQueue::stash_inner_error() noexcept
{
	MutexLock guard(stash_lock_);
	if (stashed_)
		return true;
	Roomy<fi_cq_err_entry> roomy;
	fi_cq_err_entry &entry = roomy.known;
	set_error_source(&roomy, FI_ADDR_NOTAVAIL);
	if (inner()->ops->readerr(inner(), &entry, 0) <= 0)
		return false;
	if (plane_.complete_expected(entry.op_context, entry.err,
				     entry.prov_errno))
		return false;
	stash_.store(entry, error_source(&roomy));
	stashed_ = true;
	return true;
}

ssize_t CompletionQueue::read_stashed(fi_cq_err_entry *entry) noexcept
{
	MutexLock guard(stash_lock_);
	if (!stashed_)
		return -FI_EAGAIN;
	last_stashed_ = stash_;
	stashed_ = false;
	last_stashed_.copy_to(api_version(), entry);
	return 1;
}

ssize_t CompletionQueue::readerr(fi_cq_err_entry *entry,
				 uint64_t flags) noexcept
{
	ssize_t ret = plane_.ring.readerr(api_version(), entry);
	if (ret == -FI_EAGAIN)
		ret = read_stashed(entry);
	while (ret == -FI_EAGAIN) {
		ret = inner()->ops->readerr(inner(), entry, flags);
		bool ours =
			ret > 0 && plane_.expects() &&
			plane_.complete_expected(entry->op_context, entry->err,
						 entry->prov_errno);
		if (!ours)
			return ret;
		ret = -FI_EAGAIN;
	}
	return ret;
}

} // namespace ofi_pmem
