/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/plot.hh"

#include "cli/overwrite.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>

extern char **environ;

namespace fi_pmem
{

namespace
{

struct Format {
	const char *end;
	const char *terminal; /* of gnuplot; empty: the script itself */
};

constexpr Format kFormats[] = {
	{".svg", "svg"}, {".png", "pngcairo"}, {".gnuplot", ""}};

} // namespace

const char *Plot::format_of(const std::string &path)
{
	for (const Format &one : kFormats) {
		size_t length = strlen(one.end);
		if (path.size() > length &&
		    !path.compare(path.size() - length, length, one.end))
			return one.terminal;
	}
	return nullptr;
}

std::string Plot::formats()
{
	std::string text;
	for (const Format &one : kFormats)
		text += (text.empty() ? "" : ", ") + std::string(one.end);
	return text;
}

Plot::~Plot()
{
	if (script_)
		fclose(script_);
	if (gnuplot_ > 0)
		waitpid(gnuplot_, nullptr, 0);
}

int Plot::open(const std::string &path, bool force)
{
	int ret = check_overwriting(report_, path, force);
	if (ret)
		return ret;
	path_ = path;
	terminal_ = format_of(path);
	ret = file_.emplace(path, report_).open();
	return ret || !*terminal_ ? ret : start_gnuplot();
}

int Plot::start_gnuplot()
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return report_.fail(kFailed, "pipe: %s", strerror(errno));
	script_ = fdopen(ends[1], "w");
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, file_->fd(), STDOUT_FILENO);
	char name[] = "gnuplot";
	char *argv[] = {name, nullptr};
	int error =
		posix_spawnp(&gnuplot_, name, &actions, nullptr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	if (!error)
		return kOk;
	gnuplot_ = -1;
	return report_.fail(kFailed,
			    "cannot run gnuplot: %s (the package gnuplot-nox)",
			    strerror(error));
}

std::string Plot::script() const
{
	size_t columns = panels_.size() > 1 ? 2 : 1;
	size_t rows = (panels_.size() + columns - 1) / columns;
	std::ostringstream text;
	if (*terminal_)
		text << "set terminal " << terminal_ << " size "
		     << columns * 560 << ',' << rows * 380
		     << " background rgb 'white'\n";
	text << "set termoption noenhanced\nset multiplot layout " << rows
	     << ',' << columns << '\n'
	     << "set logscale x 2\nset logscale y 10\nset grid\n"
	     << "set xlabel 'bytes'\nset ylabel 'microseconds, median'\n"
	     << "set key left top\n";
	for (const auto &[title, curves] : panels_) {
		size_t number = 0;
		for (const auto &[name, points] : curves) {
			text << "$curve" << number++ << " << END\n";
			for (const auto &[bytes, us] : points)
				text << bytes << ' ' << us << '\n';
			text << "END\n";
		}
		text << "set title '" << title << "'\nplot ";
		number = 0;
		for (const auto &[name, points] : curves) {
			text << (number ? ", " : "") << "$curve" << number
			     << " with linespoints title '" << name << '\'';
			number++;
		}
		text << '\n';
	}
	text << "unset multiplot\n";
	return text.str();
}

/* Has gnuplot draw into the file. */
int Plot::draw()
{
	/* If gnuplot has ended, its status says so. */
	signal(SIGPIPE, SIG_IGN);
	bool told = fputs(script().c_str(), script_) >= 0;
	told = !fclose(std::exchange(script_, nullptr)) && told;
	int status = 0;
	waitpid(std::exchange(gnuplot_, -1), &status, 0);
	if (status || !told)
		return report_.fail(kFailed, "gnuplot failed to draw %s",
				    path_.c_str());
	return kOk;
}

int Plot::finish()
{
	std::string text = script();
	int ret = *terminal_ ? draw() : file_->drain(text.data(), text.size());
	return ret ? ret : file_->finish();
}

} // namespace fi_pmem
