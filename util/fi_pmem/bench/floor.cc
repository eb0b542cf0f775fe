/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/floor.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fi_pmem
{

namespace
{

/* After so many looks without an answer it thinks of signals and the clock. */
constexpr uint64_t kIdleLooks = 4096;

double microseconds(Clock::duration duration)
{
	return std::chrono::duration<double, std::micro>(duration).count();
}

} // namespace

int TcpFloor::open(size_t max_bytes)
{
	payload_.assign(std::max(max_bytes, Connection::kAnswerBytes), 'f');
	return server_.start(report_, options_.bind, memory_, spins_);
}

std::string TcpFloor::text() const
{
	return std::string("floor ") + name() +
	       (spins_ ? ": bare TCP, whose server polls"
		       : ": bare TCP, whose server sleeps in epoll_wait(2)");
}

bool TcpFloor::can(BenchOp op) const
{
	return op == BenchOp::message || op == BenchOp::write ||
	       op == BenchOp::commit || op == BenchOp::drain;
}

/* The caller has reserved room, so what was added stays where it is. */
void TcpFloor::add(const FloorRecord &record)
{
	records_.push_back(record);
	vectors_.push_back({&records_.back(), sizeof(record)});
	if (record.bytes)
		vectors_.push_back({payload_.data(), record.bytes});
}

void TcpFloor::add_operation(const BenchCase &one, uint64_t index)
{
	BenchPlaces places(memory_.length(), one.bytes);
	auto bytes = static_cast<uint32_t>(one.bytes);
	begun_.push_back(Clock::now());
	if (one.op == BenchOp::drain) {
		for (size_t i = 0; i < one.depth; i++)
			add({places[index * one.depth + i], bytes,
			     FloorStep::postpone});
		add({0, 0, FloorStep::flush_all});
		return;
	}
	bool flushed = one.op == BenchOp::commit;
	add({places[index], bytes,
	     flushed ? FloorStep::flush : FloorStep::store});
}

int TcpFloor::lost()
{
	return report_.fail(kFailed, "the floor's server is gone: %s",
			    strerror(errno));
}

/* Answers are small, so the server never waits for this side to read them. */
int TcpFloor::send_added()
{
	size_t at = 0;
	while (at < vectors_.size()) {
		msghdr message{};
		message.msg_iov = &vectors_[at];
		message.msg_iovlen = vectors_.size() - at;
		ssize_t sent = sendmsg(server_.fd(), &message, MSG_NOSIGNAL);
		if (sent < 0)
			return lost();
		auto rest = static_cast<size_t>(sent);
		for (; at < vectors_.size() && rest >= vectors_[at].iov_len;
		     at++)
			rest -= vectors_[at].iov_len;
		if (rest) {
			iovec &part = vectors_[at];
			part.iov_base =
				static_cast<char *>(part.iov_base) + rest;
			part.iov_len -= rest;
		}
	}
	vectors_.clear();
	records_.clear();
	return kOk;
}

int TcpFloor::check_end()
{
	if (int signal = interrupt_.take())
		return kSignalBase + signal;
	if (Clock::now() - last_progress_ >=
	    std::chrono::seconds(options_.stall_s))
		return report_.fail(kFailed,
				    "no answer from the floor's "
				    "server for %u s",
				    options_.stall_s);
	return kOk;
}

int TcpFloor::sleep()
{
	constexpr int kLongestMs = 1000;
	pollfd fds[] = {{server_.fd(), POLLIN, 0},
			{interrupt_.fd(), POLLIN, 0}};
	::poll(fds, 2, kLongestMs);
	return fds[0].revents ? int{kOk} : check_end();
}

/*
 * Looks once for answers. It polls or sleeps before, as the provider's client
 * does.
 */
int TcpFloor::take_answers(BenchRound *round)
{
	int ret = options_.bench.poll ? int{kOk} : sleep();
	if (ret)
		return ret;
	ssize_t got = recv(server_.fd(), answers_ + answer_bytes_,
			   sizeof(answers_) - answer_bytes_, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return ++idle_ % kIdleLooks ? int{kOk} : check_end();
	if (!got)
		errno = ECONNRESET;
	if (got <= 0)
		return lost();
	answer_bytes_ += static_cast<size_t>(got);
	size_t whole = answer_bytes_ / sizeof(FloorAnswer);
	if (!whole)
		return kOk;
	FloorAnswer last;
	std::memcpy(&last, answers_ + (whole - 1) * sizeof(last), sizeof(last));
	answer_bytes_ -= whole * sizeof(last);
	std::memmove(answers_, answers_ + whole * sizeof(last), answer_bytes_);
	last_progress_ = Clock::now();
	for (; done_ < last && !begun_.empty(); done_++) {
		round->latencies.push_back(
			microseconds(last_progress_ - begun_.front()));
		begun_.pop_front();
	}
	return kOk;
}

int TcpFloor::run(const BenchCase &one, uint64_t count, BenchRound *round)
{
	bool drains = one.op == BenchOp::drain;
	size_t in_flight = drains ? 1 : one.depth;
	records_.reserve(one.depth + 1);
	uint64_t posted = 0;
	double used = server_.cpu_seconds();
	auto begin = last_progress_ = Clock::now();
	while (posted < count || !begun_.empty()) {
		while (posted < count && begun_.size() < in_flight)
			add_operation(one, posted++);
		int ret = send_added();
		if (!ret)
			ret = take_answers(round);
		if (ret)
			return ret;
	}
	round->seconds = microseconds(Clock::now() - begin) / 1e6;
	round->target_seconds = server_.cpu_seconds() - used;
	return kOk;
}

std::string SyncFloor::text() const
{
	return "floor sync: as many writes to a file as the depth, and one "
	       "fdatasync(2)";
}

bool SyncFloor::can(BenchOp op) const
{
	return op == BenchOp::commit || op == BenchOp::drain;
}

/* Returns an exit code. */
int SyncFloor::write_at(uint64_t offset, size_t bytes)
{
	auto to = static_cast<off_t>(offset);
	ssize_t written = pwrite(memory_.fd(), payload_.data(), bytes, to);
	if (written == static_cast<ssize_t>(bytes))
		return kOk;
	return report_.fail(kLocalFile, "cannot write the floor's file: %s",
			    written < 0 ? strerror(errno)
					: "a part is missing");
}

int SyncFloor::run(const BenchCase &one, uint64_t count, BenchRound *round)
{
	bool drains = one.op == BenchOp::drain;
	uint64_t writes = drains ? count * one.depth : count;
	BenchPlaces places(memory_.length(), one.bytes);
	std::vector<Clock::time_point> begun;
	auto begin = Clock::now();
	for (uint64_t i = 0; i < writes;) {
		begun.clear();
		for (; i < writes && begun.size() < one.depth; i++) {
			begun.push_back(Clock::now());
			if (int ret = write_at(places[i], one.bytes))
				return ret;
		}
		if (fdatasync(memory_.fd()))
			return report_.fail(kLocalFile, "fdatasync: %s",
					    strerror(errno));
		auto end = Clock::now();
		begun.resize(drains ? 1 : begun.size());
		for (auto start : begun)
			round->latencies.push_back(microseconds(end - start));
		if (int signal = interrupt_.take())
			return kSignalBase + signal;
	}
	round->seconds = microseconds(Clock::now() - begin) / 1e6;
	return kOk;
}

int Floors::make(const std::string &kind, size_t max_bytes,
		 std::unique_ptr<BenchSide> *made)
{
	if (kind == kFloorSync) {
		*made = std::make_unique<SyncFloor>(report_, interrupt_,
						    memory_, max_bytes);
		return kOk;
	}
	auto floor = std::make_unique<TcpFloor>(options_, report_, interrupt_,
						memory_, kind == kFloorSpin);
	int ret = floor->open(max_bytes);
	if (!ret)
		floor->stop_server();
	*made = std::move(floor);
	return ret;
}

int Floors::open(const std::string &place, size_t max_bytes,
		 std::vector<std::unique_ptr<BenchSide>> *sides)
{
	place_ = std::make_unique<Place>(place, kBenchRegion);
	int ret = place_->claim(report_, options_.force);
	if (!ret)
		ret = memory_.open(report_, *place_);
	std::vector<std::string> kinds = options_.bench.floors;
	if (kinds.empty() && memory_.flushes_lines())
		kinds = {kFloorSleep, kFloorSpin};
	else if (kinds.empty())
		kinds = {kFloorSync};
	for (size_t i = 0; !ret && i < kinds.size(); i++) {
		std::unique_ptr<BenchSide> side;
		ret = make(kinds[i], max_bytes, &side);
		sides->push_back(std::move(side));
	}
	return ret;
}

} // namespace fi_pmem
