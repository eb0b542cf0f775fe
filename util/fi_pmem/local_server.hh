/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A server of this program's own, for commands that try or measure something
 * on this host: fi_pmem serve in a process that ends with this one.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace fi_pmem
{

struct Options;
class Report;

/*
 * Where a region of this process's own may be: a file that it creates in a
 * directory, or under a name that is free, and removes at its end; or a file or
 * a device that is there.
 */
class Place
{
public:
	/* A file in a directory has `bytes`. */
	Place(const std::string &path, uint64_t bytes);
	~Place();
	Place(const Place &) = delete;
	Place &operator=(const Place &) = delete;

	/*
	 * Before anything is written: what is there may be overwritten only if
	 * `force` says so. An exit code.
	 */
	[[nodiscard]] int claim(Report &report, bool force);

	/* There must be something, in which a file can be made. Exit code. */
	[[nodiscard]] int find(Report &report) const;

	[[nodiscard]] const std::string &path() const { return path_; }
	/* 0: as large as it is. */
	[[nodiscard]] uint64_t bytes() const { return bytes_; }

private:
	std::string asked_for_;
	std::string path_; /* a file in it, or it */
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
	 * Returns when it takes clients, or has said why it does not: an exit
	 * code. `provider` may be empty; `more` are arguments of serve.
	 */
	[[nodiscard]] int start(const Place &place, const std::string &provider,
				const std::vector<std::string> &more = {});

	/*
	 * Stopped, it takes no time from what is measured beside it. Of a
	 * server that was not started nothing happens, and 0 is used.
	 */
	void stop();
	void go_on();
	/* Seconds of processor that it has used. */
	[[nodiscard]] double cpu_seconds() const;

	[[nodiscard]] pid_t pid() const { return pid_; }
	/*
	 * Ends it by a signal, unless it has ended already: how, as of wait(2),
	 * or -1 if it did not within --stall seconds and was killed.
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
