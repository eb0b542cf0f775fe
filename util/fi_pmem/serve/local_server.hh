/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A server for commands that try or measure something on this host: fi_pmem
 * serve in a process that ends with this one.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fi_pmem
{

struct Options;
class Report;

/*
 * Where this process may have a region of its own: in a file that it creates in
 * a directory, or under a name that is free, and removes at its end; or in a
 * file or a device that exists.
 */
class Place
{
public:
	/* A file that is made in a directory gets `bytes`. */
	Place(const std::string &path, uint64_t bytes);
	~Place();
	Place(const Place &) = delete;
	Place &operator=(const Place &) = delete;

	/*
	 * Called before anything is written: existing content may be
	 * overwritten only with `force`. Returns an exit code.
	 */
	[[nodiscard]] int claim(Report &report, bool force);

	/*
	 * Checks that the place exists, so that a file can be made in it.
	 * Returns an exit code.
	 */
	[[nodiscard]] int find(Report &report) const;

	[[nodiscard]] const std::string &path() const { return path_; }
	/* 0 means that the region is as large as the file or device. */
	[[nodiscard]] uint64_t bytes() const { return bytes_; }

private:
	std::string asked_for_;
	std::string path_; /* the place itself, or a file in it */
	uint64_t bytes_ = 0;
	bool removed_at_end_ = false;
};

class LocalServer
{
public:
	LocalServer(const Options &options, Report &report)
		: options_(options), report_(report)
	{
	}
	~LocalServer();
	LocalServer(const LocalServer &) = delete;
	LocalServer &operator=(const LocalServer &) = delete;

	/*
	 * Returns an exit code when the server takes clients, or has said why
	 * it does not. `provider` may be empty; `more` are further arguments of
	 * serve.
	 */
	[[nodiscard]] int start(const Place &place, const std::string &provider,
				const std::vector<std::string> &more = {});

	/*
	 * A stopped server takes no time from what is measured beside it. If no
	 * server was started, these do nothing, and cpu_seconds() is 0.
	 */
	void stop();
	void go_on();
	/* Returns the seconds of processor time that it has used. */
	[[nodiscard]] double cpu_seconds() const;

	[[nodiscard]] pid_t pid() const { return pid_; }
	/*
	 * Ends the server by a signal, unless it has ended already. Returns the
	 * status of wait(2), or -1 if it did not end within --stall seconds and
	 * was killed.
	 */
	[[nodiscard]] int end(int signal);

	[[nodiscard]] const std::string &address() const { return address_; }
	[[nodiscard]] const std::string &provider() const { return provider_; }

private:
	[[nodiscard]] int spawn(std::vector<std::string> words);
	[[nodiscard]] std::string read_line();

	const Options &options_;
	Report &report_;
	pid_t pid_ = -1;
	int out_ = -1;
	std::string address_;
	std::string provider_;
};

} // namespace fi_pmem
