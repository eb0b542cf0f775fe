/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/scanner.hh"

#include <rdma/fi_errno.h>

namespace ofi_pmem_log
{

class Reader::Impl
{
public:
	Impl(const Path &path, const Place &place)
		: remote(path, place), scanner_(&remote)
	{
	}

	int open();
	int next(Record *record);
	int refresh();

	Remote remote;
	Status status;

private:
	int missing();

	Scanner scanner_;
	Control control_{};
	uint64_t position_ = 0;
};

int Reader::Impl::open()
{
	int ret = remote.open();
	if (!ret)
		ret = refresh();
	position_ = control_.head;
	return ret;
}

int Reader::Impl::refresh()
{
	scanner_.forget();
	int ret = remote.read_control(&control_);
	status = status_of(control_);
	return ret;
}

/* A record at a position before the pointer is missing. */
int Reader::Impl::missing()
{
	int ret = refresh();
	if (ret)
		return ret;
	if (control_.head <= position_)
		return scanner_.fail_damaged(position_);
	uint64_t missed = position_;
	position_ = control_.head;
	return remote.fail(-FI_EOVERRUN,
			   "the records from position " +
				   std::to_string(missed) + " to " +
				   std::to_string(position_) +
				   " were retired before they were read");
}

int Reader::Impl::next(Record *record)
{
	const RecordHeader *found = nullptr;
	int ret = scanner_.find(control_, position_, &found);
	if (!ret && position_ < control_.pointer)
		return missing();
	if (ret <= 0)
		return ret;
	*record = {position_, found + 1, found->len,
		   position_ < control_.pointer};
	position_ += space_of(found->len);
	return 1;
}

Reader::Reader(const Path &path, const Place &place)
	: impl_(std::make_unique<Impl>(path, place))
{
}

Reader::~Reader() = default;

int Reader::open()
{
	return impl_->open();
}

int Reader::next(Record *record)
{
	return impl_->next(record);
}

int Reader::refresh()
{
	return impl_->refresh();
}

const Status &Reader::status() const
{
	return impl_->status;
}

const std::string &Reader::text() const
{
	return impl_->remote.text();
}

} // namespace ofi_pmem_log
