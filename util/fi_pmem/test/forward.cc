/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Something lies between a client and a server, for the tests of fi_pmem:
 *
 *   forward HOST PORT TO_HOST TO_PORT  takes TCP connections at HOST and hands
 *                                      them on, as a port forward does
 *   forward full                       a port at 127.0.0.1 that drops what
 *                                      would connect, as a firewall does
 *
 * Either prints its port (PORT may be 0) and goes on until a signal ends it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace
{

sockaddr_in make_address(const char *host, int port)
{
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_port = htons(static_cast<uint16_t>(port));
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		std::fprintf(stderr, "%s is not an address\n", host);
		std::exit(2);
	}
	return address;
}

void require(bool good, const char *what)
{
	if (good)
		return;
	std::perror(what);
	std::exit(1);
}

int open_socket(int flags = 0)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
	require(fd >= 0, "socket");
	return fd;
}

const sockaddr *generic(const sockaddr_in &address)
{
	return reinterpret_cast<const sockaddr *>(&address);
}

/* Returns the socket, and its address in *address. */
int listen_at(sockaddr_in *address, int backlog)
{
	int fd = open_socket();
	int on = 1;
	socklen_t len = sizeof(*address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	require(!bind(fd, generic(*address), sizeof(*address)), "bind");
	require(!listen(fd, backlog), "listen");
	getsockname(fd, reinterpret_cast<sockaddr *>(address), &len);
	return fd;
}

void announce(const sockaddr_in &address)
{
	std::printf("%u\n", unsigned{ntohs(address.sin_port)});
	std::fflush(stdout);
}

/* Copies until the input ends, and passes the end on as well. */
void copy(int from, int to)
{
	char buffer[65536];
	ssize_t got;
	while ((got = read(from, buffer, sizeof(buffer))) > 0) {
		for (ssize_t done = 0; done < got;) {
			ssize_t sent = send(to, buffer + done,
					    static_cast<size_t>(got - done),
					    MSG_NOSIGNAL);
			if (sent <= 0)
				return;
			done += sent;
		}
	}
	shutdown(to, SHUT_WR);
}

void hand_on(int client, sockaddr_in to)
{
	int server = open_socket();
	if (!connect(server, generic(to), sizeof(to))) {
		std::thread back(copy, server, client);
		copy(client, server);
		back.join();
	}
	close(server);
	close(client);
}

int forward(sockaddr_in at, sockaddr_in to)
{
	int listener = listen_at(&at, 64);
	announce(at);
	for (;;) {
		int client = accept(listener, nullptr, nullptr);
		require(client >= 0, "accept");
		std::thread(hand_on, client, to).detach();
	}
}

/*
 * A connection attempt is not answered while the queue of those to be accepted
 * is full (listen(2)): the first one that stays undecided shows that it is.
 */
int drop()
{
	sockaddr_in at = make_address("127.0.0.1", 0);
	listen_at(&at, 0);
	constexpr int kDoubtMs = 300;
	pollfd writable{-1, POLLOUT, 0};
	do {
		writable.fd = open_socket(SOCK_NONBLOCK);
		static_cast<void>(
			!connect(writable.fd, generic(at), sizeof(at)));
	} while (poll(&writable, 1, kDoubtMs) == 1);
	close(writable.fd);
	announce(at);
	pause();
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc == 2 && !std::strcmp(argv[1], "full"))
		return drop();
	if (argc == 5)
		return forward(make_address(argv[1], std::atoi(argv[2])),
			       make_address(argv[3], std::atoi(argv[4])));
	std::fprintf(stderr, "usage: see the head of forward.cc\n");
	return 2;
}
