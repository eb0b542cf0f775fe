/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/launcher.hh"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace pmem_test
{

namespace
{

constexpr size_t kEnvBytes = 1024;

struct Request {
	pid_t reap; /* 0: spawn */
	ChildMain child_main;
	uint64_t file_size_limit;
	char env[kEnvBytes]; /* NUL-terminated strings, ended by an empty one */
};

struct Reply {
	pid_t pid;
	int status;
};

int launcher_fd = -1;
std::string directory;

[[noreturn]] void fail(const char *what)
{
	throw std::system_error(errno, std::generic_category(), what);
}

/* A message with one descriptor attached, or none (-1). */
void send_request(const Request &request, int fd)
{
	iovec iov{const_cast<Request *>(&request), sizeof(request)};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	msghdr msg{};
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsghdr *header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	if (sendmsg(launcher_fd, &msg, MSG_NOSIGNAL) < 0)
		fail("sendmsg to launcher");
}

/* False at the end of the test program. */
bool receive_request(int sock, Request *request, int *fd)
{
	iovec iov{request, sizeof(*request)};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	msghdr msg{};
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	ssize_t got;
	do {
		got = recvmsg(sock, &msg, 0);
	} while (got < 0 && errno == EINTR);
	*fd = -1;
	if (cmsghdr *header = CMSG_FIRSTHDR(&msg))
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return got == static_cast<ssize_t>(sizeof(*request));
}

[[noreturn]] void run_child(const Request &request, int control, pid_t parent)
{
	for (int sig : {SIGINT, SIGTERM, SIGHUP})
		signal(sig, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (const char *at = request.env; *at; at += strlen(at) + 1)
		putenv(const_cast<char *>(at));
	if (request.file_size_limit) {
		signal(SIGXFSZ, SIG_IGN);
		rlimit limit{request.file_size_limit, request.file_size_limit};
		setrlimit(RLIMIT_FSIZE, &limit);
	}
	int status = 1;
	try {
		status = request.child_main(control);
	} catch (const std::exception &error) {
		fprintf(stderr, "child %d: %s\n", getpid(), error.what());
	}
	exit(status);
}

pid_t spawn(const Request &request, int sock, int control)
{
	pid_t launcher = getpid();
	pid_t pid = fork();
	if (!pid) {
		close(sock);
		run_child(request, control, launcher);
	}
	return pid;
}

/* The launcher's whole life; its children are killed by PR_SET_PDEATHSIG. */
[[noreturn]] void serve(int sock)
{
	for (int sig : {SIGINT, SIGTERM, SIGHUP})
		signal(sig, SIG_IGN);
	/* Static: a child keeps pointers to its environment. */
	static Request request;
	int control;
	while (receive_request(sock, &request, &control)) {
		Reply reply{};
		if (request.reap)
			reply.pid = waitpid(request.reap, &reply.status, 0);
		else
			reply.pid = spawn(request, sock, control);
		if (control >= 0)
			close(control);
		if (send(sock, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			break;
	}
	std::error_code ignored;
	std::filesystem::remove_all(directory, ignored);
	_exit(0);
}

Reply ask(const Request &request, int fd)
{
	send_request(request, fd);
	Reply reply{};
	ssize_t got;
	do {
		got = recv(launcher_fd, &reply, sizeof(reply), 0);
	} while (got < 0 && errno == EINTR);
	if (got != static_cast<ssize_t>(sizeof(reply)) || reply.pid < 0)
		throw std::runtime_error("the launcher failed");
	return reply;
}

int reap(pid_t pid)
{
	Request request{};
	request.reap = pid;
	return ask(request, -1).status;
}

void copy_env(const std::vector<std::string> &env, char *target)
{
	size_t used = 0;
	for (const std::string &entry : env) {
		if (used + entry.size() + 2 > kEnvBytes)
			throw std::length_error("environment of a child");
		memcpy(target + used, entry.c_str(), entry.size() + 1);
		used += entry.size() + 1;
	}
}

} // namespace

std::chrono::seconds timeout_from_environment()
{
	const char *seconds = getenv("PMEM_FABTESTS_TIMEOUT");
	return std::chrono::seconds(seconds ? atoi(seconds) : 20);
}

void start_launcher()
{
	directory = (std::filesystem::current_path() /
		     ("pmem_e2e." + std::to_string(getpid())))
			    .string();
	std::filesystem::create_directory(directory);
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		fail("socketpair");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	launcher_fd = pair[0];
}

const std::string &work_dir()
{
	return directory;
}

Child::Child(ChildMain child_main, const ChildOptions &options)
{
	Request request{};
	request.child_main = child_main;
	request.file_size_limit = options.file_size_limit;
	copy_env(options.env, request.env);
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		fail("socketpair");
	control_ = pair[0];
	pid_ = ask(request, pair[1]).pid;
	close(pair[1]);
}

Child::~Child()
{
	try {
		kill();
	} catch (const std::exception &error) {
		fprintf(stderr, "child %d: %s\n", pid_, error.what());
	}
	close(control_);
}

void Child::kill()
{
	if (pid_ < 0)
		return;
	::kill(pid_, SIGKILL);
	reap(pid_);
	pid_ = -1;
}

int Child::wait_exit()
{
	/* The child's end of the socket closes when the child is gone. */
	pollfd end{control_, 0, 0};
	int timeout =
		static_cast<int>(std::chrono::milliseconds(kTimeout).count());
	if (poll(&end, 1, timeout) <= 0) {
		kill();
		throw std::runtime_error("a child did not end in time");
	}
	int status = reap(pid_);
	pid_ = -1;
	return status;
}

} // namespace pmem_test
