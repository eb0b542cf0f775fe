/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem log append takes records as fast as the input comes, and makes them
 * durable as soon as it pauses.
 */
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "log/record_source.hh"
#include "log/session.hh"

#include <rdma/fi_errno.h>

#include <cinttypes>

namespace fi_pmem
{

namespace
{

class Appender
{
public:
	Appender(const Options &options, Report &report, LogSession &session,
		 RecordSource &source)
		: options_(options), report_(report), session_(session),
		  source_(source), writer_(session, writer_options(options))
	{
	}

	int run();

private:
	static ofi_pmem_log::Options writer_options(const Options &options)
	{
		ofi_pmem_log::Options writer = options.log.writer;
		if (options.log.record_bytes)
			writer.max_record = options.log.record_bytes;
		return writer;
	}

	int copy();
	int append(std::string_view record);
	int sync();
	int check_signal();
	int fail(int ret);
	int refuse(int ret);
	void tell(int ret);

	const Options &options_;
	Report &report_;
	LogSession &session_;
	RecordSource &source_;
	SessionWriter writer_;
	uint64_t begin_ = 0;
	uint64_t records_ = 0;
	uint64_t bytes_ = 0;
};

int Appender::fail(int ret)
{
	return session_.fail("cannot append to the log", ret, writer_->text());
}

/* The log goes on: what is in it first becomes durable. */
int Appender::refuse(int ret)
{
	std::string why = writer_->text();
	int failed = sync();
	return failed ? failed
		      : session_.fail("cannot append to the log", ret, why);
}

int Appender::check_signal()
{
	int signal = session_.connection().interrupt().take();
	if (!signal)
		return kOk;
	int ret = sync();
	return ret ? ret
		   : report_.fail(kSignalBase + signal, "interrupted by %s",
				  signal_name(signal).c_str());
}

int Appender::sync()
{
	int ret = writer_->sync();
	return ret ? fail(ret) : kOk;
}

int Appender::append(std::string_view record)
{
	constexpr int kWaitMs = 10;
	auto until = Clock::now() + std::chrono::seconds(options_.stall_s);
	uint64_t end = 0;
	int ret;
	while ((ret = writer_->append(record.data(), record.size(), &end))) {
		if (ret == -FI_ENOSPC && options_.log.drop_oldest) {
			ret = writer_->make_room(
				ofi_pmem_log::space_of(record.size()));
		} else if (ret == -FI_EAGAIN) {
			session_.connection().fabric().wait(kWaitMs);
			ret = writer_->poll();
		}
		if (ret == -FI_ENOSPC || ret == -FI_EMSGSIZE)
			return refuse(ret);
		if (!ret && Clock::now() >= until)
			return report_.fail(
				kFailed, "no answer from %s for %u s: gave up",
				session_.connection().peer().c_str(),
				options_.stall_s);
		if (ret)
			return fail(ret);
		ret = check_signal();
		if (ret)
			return ret;
	}
	records_++;
	bytes_ += record.size();
	return kOk;
}

int Appender::copy()
{
	for (;;) {
		std::string_view record;
		int ret = check_signal();
		if (ret)
			return ret;
		switch (source_.next(&record)) {
		case RecordSource::Next::record:
			ret = append(record);
			break;
		case RecordSource::Next::wait:
			ret = sync();
			if (!ret)
				source_.wait(
					session_.connection().interrupt().fd());
			break;
		case RecordSource::Next::end:
			return sync();
		case RecordSource::Next::failed:
			ret = sync();
			return ret ? ret : source_.exit_code();
		}
		if (ret)
			return ret;
	}
}

/*
 * Reports what is durable, which matters as much as the reason why not all is.
 */
void Appender::tell(int ret)
{
	const Connection &connection = session_.connection();
	const char *state =
		connection.makes_files_durable() ? "durable" : "committed";
	report_.set("records", records_);
	report_.set("bytes", bytes_);
	report_.set("begin", begin_);
	report_.set("end", writer_->end());
	report_.set("durable_to", writer_->acknowledged());
	if (!ret)
		report_.say("appended %" PRIu64 " records (%" PRIu64
			    " bytes) to the log at %s, positions %" PRIu64
			    " to %" PRIu64 ": %s",
			    records_, bytes_, connection.peer().c_str(), begin_,
			    writer_->end(), state);
	else
		report_.say(
			"the log is %s up to position %" PRIu64
			", of what was appended from %" PRIu64 " to %" PRIu64,
			state, writer_->acknowledged(), begin_, writer_->end());
}

int Appender::run()
{
	int ret = options_.log.create ? session_.create() : int{kOk};
	if (ret)
		return ret;
	ret = writer_->open();
	if (ret)
		return session_.fail("cannot open the log", ret,
				     writer_->text());
	begin_ = writer_->end();
	ret = copy();
	tell(ret);
	return ret;
}

} // namespace

int run_append(const Options &options, Report &report, LogSession &session)
{
	RecordSource source(report, options.log.record_bytes,
			    options.log.writer.max_record);
	int ret = source.open(options.file);
	/*
	 * An existing log is replaced, and its writer ended, only for an input
	 * that can be opened.
	 */
	if (!ret)
		ret = session.claim();
	return ret ? ret : Appender(options, report, session, source).run();
}

} // namespace fi_pmem
