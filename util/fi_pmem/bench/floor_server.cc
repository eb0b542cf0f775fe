/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/floor_server.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <climits>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

namespace fi_pmem
{

namespace
{

void send_at_once(int fd)
{
	int yes = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* Receives and executes the records of one client, until it is gone. */
class FloorSession
{
public:
	FloorSession(int fd, const FloorMemory &memory, bool spins)
		: fd_(fd), memory_(memory), spins_(spins)
	{
		epoll_event readable{};
		readable.events = EPOLLIN;
		epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd_, &readable);
	}

	void run()
	{
		while (receive() && execute() && answer())
			;
	}

private:
	[[nodiscard]] ssize_t receive_some(char *into, size_t room) const;
	[[nodiscard]] bool receive();
	[[nodiscard]] bool receive_into(char *into, size_t bytes) const;
	[[nodiscard]] bool execute();
	[[nodiscard]] bool store(const FloorRecord &record, size_t *at);
	void flush(const FloorRecord &record);
	[[nodiscard]] bool answer();

	int fd_;
	const FloorMemory &memory_;
	bool spins_;
	int epoll_fd_ = epoll_create1(0);
	std::vector<char> buffer_ = std::vector<char>(size_t{256} * 1024);
	size_t filled_ = 0; /* bytes of the buffer */
	std::vector<std::pair<uint64_t, size_t>> postponed_;
	bool unsynced_ = false; /* a record waits for the sync */
	FloorAnswer done_ = 0;
	FloorAnswer answered_ = 0;
};

/* Returns 0 at the end of the stream. */
ssize_t FloorSession::receive_some(char *into, size_t room) const
{
	ssize_t got;
	while ((got = recv(fd_, into, room, spins_ ? MSG_DONTWAIT : 0)) < 0 &&
	       (errno == EAGAIN || errno == EINTR))
		;
	return got;
}

/* Adds to the buffer what has arrived, or the next that does. */
bool FloorSession::receive()
{
	epoll_event event;
	while (!spins_ && epoll_wait(epoll_fd_, &event, 1, -1) < 0 &&
	       errno == EINTR)
		;
	ssize_t got = receive_some(buffer_.data() + filled_,
				   buffer_.size() - filled_);
	if (got <= 0)
		return false;
	filled_ += static_cast<size_t>(got);
	return true;
}

bool FloorSession::receive_into(char *into, size_t bytes) const
{
	while (bytes) {
		ssize_t got = receive_some(into, bytes);
		if (got <= 0)
			return false;
		into += got;
		bytes -= static_cast<size_t>(got);
	}
	return true;
}

/* What of the record has not arrived is received into its place. */
bool FloorSession::store(const FloorRecord &record, size_t *at)
{
	if (record.offset > memory_.length() ||
	    record.bytes > memory_.length() - record.offset)
		return false;
	char *place = memory_.at(record.offset);
	size_t here = std::min<size_t>(record.bytes, filled_ - *at);
	std::memcpy(place, buffer_.data() + *at, here);
	*at += here;
	return receive_into(place + here, record.bytes - here);
}

void FloorSession::flush(const FloorRecord &record)
{
	switch (record.step) {
	case FloorStep::store:
		return;
	case FloorStep::postpone:
		postponed_.emplace_back(record.offset, record.bytes);
		return;
	case FloorStep::flush:
		memory_.flush(record.offset, record.bytes);
		break;
	case FloorStep::flush_all:
		for (const auto &[offset, bytes] : postponed_)
			memory_.flush(offset, bytes);
		postponed_.clear();
		break;
	}
	unsynced_ = true;
}

/* Executes what the buffer holds; the beginning of a record stays. */
bool FloorSession::execute()
{
	size_t at = 0;
	FloorRecord record;
	while (filled_ - at >= sizeof(record)) {
		std::memcpy(&record, buffer_.data() + at, sizeof(record));
		at += sizeof(record);
		if (!store(record, &at))
			return false;
		flush(record);
		if (record.step != FloorStep::postpone)
			done_++;
	}
	filled_ -= at;
	std::memmove(buffer_.data(), buffer_.data() + at, filled_);
	return true;
}

/* One sync covers all that has arrived together. */
bool FloorSession::answer()
{
	if (std::exchange(unsynced_, false) && memory_.sync())
		return false;
	if (std::exchange(answered_, done_) == done_)
		return true;
	return send(fd_, &done_, sizeof(done_), MSG_NOSIGNAL) ==
	       ssize_t{sizeof(done_)};
}

/* Closes all descriptors but standard files and these. */
void close_all_but(int one, int other)
{
	auto low = static_cast<unsigned>(std::min(one, other));
	auto high = static_cast<unsigned>(std::max(one, other));
	auto close_from = [](unsigned first, unsigned last) {
		if (first <= last)
			close_range(first, last, 0);
	};
	close_from(STDERR_FILENO + 1, low - 1);
	close_from(low + 1, high - 1);
	close_from(high + 1, UINT_MAX);
}

[[noreturn]] void serve(int listener, const FloorMemory &memory, bool spins)
{
	/* As for a LocalServer, signals to the group are for the parent. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	close_all_but(listener, memory.fd());
	int fd = accept(listener, nullptr, nullptr);
	if (fd >= 0) {
		send_at_once(fd);
		FloorSession(fd, memory, spins).run();
	}
	_exit(0);
}

/* Returns a listening socket, or -1 with errno. */
int listen_at(const std::string &host, sockaddr_storage *address,
	      socklen_t *length)
{
	addrinfo hints{};
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE;
	addrinfo *found = nullptr;
	if (getaddrinfo(host.c_str(), "0", &hints, &found)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && !bind(fd, found->ai_addr, found->ai_addrlen) &&
		    !listen(fd, 1);
	freeaddrinfo(found);
	auto name = reinterpret_cast<sockaddr *>(address);
	if (good && !getsockname(fd, name, length))
		return fd;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

} // namespace

FloorServer::~FloorServer()
{
	if (fd_ >= 0)
		close(fd_);
}

int FloorServer::start(Report &report, const std::string &host,
		       const FloorMemory &memory, bool spins)
{
	sockaddr_storage address{};
	socklen_t length = sizeof(address);
	int listener = listen_at(host, &address, &length);
	if (listener < 0)
		return report.fail(kFailed, "--bind: %s: %s", host.c_str(),
				   strerror(errno));
	pid_t pid = fork();
	if (!pid)
		serve(listener, memory, spins);
	int error = pid < 0 ? errno : 0;
	close(listener);
	process_.emplace(pid);
	fd_ = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!error &&
	    (fd_ < 0 ||
	     connect(fd_, reinterpret_cast<sockaddr *>(&address), length)))
		error = errno;
	if (error)
		return report.fail(kFailed, "the floor's server: %s",
				   strerror(error));
	send_at_once(fd_);
	return kOk;
}

} // namespace fi_pmem
