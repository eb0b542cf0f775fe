/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The log on a fake peer: what it refuses, what happens when it is full or
 * damaged, and what two writers leave one another.
 */
#include "log/layout.hh"
#include "log/test/fake_peer.hh"

#include <gtest/gtest.h>
#include <rdma/fi_errno.h>

#include <cstring>

using namespace ofi_pmem_log;

namespace log_test
{

namespace
{

constexpr size_t kPlace = 16384;
constexpr uint64_t kCapacity = kPlace - kRecordsAt;

class Log : public testing::Test
{
protected:
	void SetUp() override
	{
		std::string text;
		ASSERT_EQ(create(peer_.path(), peer_.place(), &text), 0)
			<< text;
	}

	std::unique_ptr<Writer> open(Options options = {})
	{
		auto writer = std::make_unique<Writer>(peer_.path(),
						       peer_.place(), options);
		EXPECT_EQ(writer->open(), 0) << writer->text();
		return writer;
	}

	static Options lazy()
	{
		Options options;
		options.order = Order::lazy;
		options.lag = 1000;
		return options;
	}

	static uint64_t append(Writer &writer, const std::string &record)
	{
		uint64_t end = 0;
		EXPECT_EQ(writer.append(record.data(), record.size(), &end), 0)
			<< writer.text();
		return end;
	}

	void await(Writer &writer, uint64_t position)
	{
		while (writer.acknowledged() < position) {
			peer_.step();
			ASSERT_EQ(writer.poll(), 0) << writer.text();
		}
	}

	/*
	 * Returns the records, each followed by a star if it may not be
	 * durable.
	 */
	std::string read(Reader &reader)
	{
		std::string all;
		Record record;
		int ret;
		while ((ret = reader.next(&record)) == 1) {
			auto data = static_cast<const char *>(record.data);
			all += std::string(data, record.len) +
			       (record.durable ? "" : "*") + " ";
		}
		EXPECT_EQ(ret, 0) << reader.text();
		return all;
	}

	std::string read_all()
	{
		Reader reader(peer_.path(), peer_.place());
		EXPECT_EQ(reader.open(), 0) << reader.text();
		return read(reader);
	}

	void change_word(uint64_t offset, uint64_t value)
	{
		Bytes bytes(sizeof(value));
		std::memcpy(bytes.data(), &value, sizeof(value));
		peer_.change(offset, bytes);
	}

	std::string why_no_reader(int wanted)
	{
		Reader reader(peer_.path(), peer_.place());
		EXPECT_EQ(reader.open(), wanted);
		return reader.text();
	}

