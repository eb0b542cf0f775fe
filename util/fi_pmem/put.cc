/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The source file and the result of a put. The file is read, not mapped: one
 * that shrinks meanwhile is then an error and not SIGBUS.
 */
#include "put.hh"

#include <cerrno>
#include <cinttypes>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit_codes.hh"
#include "progress_bar.hh"
#include "report.hh"
#include "transfer.hh"

namespace fi_pmem
{

namespace
{

class SourceFile final : public BlockStream
{
public:
	SourceFile(std::string path, Report &report)
		: path_(std::move(path)), report_(report)
	{
	}
	~SourceFile() override
	{
		if (fd_ >= 0)
			close(fd_);
	}
	SourceFile(const SourceFile &) = delete;
	SourceFile &operator=(const SourceFile &) = delete;

	[[nodiscard]] int open()
	{
		/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
		fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		struct stat status {
		};
		if (fd_ < 0 || fstat(fd_, &status))
			return local_error(strerror(errno));
		if (S_ISDIR(status.st_mode))
			return local_error("is a directory");
		if (!S_ISREG(status.st_mode))
			return local_error("is not a regular file");
		if (!status.st_size)
			return local_error("is empty");
		bytes_ = static_cast<uint64_t>(status.st_size);
		return kOk;
	}

	[[nodiscard]] uint64_t bytes() const { return bytes_; }

	[[nodiscard]] int fill(char *buffer, size_t bytes) override
	{
		for (size_t have = 0; have < bytes;) {
			ssize_t ret = read(fd_, buffer + have, bytes - have);
			if (ret < 0 && errno == EINTR)
				continue;
			if (ret < 0)
				return local_error(strerror(errno));
			if (!ret)
				return local_error("shrank while it was "
						   "copied");
			have += static_cast<size_t>(ret);
		}
		return kOk;
	}

	[[nodiscard]] int drain(const char *, size_t) override { return kOk; }

private:
	[[nodiscard]] int local_error(const char *text)
	{
		return report_.fail(kLocalFile, "%s: %s", path_.c_str(), text);
	}

	std::string path_;
	Report &report_;
	int fd_ = -1;
	uint64_t bytes_ = 0;
};

/* Plain providers commit to processor caches; a file needs more. */
bool makes_files_durable(const Connection &connection)
{
	return strstr(connection.provider(), "ofi_pmem") != nullptr;
}

const char *state_text(const Options &options, const Connection &connection)
{
	if (!options.commit)
		return "NOT durable (--no-commit)";
	return makes_files_durable(connection) ? "durable" : "committed";
}

void tell_result(Report &report, const Options &options,
		 const Connection &connection, const Transfer &transfer)
{
	auto bytes = static_cast<double>(transfer.done_bytes());
	double rate = bytes / std::max(transfer.seconds(), 1e-9);
	report.set("seconds", transfer.seconds());
	report.set("bytes_per_second", rate);
	report.say("put %s (%" PRIu64 " bytes) to %s offset %" PRIu64
		   " in %.3f s, %s/s: %s",
		   options.file.c_str(), transfer.done_bytes(),
		   connection.peer().c_str(), options.offset,
		   transfer.seconds(), human_bytes(rate).c_str(),
		   state_text(options, connection));
}

/* What became durable before the failure is worth as much as the reason. */
void tell_prefix(Report &report, const Options &options,
		 const Connection &connection, const Transfer &transfer,
		 uint64_t total)
{
	report.say("the first %" PRIu64 " of %" PRIu64 " bytes are %s",
		   transfer.done_bytes(), total,
		   state_text(options, connection));
}

} // namespace

int run_put(const Options &options, Report &report)
{
	SourceFile source(options.file, report);
	int ret = source.open();
	if (ret)
		return ret;
	Connection connection(options, report);
	ret = connection.open();
	if (!ret)
		ret = connection.check_range(source.bytes(),
					     options.file.c_str());
	if (ret)
		return ret;
	if (options.commit && !makes_files_durable(connection))
		report.warn("provider %s flushes processor caches only: in an "
			    "ordinary file nothing becomes durable",
			    connection.provider());
	report.set("file", options.file);
	report.set("peer", connection.peer());
	report.set("provider", connection.provider());
	report.set("offset", options.offset);
	report.set("bytes", source.bytes());
	report.set("committed", options.commit);
	Transfer transfer(options, report, connection);
	ProgressBar bar("put", source.bytes(), !options.json);
	ret = transfer.run(Direction::write, source.bytes(), source, bar);
	bool durable = options.commit && makes_files_durable(connection);
	report.set("done_bytes", transfer.done_bytes());
	report.set("durable_bytes", durable ? transfer.done_bytes() : 0);
	report.set("durable", durable && !ret);
	if (ret)
		tell_prefix(report, options, connection, transfer,
			    source.bytes());
	else
		tell_result(report, options, connection, transfer);
	return ret;
}

} // namespace fi_pmem
