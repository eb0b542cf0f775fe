/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Usage: socket_copy SOURCE TARGET
 *
 * fi_pmem put is measured against this (util/put_bench.sh): a copy of a file
 * over a socket of the loopback interface, whose receiver writes it to an
 * existing file, calls fdatasync(2) once, and answers. It prints the seconds
 * that it took.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace
{

constexpr size_t kBuffer = 256 << 10;

void require(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

void move(int from, int to)
{
	std::vector<char> buffer(kBuffer);
	ssize_t got;
	while ((got = read(from, buffer.data(), buffer.size())) > 0) {
		for (ssize_t done = 0; done < got;) {
			ssize_t put = write(to, buffer.data() + done,
					    static_cast<size_t>(got - done));
			require(put > 0, "write");
			done += put;
		}
	}
	require(!got, "read");
}

void receive(int listener, const char *target)
{
	int from = accept(listener, nullptr, nullptr);
	require(from >= 0, "accept");
	int to = open(target, O_WRONLY | O_CLOEXEC);
	require(to >= 0, target);
	move(from, to);
	require(!fdatasync(to), "fdatasync");
	require(write(from, "d", 1) == 1, "write");
}

} // namespace

int main(int argc, char **argv)
{
	require(argc == 3, "usage: socket_copy SOURCE TARGET");
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	auto generic = reinterpret_cast<sockaddr *>(&address);
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(!bind(listener, generic, length) && !listen(listener, 1) &&
			!getsockname(listener, generic, &length),
		"listen");
	pid_t child = fork();
	require(child >= 0, "fork");
	if (!child) {
		receive(listener, argv[2]);
		return 0;
	}
	auto start = std::chrono::steady_clock::now();
	int source = open(argv[1], O_RDONLY | O_CLOEXEC);
	require(source >= 0, argv[1]);
	int to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(!connect(to, generic, length), "connect");
	move(source, to);
	shutdown(to, SHUT_WR);
	char answer = 0;
	require(read(to, &answer, 1) == 1, "the receiver");
	std::printf("%.3f\n", std::chrono::duration<double>(
				      std::chrono::steady_clock::now() - start)
				      .count());
	int status = 0;
	waitpid(child, &status, 0);
	return status ? 1 : 0;
}