	FakePeer peer_{kPlace, pmem_test::choose_seed("LOG_SEED")};
};

TEST_F(Log, IsEmptyAtFirst)
{
	EXPECT_EQ(read_all(), "");
	auto writer = open();
	EXPECT_EQ(writer->end(), 0U);
	EXPECT_EQ(writer->status().capacity, kCapacity);
	EXPECT_EQ(writer->sync(), 0);
}

TEST_F(Log, KeepsRecordsInTheirOrder)
{
	auto writer = open();
	append(*writer, "one");
	append(*writer, "");
	iovec parts[3] = {{const_cast<char *>("thr"), 3},
			  {nullptr, 0},
			  {const_cast<char *>("ee"), 2}};
	uint64_t end = 0;
	EXPECT_EQ(writer->append(parts, 3, &end), 0);
	EXPECT_EQ(writer->sync(), 0);
	EXPECT_EQ(writer->acknowledged(), end);
	EXPECT_EQ(end, space_of(3) + space_of(0) + space_of(5));
	peer_.fail_power();
	EXPECT_EQ(read_all(), "one  three ");
}

TEST_F(Log, WritersContinueIt)
{
	for (uint64_t i = 0; i < 3; i++) {
		auto writer = open();
		EXPECT_EQ(writer->status().writers, i);
		append(*writer, std::to_string(i));
		EXPECT_EQ(writer->sync(), 0);
	}
	EXPECT_EQ(read_all(), "0 1 2 ");
}

TEST_F(Log, RefusesOptionsOfNoUse)
{
	Options options;
	for (size_t Options::*member : {&Options::depth, &Options::pointers,
					&Options::lag, &Options::max_record}) {
		Options bad = options;
		bad.*member = 0;
		Writer writer(peer_.path(), peer_.place(), bad);
		EXPECT_EQ(writer.open(), -FI_EINVAL);
		EXPECT_NE(writer.text(), "");
	}
	options.max_record = peer_.path().info->ep_attr->max_msg_size;
	Writer longer(peer_.path(), peer_.place(), options);
	EXPECT_EQ(longer.open(), -FI_EINVAL);
	options.max_record = 64;
	options.depth = 65537;
	Writer deeper(peer_.path(), peer_.place(), options);
	EXPECT_EQ(deeper.open(), -FI_EINVAL);
	peer_.limit_messages(SIZE_MAX);
	options.max_record = SIZE_MAX / 65536;
	options.depth = 65536;
	Writer too_much(peer_.path(), peer_.place(), options);
	EXPECT_EQ(too_much.open(), -FI_ENOMEM);
}

TEST_F(Log, NeedsAPlace)
{
	std::string text;
	Place place = peer_.place();
	place.len = kMinPlace - 1;
	EXPECT_EQ(create(peer_.path(), place, &text), -FI_EINVAL);
	EXPECT_NE(text.find("8191"), text.npos) << text;
	place = peer_.place();
	place.addr = 32;
	EXPECT_EQ(create(peer_.path(), place, &text), -FI_EINVAL);
	Reader reader(peer_.path(), place);
	EXPECT_EQ(reader.open(), -FI_EINVAL);
}

TEST_F(Log, IsNotFoundInOtherBytes)
{
	Control control{};
	std::memcpy(&control, peer_.visible().data(), sizeof(control));
	change_word(offsetof(Superblock, version), 2);
	EXPECT_EQ(why_no_reader(-FI_EOPNOTSUPP),
		  "the log is of another version");
	change_word(offsetof(Superblock, version), 1);
	change_word(offsetof(Superblock, id), control.superblock.id + 1);
	EXPECT_EQ(why_no_reader(-FI_EIO), "the log's first line is damaged");
	change_word(0, 0);
	EXPECT_EQ(why_no_reader(-FI_ENODATA), "there is no log");
}

/* A hostile peer can have such sizes. */
TEST_F(Log, RefusesSizesThatDoNotFit)
{
	for (auto [capacity, wanted] : {std::pair{uint64_t{0}, -FI_EIO},
					{uint64_t{12}, -FI_EIO},
					{kCapacity + 64, -FI_EINVAL},
					{UINT64_MAX - 7, -FI_EINVAL}}) {
		Control control = make_control(capacity, 1);
		Bytes bytes(sizeof(control));
		std::memcpy(bytes.data(), &control, sizeof(control));
		peer_.change(0, bytes);
		why_no_reader(wanted);
	}
}

TEST_F(Log, RefusesWordsThatContradict)
{
	for (auto [head, pointer] : {std::pair{uint64_t{64}, uint64_t{0}},
				     {uint64_t{0}, kCapacity + 8},
				     {uint64_t{4}, uint64_t{8}},
				     {uint64_t{8}, UINT64_MAX - 7}}) {
		change_word(kHeadAt, head);
		change_word(kPointerAt, pointer);
		why_no_reader(-FI_EIO);
		Writer writer(peer_.path(), peer_.place(), {});
		EXPECT_EQ(writer.open(), -FI_EIO);
	}
}

TEST_F(Log, TellsOfADamagedRecord)
{
	auto writer = open();
	uint64_t begin = append(*writer, "good");
	append(*writer, "bad");
	EXPECT_EQ(writer->sync(), 0);
	peer_.change(kRecordsAt + begin + sizeof(RecordHeader), Bytes{1});
	Reader reader(peer_.path(), peer_.place());
	Record record;
	EXPECT_EQ(reader.open(), 0);
	EXPECT_EQ(reader.next(&record), 1);
	EXPECT_EQ(reader.next(&record), -FI_EIO);
	EXPECT_EQ(reader.text(), "the record at position " +
					 std::to_string(begin) + " is damaged");
	EXPECT_EQ(writer->make_room(kCapacity), -FI_EIO);
}

/* A length must not lead out of what was read. */
TEST_F(Log, BelievesNoLength)
{
	auto writer = open();
	append(*writer, "record");
	EXPECT_EQ(writer->sync(), 0);
	for (uint64_t len : {kCapacity, UINT64_MAX, UINT64_MAX - 24,
			     uint64_t{1} << 63, uint64_t{7}}) {
		change_word(kRecordsAt + offsetof(RecordHeader, len), len);
		Reader reader(peer_.path(), peer_.place());
		Record record;
		EXPECT_EQ(reader.open(), 0);
		EXPECT_EQ(reader.next(&record), -FI_EIO);
	}
}

TEST_F(Log, RefusesARecordThatIsTooLong)
{
	Options options;
	options.max_record = kCapacity;
	auto writer = open(options);
	std::string most(kCapacity - sizeof(RecordHeader), 'x');
	std::string more(most.size() + 1, 'x');
	uint64_t end = 0;
	EXPECT_EQ(writer->append(more.data(), more.size(), &end), -FI_EMSGSIZE);
	EXPECT_EQ(writer->make_room(kCapacity + 1), -FI_EMSGSIZE);
	append(*writer, most);
	EXPECT_EQ(writer->sync(), 0);
	EXPECT_EQ(read_all(), most + " ");
	EXPECT_EQ(writer->make_room(kCapacity), 0);
	append(*writer, most);
	EXPECT_EQ(writer->sync(), 0);
	EXPECT_EQ(read_all(), most + " ");
}

/* Reads, and copies by recovery, are longer than a message. */
TEST_F(Log, ProvidersMayHaveShortMessages)
{
	peer_.limit_messages(300);
	Options options = lazy();
	options.max_record = 200;
	auto writer = open(options);
	std::string wanted;
	for (int i = 0; i < 20; i++) {
		std::string record(100, static_cast<char>('a' + i));
		append(*writer, record);
		wanted += record + " ";
	}
	await(*writer, writer->end());
	open(options);
	EXPECT_EQ(read_all(), wanted);
}

TEST_F(Log, WaitsForRoom)
{
	auto writer = open();
	std::string record(1000, 'r');
	std::vector<uint64_t> ends;
	uint64_t end = 0;
	int ret;
	while (!(ret = writer->append(record.data(), record.size(), &end)))
		ends.push_back(end);
	EXPECT_EQ(ret, -FI_ENOSPC);
	EXPECT_EQ(ends.size(), kCapacity / space_of(1000));
	EXPECT_EQ(writer->retire(ends[1]), -FI_EAGAIN); /* not durable yet */
	EXPECT_EQ(writer->retire(writer->end() + 8), -FI_EINVAL);
	EXPECT_EQ(writer->sync(), 0);
	while ((ret = writer->retire(ends[1])) == -FI_EAGAIN)
		continue; /* the fake peer's; nothing is on its way */
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(writer->retire(ends[2]), -FI_EAGAIN);
	while (writer->head() < ends[1]) {
		/* While the head is on its way, the space is not free. */
		EXPECT_EQ(writer->append(record.data(), record.size(), &end),
			  -FI_ENOSPC);
		peer_.step();
		EXPECT_EQ(writer->poll(), 0);
	}
	EXPECT_EQ(writer->retire(ends[0]), -FI_EINVAL);
	append(*writer, record);
}

/* Otherwise the head could be behind everything that recovery knows. */
TEST_F(Log, RetiresNothingBehindThePointer)
{
	auto writer = open(lazy());
	uint64_t end = append(*writer, "one");
	await(*writer, end);
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(writer->retire(end), -FI_EAGAIN);
	EXPECT_EQ(writer->sync(), 0);
	int ret;
	while ((ret = writer->retire(end)) == -FI_EAGAIN)
		continue;
	EXPECT_EQ(ret, 0);
}

TEST_F(Log, LazyRecordsAreFoundBehindThePointer)
{
	auto writer = open(lazy());
	append(*writer, "one");
	await(*writer, append(*writer, "two"));
	peer_.fail_power();
	EXPECT_EQ(read_all(), "one* two* ");
	EXPECT_GT(open()->end(), 0U);
	EXPECT_EQ(read_all(), "one two ");
}

/* It was seen, so it must not vanish once a writer has gone on behind it. */
TEST_F(Log, WhatRecoveryAdoptsIsDurable)
{
	auto writer = open(lazy());
	await(*writer, append(*writer, "one"));
	Bytes record(peer_.visible().begin() + kRecordsAt,
		     peer_.visible().begin() + kRecordsAt + 64);
	writer.reset();
	peer_.change(kRecordsAt, Bytes(64));
	peer_.store(kRecordsAt, record);
	EXPECT_GT(open()->end(), 0U);
	peer_.fail_power();
	EXPECT_EQ(read_all(), "one ");
}

/* Somebody made this log, and lost the connection before it was durable. */
TEST_F(Log, AnOpenLogIsDurableItself)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		FakePeer other(kPlace, seed);
		other.store(0, peer_.visible());
		Writer writer(other.path(), other.place(), {});
		ASSERT_EQ(writer.open(), 0) << writer.text();
		append(writer, "one");
		ASSERT_EQ(writer.sync(), 0) << writer.text();
		other.fail_power();
		Reader reader(other.path(), other.place());
		ASSERT_EQ(reader.open(), 0) << reader.text();
		EXPECT_EQ(read(reader), "one ");
	}
}

