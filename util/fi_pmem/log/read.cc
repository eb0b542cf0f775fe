/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem log tail and dump.
 */
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "log/session.hh"

#include <nlohmann/json.hpp>
#include <rdma/fi_errno.h>

#include <poll.h>

#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <deque>

namespace fi_pmem
{

namespace
{

using ofi_pmem_log::Reader;
using ofi_pmem_log::Record;

constexpr int kFollowMs = 200;

std::string text_of(const Record &record)
{
	return std::string(static_cast<const char *>(record.data), record.len);
}

/* Prints bytes that are no printable character as \xHH. */
std::string escape(const std::string &text)
{
	std::string escaped;
	for (char one : text) {
		auto byte = static_cast<unsigned char>(one);
		char hex[8];
		std::snprintf(hex, sizeof(hex), "\\x%02x", byte);
		if (one == '\\')
			escaped += "\\\\";
		else if (std::isprint(byte))
			escaped += one;
		else
			escaped += hex;
	}
	return escaped;
}

void print(Report &report, uint64_t position, const std::string &text)
{
	report.event({{"event", "record"},
		      {"position", position},
		      {"bytes", text.size()},
		      {"text", text}});
	report.data(text);
}

class Tail
{
public:
	Tail(const Options &options, Report &report, LogSession &session)
		: options_(options), report_(report), session_(session),
		  reader_(session.path(), session.place())
	{
	}

	int run();

private:
	struct Kept {
		uint64_t position;
		std::string text;
	};

	int read(bool print_at_once);
	int follow();
	int fail(int ret)
	{
		return session_.fail("cannot read the log", ret,
				     reader_.text());
	}

	const Options &options_;
	Report &report_;
	LogSession &session_;
	Reader reader_;
	std::deque<Kept> last_;
	uint64_t position_ = 0; /* of the next record */
	uint64_t records_ = 0;
};

/* Reads up to the pointer: what is behind it may still vanish. */
int Tail::read(bool print_at_once)
{
	while (position_ < reader_.status().pointer) {
		Record record;
		int ret = reader_.next(&record);
		if (ret == -FI_EOVERRUN) {
			report_.warn("%s", reader_.text().c_str());
			continue;
		}
		if (ret < 0)
			return fail(ret);
		position_ =
			record.position + ofi_pmem_log::space_of(record.len);
		records_++;
		if (print_at_once) {
			print(report_, record.position, text_of(record));
			continue;
		}
		last_.push_back({record.position, text_of(record)});
		if (last_.size() > options_.log.lines)
			last_.pop_front();
	}
	return kOk;
}

int Tail::follow()
{
	Interrupt &interrupt = session_.connection().interrupt();
	while (report_.flush()) {
		pollfd signal_fd{interrupt.fd(), POLLIN, 0};
		poll(&signal_fd, 1, kFollowMs);
		if (interrupt.take())
			return kOk;
		int ret = reader_.refresh();
		if (ret)
			return fail(ret);
		ret = read(true);
		if (ret)
			return ret;
	}
	return kOk;
}

int Tail::run()
{
	int ret = reader_.open();
	if (ret)
		return fail(ret);
	position_ = reader_.status().head;
	ret = read(false);
	for (const Kept &kept : last_)
		print(report_, kept.position, kept.text);
	if (!ret && options_.log.follow)
		ret = follow();
	report_.set("records", records_);
	return ret;
}

void tell_status(Report &report, const LogSession &session,
		 const ofi_pmem_log::Status &status)
{
	uint64_t used = status.pointer - status.head;
	char id[17]; /* not a number in JSON, which would be rounded */
	std::snprintf(id, sizeof(id), "%016" PRIx64, status.id);
	report.say("log %s: %" PRIu64 " of %" PRIu64
		   " bytes used, positions %" PRIu64 " to %" PRIu64
		   ", opened for writing %" PRIu64 " times",
		   id, used, status.capacity, status.head, status.pointer,
		   status.writers);
	report.set("id", std::string(id));
	report.set("capacity", status.capacity);
	report.set("head", status.head);
	report.set("pointer", status.pointer);
	report.set("writers", status.writers);
	report.set("bytes", session.place().len);
}

} // namespace

int run_tail(const Options &options, Report &report, LogSession &session)
{
	return Tail(options, report, session).run();
}

/*
 * Prints everything, including what a recovery would find behind the pointer.
 */
int run_dump(const Options &, Report &report, LogSession &session)
{
	Reader reader(session.path(), session.place());
	int ret = reader.open();
	if (ret)
		return session.fail("cannot read the log", ret, reader.text());
	tell_status(report, session, reader.status());
	uint64_t durable = 0;
	uint64_t others = 0;
	Record record;
	while ((ret = reader.next(&record)) != 0) {
		if (ret == -FI_EOVERRUN) {
			report.warn("%s", reader.text().c_str());
			continue;
		}
		if (ret < 0)
			break;
		(record.durable ? durable : others)++;
		std::string text = escape(text_of(record));
		report.say("%12" PRIu64 " %8zu %s%s", record.position,
			   record.len,
			   record.durable ? ""
					  : "(behind the "
					    "pointer) ",
			   text.c_str());
		report.event({{"event", "record"},
			      {"position", record.position},
			      {"bytes", record.len},
			      {"durable", record.durable},
			      {"text", text}});
	}
	report.set("records", durable);
	report.set("behind_pointer", others);
	if (ret)
		return session.fail("cannot read the log", ret, reader.text());
	report.say("%" PRIu64 " records, %" PRIu64 " more behind the pointer",
		   durable, others);
	return kOk;
}

} // namespace fi_pmem
