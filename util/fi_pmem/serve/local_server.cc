/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "serve/local_server.hh"

#include "cli/options.hh"
#include "cli/overwrite.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "serve/child.hh"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

namespace fi_pmem
{

namespace fs = std::filesystem;

namespace
{

/*
 * SIGCONT would revoke a stop that is still on its way (signal(7)), such as
 * that of a leak checker, which attaches to a process that ends.
 */
bool is_stopped(pid_t pid)
{
	siginfo_t state{};
	return !waitid(P_PID, static_cast<id_t>(pid), &state,
		       WSTOPPED | WNOHANG | WNOWAIT) &&
	       state.si_pid == pid;
}

} // namespace

Place::Place(const std::string &path, uint64_t bytes)
	: asked_for_(path), path_(path)
{
	static int count = 0;
	std::error_code failure;
	if (!fs::is_directory(path, failure))
		return;
	path_ = fs::path(path) / ("fi_pmem." + std::to_string(getpid()) + "." +
				  std::to_string(count++));
	bytes_ = bytes;
}

Place::~Place()
{
	if (removed_at_end_)
		unlink(path_.c_str());
}

int Place::claim(Report &report, bool force)
{
	std::error_code failure;
	removed_at_end_ = !fs::exists(path_, failure);
	return check_overwriting(report, path_, force);
}

int Place::find(Report &report) const
{
	const char *path = asked_for_.c_str();
	if (access(path, F_OK))
		return report.fail(kLocalFile, "%s: %s", path, strerror(errno));
	if (bytes_ && access(path, W_OK | X_OK))
		return report.fail(kLocalFile,
				   "%s: no file can be made there: %s", path,
				   strerror(errno));
	return kOk;
}

LocalServer::~LocalServer()
{
	static_cast<void>(end(SIGTERM));
	if (out_ >= 0)
		close(out_);
}

void LocalServer::stop()
{
	if (pid_ > 0)
		stop_process(pid_);
}

void LocalServer::go_on()
{
	if (pid_ > 0)
		let_run(pid_);
}

int LocalServer::end(int signal)
{
	Child child(std::exchange(pid_, -1));
	if (child.pid() <= 0)
		return -1;
	kill(child.pid(), signal);
	if (is_stopped(child.pid()))
		kill(child.pid(), SIGCONT);
	int limit = static_cast<int>(options_.stall_s) * 1000;
	return child.await(limit) ? child.status() : -1;
}

double LocalServer::cpu_seconds() const
{
	return pid_ > 0 ? cpu_seconds_of(pid_) : 0;
}

/* Reads a line that arrives within --timeout. */
std::string LocalServer::read_line()
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

int LocalServer::spawn(std::vector<std::string> words)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return report_.fail(kFailed, "pipe: %s", strerror(errno));
	std::vector<char *> argv;
	argv.reserve(words.size() + 1);
	for (std::string &word : words)
		argv.push_back(word.data());
	argv.push_back(nullptr);
	pid_ = fork();
	if (!pid_) {
		/* SIGTERM would wait for ever in a stopped process. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/*
		 * What a terminal or timeout(1) sends to the whole group is for
		 * the parent, which ends this process when it is done with it.
		 */
		setpgid(0, 0);
		dup2(ends[1], STDOUT_FILENO);
		execv("/proc/self/exe", argv.data());
		_exit(kFailed);
	}
	close(ends[1]);
	out_ = ends[0];
	if (pid_ < 0)
		return report_.fail(kFailed, "fork: %s", strerror(errno));
	return kOk;
}

int LocalServer::start(const Place &place, const std::string &provider,
		       const std::vector<std::string> &more)
{
	std::vector<std::string> words{"fi_pmem", "serve",	place.path(),
				       "--port",  "0",		"--json",
				       "--bind",  options_.bind};
	if (place.bytes())
		words.insert(words.end(),
			     {"--size", std::to_string(place.bytes())});
	if (!provider.empty())
		words.insert(words.end(), {"--provider", provider});
	words.insert(words.end(), more.begin(), more.end());
	int ret = spawn(words);
	if (ret)
		return ret;
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

} // namespace fi_pmem