/* Two records of a writer, the first torn; then another in the first's place.
 */
TEST_F(Log, AnEarlierWritersRecordsDoNotComeBack)
{
	auto writer = open(lazy());
	uint64_t first = append(*writer, "one");
	await(*writer, append(*writer, "two"));
	peer_.change(kRecordsAt + first - 8, Bytes(8));
	writer = open(lazy());
	EXPECT_EQ(writer->end(), 0U);
	await(*writer, append(*writer, "new"));
	EXPECT_EQ(read_all(), "new* ");
	EXPECT_EQ(open()->end(), first);
}

TEST_F(Log, ANewLogHasNoneOfTheOldRecords)
{
	auto writer = open(lazy());
	await(*writer, append(*writer, "old"));
	SetUp();
	EXPECT_EQ(read_all(), "");
	EXPECT_EQ(open()->end(), 0U);
	EXPECT_EQ(read_all(), "");
}

TEST_F(Log, ReadersFollow)
{
	auto writer = open();
	Reader reader(peer_.path(), peer_.place());
	EXPECT_EQ(reader.open(), 0);
	EXPECT_EQ(read(reader), "");
	append(*writer, "one");
	EXPECT_EQ(writer->sync(), 0);
	EXPECT_EQ(read(reader), "");
	EXPECT_EQ(reader.refresh(), 0);
	EXPECT_EQ(read(reader), "one ");
	append(*writer, "two");
	EXPECT_EQ(writer->sync(), 0);
	EXPECT_EQ(reader.refresh(), 0);
	EXPECT_EQ(read(reader), "two ");
}

