/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench_side.hh"

#include <cinttypes>
#include <cstring>

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include "exit_codes.hh"
#include "report.hh"

namespace fi_pmem
{

namespace
{

/* The pointer of an append has a line of its own. */
constexpr uint64_t kRecords = 4096;
/* Polls without any completion between looks at signals and the clock. */
constexpr uint64_t kIdle = 4096;

/* To whole lines. */
uint64_t line_up(uint64_t bytes)
{
	constexpr uint64_t kLine = 64;
	return (bytes + kLine - 1) / kLine * kLine;
}

} // namespace

const char *bench_op_name(BenchOp op)
{
	switch (op) {
	case BenchOp::message:
		return "message";
	case BenchOp::write:
		return "write";
	case BenchOp::commit:
		return "commit";
	case BenchOp::fenced:
		return "fenced";
	case BenchOp::append:
		return "append";
	case BenchOp::drain:
		return "drain";
	case BenchOp::verified:
		return "verified";
	}
	return "unknown";
}

int BenchSide::open(bool peer, size_t max_bytes)
{
	int ret = kOk;
	if (!peer) {
		std::vector<std::string> more;
		if (options_.spin || !has_ofi_pmem(options_.provider))
			more.push_back("--spin");
		if (options_.rdm)
			more.push_back("--rdm");
		ret = place_.find(report_);
		if (!ret)
			ret = place_.claim(report_, options_.force);
		if (!ret)
			ret = server_.start(place_, options_.provider, more);
		if (!ret && !parse_address(server_.address(), &options_.peer))
			ret = report_.fail(kFailed, "%s is no address",
					   server_.address().c_str());
		options_.provider = server_.provider();
	}
	if (!ret)
		ret = connection_.open();
	if (!ret)
		ret = connection_.check_range(kRecords + line_up(max_bytes),
					      "the benchmark");
	if (ret)
		return ret;
	durable_ = has_ofi_pmem(provider());
	buffer_.assign(std::max(max_bytes, Connection::kAnswerBytes), 'b');
	ret = connection_.fabric().register_local(
		buffer_.data(), buffer_.size(), FI_WRITE | FI_RECV, &mr_);
	if (ret)
		return report_.fail(kFailed, "cannot register memory: %s",
				    fi_strerror(-ret));
	return kOk;
}

bool BenchSide::can(BenchOp op) const
{
	switch (op) {
	case BenchOp::message:
	case BenchOp::write:
	case BenchOp::commit:
	case BenchOp::drain:
		return true;
	case BenchOp::fenced:
	case BenchOp::append:
	case BenchOp::verified:
		break;
	}
	return durable_;
}

int BenchSide::failed(int error, const char *detail)
{
	if (error == FI_EACCES)
		return connection_.refused(fi_strerror(error));
	return report_.fail(kFailed, "%s: %s%s%s", provider(),
			    fi_strerror(error), *detail ? ": " : "", detail);
}

uint64_t BenchSide::flags_of(BenchOp op) const
{
	switch (op) {
	case BenchOp::message:
		return 0;
	case BenchOp::write:
		return FI_DELIVERY_COMPLETE;
	case BenchOp::commit:
		return FI_COMMIT_COMPLETE;
	case BenchOp::verified:
		return FI_COMMIT_COMPLETE | FI_PMEM_VERIFY;
	case BenchOp::drain:
		if (!durable_)
			return FI_DELIVERY_COMPLETE | FI_FENCE;
		break;
	case BenchOp::fenced:
	case BenchOp::append:
		break;
	}
	return FI_COMMIT_COMPLETE | FI_FENCE;
}

/* Waits while it is refused for now. Exit code. */
int BenchSide::post_write(uint64_t offset, size_t bytes, uint64_t flags,
			  void *context)
{
	const Descriptor &region = connection_.region();
	iovec local{buffer_.data(), bytes};
	void *desc = mr_ ? fi_mr_desc(mr_.get()) : nullptr;
	fi_rma_iov remote{region.address + options_.offset + offset, bytes,
			  region.key};
	fi_msg_rma message{&local,  &desc, 1,	    connection_.address(),
			   &remote, 1,	   context, 0};
	ssize_t ret;
	while ((ret = fi_writemsg(connection_.ep(), &message, flags)) ==
	       -FI_EAGAIN) {
		int end = reap();
		if (end)
			return end;
	}
	return ret ? failed(static_cast<int>(-ret), "") : int{kOk};
}

/* It takes as long as its answer. */
int BenchSide::post_message(Slot &slot)
{
	int ret = Fabric::post_receive(connection_.ep(), buffer_.data(),
				       Connection::kAnswerBytes, mr_.get(),
				       &slot.context);
	while (!ret && (ret = connection_.greet()) == -FI_EAGAIN) {
		ret = 0;
		int end = reap();
		if (end)
			return end;
	}
	return ret ? failed(-ret, "") : int{kOk};
}

/* One operation, which has one completion. Each goes elsewhere. */
int BenchSide::post(const BenchCase &one, uint64_t index, Slot &slot)
{
	uint64_t step = line_up(one.bytes);
	uint64_t places =
		(connection_.region().length - options_.offset - kRecords) /
		step;
	auto place = [&](uint64_t i) { return kRecords + i % places * step; };
	slot.start = Clock::now();
	slot.busy = true;
	busy_++;
	uint64_t flags = FI_COMPLETION | flags_of(one.op);
	int ret = kOk;
	if (one.op == BenchOp::message)
		return post_message(slot);
	if (one.op == BenchOp::drain) {
		for (size_t i = 0; !ret && i < one.depth; i++)
			ret = post_write(place(index * one.depth + i),
					 one.bytes, FI_MORE, nullptr);
		return ret ? ret : post_write(0, 0, flags, &slot.context);
	}
	if (one.op == BenchOp::append) {
		ret = post_write(place(index), one.bytes, FI_MORE, nullptr);
		return ret ? ret : post_write(0, 8, flags, &slot.context);
	}
	return post_write(place(index), one.bytes, flags, &slot.context);
}

/* Notes what has completed. Exit code. */
int BenchSide::reap()
{
	fi_cq_entry entries[32];
	fid_cq *cq = connection_.fabric().cq();
	ssize_t ret = fi_cq_read(cq, entries, 32);
	if (ret == -FI_EAVAIL) {
		fi_cq_err_entry error{};
		if (fi_cq_readerr(cq, &error, 0) < 0)
			return kOk;
		const char *detail = fi_cq_strerror(cq, error.prov_errno,
						    error.err_data, nullptr, 0);
		return failed(error.err, detail ? detail : "");
	}
	auto end = Clock::now();
	for (ssize_t i = 0; i < ret; i++) {
		auto slot = static_cast<Slot *>(entries[i].op_context);
		slot->busy = false;
		busy_--;
		last_progress_ = end;
		std::chrono::duration<double, std::micro> took =
			end - slot->start;
		round_->latencies.push_back(took.count());
	}
	return ret > 0 || ++idle_ % kIdle ? int{kOk} : check_end();
}

int BenchSide::check_end()
{
	if (int signal = connection_.signals().take())
		return report_.fail(kSignalBase + signal, "interrupted by %s",
				    signal_name(signal).c_str());
	if (Clock::now() - last_progress_ >=
	    std::chrono::seconds(options_.stall_s))
		return report_.fail(kFailed, "no answer from %s for %u s",
				    connection_.peer().c_str(),
				    options_.stall_s);
	return kOk;
}

int BenchSide::run(const BenchCase &one, uint64_t count, BenchRound *round)
{
	size_t slots = one.op == BenchOp::drain ? 1 : one.depth;
	slots_.resize(std::max(slots_.size(), slots));
	round_ = round;
	uint64_t posted = 0;
	double used = server_.cpu_seconds();
	auto begin = last_progress_ = Clock::now();
	while (posted < count || busy_) {
		for (size_t i = 0; i < slots && posted < count; i++) {
			if (slots_[i].busy)
				continue;
			int ret = post(one, posted++, slots_[i]);
			if (ret)
				return ret;
		}
		int ret = reap();
		if (ret)
			return ret;
	}
	round->seconds +=
		std::chrono::duration<double>(Clock::now() - begin).count();
	round->target_seconds = server_.cpu_seconds() - used;
	return kOk;
}

} // namespace fi_pmem
