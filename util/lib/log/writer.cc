/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/writer.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>

namespace ofi_pmem_log
{

namespace
{

constexpr uint64_t kRecordFlags = FI_COMPLETION | FI_COMMIT_COMPLETE;

size_t total(const iovec *iov, size_t count)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

} // namespace

Writer::Impl::Impl(const Path &path, const Place &place, const Options &options)
	: remote(path, place), options_(options), scanner_(&remote)
{
}

int Writer::Impl::append(const iovec *iov, size_t count, uint64_t *end)
{
	size_t len = total(iov, count);
	size_t space = space_of(len);
	uint64_t capacity = control_.superblock.capacity;
	if (len > options_.max_record || space > capacity)
		return remote.fail(-FI_EMSGSIZE,
				   "a record of " + std::to_string(len) +
					   " bytes: must be at most " +
					   std::to_string(options_.max_record) +
					   ", and fit into the log's " +
					   std::to_string(capacity));
	if (space > free_bytes())
		return remote.fail(
			-FI_ENOSPC,
			"the log is full: " + std::to_string(free_bytes()) +
				" bytes are free of " +
				std::to_string(capacity));
	if (next_ - oldest_ == appends_.size())
		return -FI_EAGAIN;
	stage(&append_at(next_), iov, count, len);
	next_++;
	*end = end_;
	return post();
}

void Writer::Impl::stage(Append *append, const iovec *iov, size_t count,
			 size_t len)
{
	char *slot = slot_of(next_);
	auto header = reinterpret_cast<RecordHeader *>(slot);
	char *to = slot + sizeof(*header);
	for (size_t i = 0; i < count; i++) {
		auto from = static_cast<const char *>(iov[i].iov_base);
		to = std::copy_n(from, iov[i].iov_len, to);
	}
	seal(header, control_.superblock.id, end_, control_.epoch, len);
	append->count = locate(control_.superblock.capacity, end_,
			       space_of(len), append->spans);
	append->posted = 0;
	for (Operation &write : append->writes)
		write.done = false;
	end_ += space_of(len);
	append->end = end_;
}

ssize_t Writer::Impl::post_record(Append *append, char *from)
{
	/*
	 * The pointer is ordered behind the record, reports its success, and
	 * travels with it.
	 */
	uint64_t flags = kRecordFlags;
	if (options_.order == Order::target)
		flags = room_for_pointer() ? FI_MORE : 0;
	while (append->posted < append->count) {
		size_t i = append->posted;
		Piece piece{from + (i ? append->spans[0].len : 0),
			    append->spans[i].len, buffer_.desc()};
		ssize_t ret = remote.post_write(&append->writes[i], piece,
						append->spans[i].offset, flags);
		if (ret)
			return ret;
		append->posted++;
	}
	return 0;
}

ssize_t Writer::Impl::post_word(Word *word, size_t index, uint64_t value,
				uint64_t offset)
{
	char *from = word_buffer_.data() + index * sizeof(value);
	std::memcpy(from, &value, sizeof(value));
	word->value = value;
	return remote.post_ordered(&word->write,
				   {from, sizeof(value), word_buffer_.desc()},
				   offset);
}

bool Writer::Impl::pointer_is_due() const
{
	if (!room_for_pointer())
		return false;
	switch (options_.order) {
	case Order::target:
		return posted_ > pointed_;
	case Order::initiator:
		return committed_ > pointed_;
	case Order::lazy:
		break;
	}
	bool lags = first_uncommitted_ - pointed_number_ >= options_.lag;
	return committed_ > pointed_ && (lags || syncing_);
}

/* Records go first: a pointer stands for all of those before it. */
int Writer::Impl::post()
{
	ssize_t ret = 0;
	while (!ret && first_unposted_ < next_) {
		Append &append = append_at(first_unposted_);
		ret = post_record(&append, slot_of(first_unposted_));
		if (ret)
			break;
		posted_ = append.end;
		first_unposted_++;
	}
	if ((!ret || ret == -FI_EAGAIN) && pointer_is_due()) {
		size_t index = last_pointer_ % pointers_.size();
		uint64_t value =
			options_.order == Order::target ? posted_ : committed_;
		ret = post_word(&pointers_[index], index, value, kPointerAt);
		if (!ret) {
			pointed_ = value;
			pointed_number_ = first_uncommitted_;
			last_pointer_++;
		}
	}
	if (!ret || ret == -FI_EAGAIN)
		return 0;
	return remote.give_up(static_cast<int>(ret));
}

void Writer::Impl::collect()
{
	while (first_pointer_ < last_pointer_) {
		Word &pointer = pointers_[first_pointer_ % pointers_.size()];
		if (!pointer.write.done)
			break;
		control_.pointer = pointer.value;
		first_pointer_++;
	}
	while (options_.order != Order::target &&
	       first_uncommitted_ < first_unposted_ &&
	       append_at(first_uncommitted_).done()) {
		committed_ = append_at(first_uncommitted_).end;
		first_uncommitted_++;
	}
	while (oldest_ < first_unposted_ &&
	       append_at(oldest_).end <= acknowledged())
		oldest_++;
	if (retiring_ && head_.write.done) {
		control_.head = head_.value;
		retiring_ = false;
	}
}

int Writer::Impl::poll()
{
	int ret = remote.reap();
	if (ret)
		return ret;
	collect();
	return post();
}

int Writer::Impl::sync()
{
	syncing_ = true;
	int failed = 0;
	int ret = remote.wait_while([&] {
		collect();
		failed = post();
		return !failed && control_.pointer < end_;
	});
	syncing_ = false;
	return ret ? ret : failed;
}

int Writer::Impl::retire(uint64_t position)
{
	if (position < control_.head || position > end_)
		return remote.fail(-FI_EINVAL,
				   "position " + std::to_string(position) +
					   " is not from " +
					   std::to_string(control_.head) +
					   " to " + std::to_string(end_));
	/* A head beyond the pointer would leave recovery without a record. */
	if (retiring_ || position > control_.pointer)
		return -FI_EAGAIN;
	if (position == control_.head)
		return 0;
	ssize_t ret = post_word(&head_, pointers_.size(), position, kHeadAt);
	retiring_ = !ret;
	if (ret && ret != -FI_EAGAIN)
		return remote.give_up(static_cast<int>(ret));
	return static_cast<int>(ret);
}

int Writer::Impl::find_oldest(uint64_t bytes, uint64_t *position)
{
	scanner_.forget();
	*position = control_.head;
	while (*position - control_.head < bytes) {
		const RecordHeader *found = nullptr;
		int ret = scanner_.find(control_, *position, &found);
		if (ret < 0)
			return ret;
		if (!ret)
			return scanner_.fail_damaged(*position);
		*position += space_of(found->len);
	}
	return 0;
}

int Writer::Impl::make_room(uint64_t bytes)
{
	uint64_t capacity = control_.superblock.capacity;
	if (bytes > capacity)
		return remote.fail(-FI_EMSGSIZE,
				   "the log has " + std::to_string(capacity) +
					   " bytes, not " +
					   std::to_string(bytes));
	if (bytes <= free_bytes())
		return 0;
	int ret = sync();
	/* More is freed at once, as each time costs round trips. */
	uint64_t wanted = std::max(bytes, capacity / 8);
	uint64_t position = 0;
	if (!ret && wanted > free_bytes())
		ret = find_oldest(wanted - free_bytes(), &position);
	if (ret)
		return ret;
	int failed = 0;
	ret = remote.wait_while([&] {
		collect();
		if (failed || control_.head >= position)
			return false;
		failed = retire(position);
		if (failed == -FI_EAGAIN)
			failed = 0;
		return !failed;
	});
	return ret ? ret : failed;
}

Writer::Writer(const Path &path, const Place &place, const Options &options)
	: impl_(std::make_unique<Impl>(path, place, options))
{
}

Writer::~Writer() = default;

int Writer::open()
{
	return impl_->open();
}

int Writer::append(const iovec *iov, size_t count, uint64_t *end)
{
	return impl_->append(iov, count, end);
}

int Writer::append(const void *record, size_t len, uint64_t *end)
{
	iovec all{const_cast<void *>(record), len};
	return impl_->append(&all, 1, end);
}

int Writer::poll()
{
	return impl_->poll();
}

int Writer::sync()
{
	return impl_->sync();
}

int Writer::retire(uint64_t position)
{
	return impl_->retire(position);
}

int Writer::make_room(uint64_t bytes)
{
	return impl_->make_room(bytes);
}

uint64_t Writer::head() const
{
	return impl_->head();
}

uint64_t Writer::end() const
{
	return impl_->end();
}

uint64_t Writer::acknowledged() const
{
	return impl_->acknowledged();
}

const Status &Writer::status() const
{
	return impl_->status;
}

const std::string &Writer::text() const
{
	return impl_->remote.text();
}

} // namespace ofi_pmem_log
