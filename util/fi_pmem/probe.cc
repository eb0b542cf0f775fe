/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The server is a process of its own, this program again, and ends with this
 * one.
 */
#include "probe.hh"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "connection.hh"
#include "exit_codes.hh"
#include "report.hh"

namespace fi_pmem
{

namespace
{

namespace fs = std::filesystem;

/* A file of this process in a directory; the device itself. */
class Place
{
public:
	explicit Place(const std::string &path) : path_(path)
	{
		if (!fs::is_directory(path))
			return;
		path_ = fs::path(path) /
			("fi_pmem-info." + std::to_string(getpid()));
		temporary_ = true;
	}
	~Place()
	{
		if (temporary_)
			unlink(path_.c_str());
	}
	Place(const Place &) = delete;
	Place &operator=(const Place &) = delete;

	[[nodiscard]] const std::string &path() const { return path_; }
	[[nodiscard]] bool temporary() const { return temporary_; }

private:
	std::string path_;
	bool temporary_ = false;
};

class ServerProcess
{
public:
	ServerProcess(const Options &options, Report &report)
		: options_(options), report_(report)
	{
	}
	~ServerProcess()
	{
		if (out_ >= 0)
			close(out_);
		if (pid_ <= 0)
			return;
		kill(pid_, SIGTERM);
		waitpid(pid_, nullptr, 0);
	}
	ServerProcess(const ServerProcess &) = delete;
	ServerProcess &operator=(const ServerProcess &) = delete;

	/* Until it takes clients, or has said why it does not. Exit code. */
	[[nodiscard]] int start(const Place &place);

	[[nodiscard]] const std::string &address() const { return address_; }
	[[nodiscard]] const std::string &provider() const { return provider_; }

private:
	[[nodiscard]] std::vector<std::string>
	arguments(const Place &place) const;
	[[nodiscard]] std::string read_line();

	const Options &options_;
	Report &report_;
	pid_t pid_ = -1;
	int out_ = -1;
	std::string address_;
	std::string provider_;
};

std::vector<std::string> ServerProcess::arguments(const Place &place) const
{
	std::vector<std::string> all{"fi_pmem", "serve",      place.path(),
				     "--port",	"0",	      "--json",
				     "--bind",	options_.bind};
	if (place.temporary())
		all.insert(all.end(), {"--size", "64K"});
	if (!options_.provider.empty())
		all.insert(all.end(), {"--provider", options_.provider});
	return all;
}

/* What comes within --timeout. */
std::string ServerProcess::read_line()
{
	std::string line;
	char next = 0;
	pollfd readable{out_, POLLIN, 0};
	int limit = static_cast<int>(options_.timeout_s) * 1000;
	while (poll(&readable, 1, limit) == 1 && read(out_, &next, 1) == 1 &&
	       next != '\n')
		line += next;
	return line;
}

int ServerProcess::start(const Place &place)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return report_.fail(kFailed, "pipe: %s", strerror(errno));
	std::vector<std::string> words = arguments(place);
	std::vector<char *> argv;
	for (std::string &word : words)
		argv.push_back(word.data());
	argv.push_back(nullptr);
	pid_ = fork();
	if (!pid_) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(ends[1], STDOUT_FILENO);
		execv("/proc/self/exe", argv.data());
		_exit(kFailed);
	}
	close(ends[1]);
	out_ = ends[0];
	if (pid_ < 0)
		return report_.fail(kFailed, "fork: %s", strerror(errno));
	auto said = nlohmann::json::parse(read_line(), nullptr, false);
	if (!said.is_object())
		return report_.fail(kFailed,
				    "a server for %s did not start within %u s",
				    place.path().c_str(), options_.timeout_s);
	if (said.contains("error"))
		return report_.fail(said.value("code", int{kFailed}), "%s",
				    said.value("error", "").c_str());
	address_ = said.value("address", "");
	provider_ = said.value("provider", "");
	return kOk;
}

} // namespace

int probe(const Options &asked, Report &report, const std::string &where,
	  Probe *found)
{
	if (fs::is_regular_file(where))
		return report.fail(kLocalFile,
				   "%s: is a file; its directory can be tried",
				   where.c_str());
	Place place(where);
	ServerProcess server(asked, report);
	int ret = server.start(place);
	if (ret)
		return ret;
	Options options = asked;
	options.provider = server.provider();
	if (!parse_address(server.address(), &options.peer))
		return report.fail(kFailed, "%s is no address",
				   server.address().c_str());
	Connection connection(options, report);
	ret = connection.open();
	if (!ret)
		ret = connection.query(&found->attr);
	if (ret)
		return ret;
	found->provider = server.provider();
	found->reason = found->attr.reason;
	return kOk;
}

} // namespace fi_pmem