TEST_F(Log, AReaderThatIsOvertakenIsTold)
{
	auto writer = open();
	std::string record(1000, 'r');
	append(*writer, "oldest");
	EXPECT_EQ(writer->sync(), 0);
	Reader reader(peer_.path(), peer_.place());
	EXPECT_EQ(reader.open(), 0);
	for (int i = 0; i < 100; i++) {
		EXPECT_EQ(writer->make_room(space_of(record.size())), 0)
			<< writer->text();
		append(*writer, record);
	}
	EXPECT_EQ(writer->sync(), 0);
	Record found;
	EXPECT_EQ(reader.next(&found), -FI_EOVERRUN);
	EXPECT_EQ(reader.next(&found), 1);
	EXPECT_EQ(found.position, writer->head());
	EXPECT_EQ(found.len, record.size());
}

TEST_F(Log, GroupsRecordsBehindOnePointer)
{
	Options options;
	options.pointers = 1;
	auto writer = open(options);
	for (int i = 0; i < 20; i++)
		append(*writer, "x");
	std::vector<uint64_t> seen;
	while (writer->acknowledged() < writer->end()) {
		peer_.step();
		ASSERT_EQ(writer->poll(), 0);
		if (seen.empty() || seen.back() != writer->acknowledged())
			seen.push_back(writer->acknowledged());
	}
	EXPECT_LT(seen.size(), 10U);
}

TEST_F(Log, SaysWhenItIsBusy)
{
	Options options;
	options.depth = 2;
	auto writer = open(options);
	uint64_t end = 0;
	append(*writer, "one");
	append(*writer, "two");
	EXPECT_EQ(writer->append("three", 5, &end), -FI_EAGAIN);
	EXPECT_EQ(writer->sync(), 0);
	append(*writer, "three");
	EXPECT_EQ(writer->sync(), 0);
	EXPECT_EQ(read_all(), "one two three ");
}

TEST_F(Log, FailsForGood)
{
	auto writer = open();
	append(*writer, "one");
	peer_.break_connection();
	EXPECT_EQ(writer->sync(), -FI_ECONNABORTED);
	EXPECT_NE(writer->text().find("cut"), std::string::npos);
	EXPECT_EQ(writer->acknowledged(), 0U);
	uint64_t end = 0;
	EXPECT_EQ(writer->append("two", 3, &end), -FI_ECONNABORTED);
	EXPECT_EQ(writer->poll(), -FI_ECONNABORTED);
	EXPECT_EQ(writer->retire(0), 0);
	EXPECT_EQ(writer->make_room(kCapacity), -FI_ECONNABORTED);
}

} // namespace

} // namespace log_test
