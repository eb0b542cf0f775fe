/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/test/log_model.hh"

#include <rdma/fi_errno.h>

#include <stdexcept>

namespace log_test
{

namespace
{

/* Checks for the answers that a working log may give. */
void expect(const Writer &writer, int ret, const char *what)
{
	if (ret && ret != -FI_EAGAIN)
		throw std::runtime_error(std::string(what) + ": " +
					 writer.text());
}

} // namespace

const char *name_of(Order order)
{
	switch (order) {
	case Order::target:
		return "target";
	case Order::initiator:
		return "initiator";
	case Order::lazy:
		break;
	}
	return "lazy";
}

Options LogModel::options()
{
	Options options;
	options.order = order_;
	options.max_record = kMaxRecord;
	options.depth = random_.below(3) ? random_.between(2, 16) : 1;
	options.pointers = random_.between(1, 8);
	options.lag = random_.between(1, 12);
	return options;
}

/* A record that was not found is as if it had never been appended. */
void LogModel::open(Writer &writer)
{
	expect(writer, writer.open(), "open");
	while (!records_.empty() && records_.back().end > writer.end())
		records_.pop_back();
	note(writer);
}

void LogModel::note(const Writer &writer)
{
	acknowledged_ = std::max(acknowledged_, writer.acknowledged());
	for (Appended &record : records_) {
		if (record.acknowledged || record.end > acknowledged_)
			continue;
		record.acknowledged = true;
		count_++;
	}
	while (!records_.empty() && records_.front().end <= writer.head())
		records_.pop_front();
}

void LogModel::append(Writer &writer)
{
	Appended record;
	record.seed = pmem_test::mix(next_seed_++);
	/*
	 * Records often have the same length, so that what lies behind them is
	 * in its place, too.
	 */
	constexpr size_t kUsual = 100;
	record.len = random_.below(2)	? kUsual
		     : random_.below(2) ? random_.below(300)
					: random_.below(kMaxRecord + 1);
	record.begin = writer.end();
	Bytes bytes = pmem_test::pattern(record.seed, record.len);
	int ret = writer.append(bytes.data(), bytes.size(), &record.end);
	if (ret == -FI_ENOSPC)
		return make_room(writer);
	expect(writer, ret, "append");
	if (!ret)
		records_.push_back(record);
}

/* The log makes room by itself, or up to any acknowledged record. */
void LogModel::make_room(Writer &writer)
{
	if (random_.below(2))
		return expect(writer, writer.make_room(space_of(kMaxRecord)),
			      "make_room");
	size_t count = 0;
	while (count < records_.size() && records_[count].acknowledged)
		count++;
	if (count)
		expect(writer,
		       writer.retire(records_[random_.below(count)].end),
		       "retire");
	else
		expect(writer, writer.sync(), "sync");
}

void LogModel::write(Writer &writer, uint64_t steps,
		     const std::function<void()> &between)
{
	open(writer);
	while (steps--) {
		if (random_.below(4))
			append(writer);
		else
			expect(writer, writer.poll(), "poll");
		if (!random_.below(100))
			expect(writer, writer.sync(), "sync");
		between();
		note(writer);
	}
}

std::string LogModel::compare(const Record &record, size_t index) const
{
	std::string at = "record at " + std::to_string(record.position) + ": ";
	if (index == records_.size())
		return at + "was never appended";
	const Appended &wanted = records_[index];
	if (wanted.begin != record.position)
		return at + "out of order, wanted " +
		       std::to_string(wanted.begin);
	auto data = static_cast<const uint8_t *>(record.data);
	std::string differs = pmem_test::difference(
		Bytes(data, data + record.len),
		pmem_test::pattern(wanted.seed, wanted.len));
	return differs.empty() ? "" : at + "torn, " + differs;
}

/* The log begins where a head says that was durable, or on its way. */
std::string LogModel::read_all(Reader *reader, size_t *found, size_t *durable)
{
	if (reader->open())
		return "open: " + reader->text();
	uint64_t end = reader->status().head;
	size_t index = 0;
	while (index < records_.size() && records_[index].begin < end)
		index++;
	*found = *durable = 0;
	Record record;
	for (int ret; (ret = reader->next(&record)) != 0;) {
		if (ret < 0)
			return "next: " + reader->text();
		std::string wrong = compare(record, index);
		if (!wrong.empty())
			return wrong;
		end = records_[index++].end;
		++*found;
		*durable += record.durable;
	}
	if (end < acknowledged_)
		return "ends at " + std::to_string(end) + ", acknowledged to " +
		       std::to_string(acknowledged_);
	return "";
}

std::string LogModel::check(const Path &path, const Place &place)
{
	Reader before(path, place);
	size_t found = 0;
	size_t durable = 0;
	std::string wrong = read_all(&before, &found, &durable);
	if (!wrong.empty())
		return "before recovery, " + wrong;
	if (order_ != Order::lazy && before.status().pointer < acknowledged_)
		return "the pointer is behind what was acknowledged";
	Writer writer(path, place, options());
	if (writer.open())
		return "recovery: " + writer.text();
	Reader after(path, place);
	size_t found_after = 0;
	wrong = read_all(&after, &found_after, &durable);
	if (!wrong.empty())
		return "after recovery, " + wrong;
	if (found_after != found || durable != found)
		return "recovery found other records";
	/* Records that recovery has shown must not be lost any more. */
	acknowledged_ = std::max(acknowledged_, writer.acknowledged());
	return "";
}

} // namespace log_test
