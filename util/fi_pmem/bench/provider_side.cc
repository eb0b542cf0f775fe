/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/provider_side.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <cinttypes>
#include <cstring>

namespace fi_pmem
{

namespace
{

/*
 * After this many polls without a completion it looks at signals and the clock.
 */
constexpr uint64_t kIdle = 4096;
constexpr size_t kEntries = 32; /* read at a time */

} // namespace

int ProviderSide::open(bool peer, size_t max_bytes)
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
			ret = report_.fail(kFailed, "%s is not an address",
					   server_.address().c_str());
		options_.provider = server_.provider();
	}
	if (!ret)
		ret = connection_.open();
	if (!ret)
		ret = connection_.check_range(options_.offset,
					      BenchPlaces::needed(max_bytes),
					      "the benchmark");
	if (ret)
		return ret;
	durable_ = has_ofi_pmem(connection_.provider());
	buffer_.assign(std::max(max_bytes, Connection::kAnswerBytes), 'b');
	ret = connection_.fabric().register_local(
		buffer_.data(), buffer_.size(), FI_WRITE | FI_RECV, &mr_);
	if (ret)
		return report_.fail(kFailed, "cannot register memory: %s",
				    fi_strerror(-ret));
	return kOk;
}

bool ProviderSide::can(BenchOp op) const
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

int ProviderSide::failed(int error, const char *detail)
{
	if (Connection::is_refusal(error))
		return connection_.refused(error, fi_strerror(error));
	return report_.fail(kFailed, "%s: %s%s%s", connection_.provider(),
			    fi_strerror(error), *detail ? ": " : "", detail);
}

uint64_t ProviderSide::flags_of(BenchOp op) const
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

/*
 * Posts a write; waits while it is refused temporarily. Returns an exit code.
 */
int ProviderSide::post_write(uint64_t offset, size_t bytes, uint64_t flags,
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

/* A message takes as long as its answer. */
int ProviderSide::post_message(Slot &slot)
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

/*
 * Posts one operation, which has one completion. Each one goes to another
 * place.
 */
int ProviderSide::post(const BenchCase &one, uint64_t index, Slot &slot)
{
	BenchPlaces places(connection_.region().length - options_.offset,
			   one.bytes);
	slot.start = Clock::now();
	slot.busy = true;
	busy_++;
	uint64_t flags = FI_COMPLETION | flags_of(one.op);
	int ret = kOk;
	if (one.op == BenchOp::message)
		return post_message(slot);
	if (one.op == BenchOp::drain) {
		for (size_t i = 0; !ret && i < one.depth; i++)
			ret = post_write(places[index * one.depth + i],
					 one.bytes, FI_MORE, nullptr);
		return ret ? ret : post_write(0, 0, flags, &slot.context);
	}
	if (one.op == BenchOp::append) {
		ret = post_write(places[index], one.bytes, FI_MORE, nullptr);
		return ret ? ret : post_write(0, 8, flags, &slot.context);
	}
	return post_write(places[index], one.bytes, flags, &slot.context);
}

/* Notes what has completed. Returns an exit code. */
int ProviderSide::reap()
{
	fi_cq_entry entries[kEntries];
	ssize_t read = fi_cq_read(connection_.fabric().cq(), entries, kEntries);
	int ret = take(read, entries);
	return ret || read > 0 || ++idle_ % kIdle ? ret : check_end();
}

/* Sleeps until something completes, but not for long: there are signals. */
int ProviderSide::await()
{
	constexpr int kLongestMs = 100;
	fi_cq_entry entries[kEntries];
	ssize_t read = fi_cq_sread(connection_.fabric().cq(), entries, kEntries,
				   nullptr, kLongestMs);
	int ret = take(read, entries);
	return ret || read > 0 ? ret : check_end();
}

/* Notes what was read of the queue. Returns an exit code. */
int ProviderSide::take(ssize_t read, const fi_cq_entry *entries)
{
	fid_cq *cq = connection_.fabric().cq();
	if (read == -FI_EAVAIL) {
		fi_cq_err_entry error{};
		if (fi_cq_readerr(cq, &error, 0) < 0)
			return kOk;
		const char *detail = fi_cq_strerror(cq, error.prov_errno,
						    error.err_data, nullptr, 0);
		return failed(error.err, detail ? detail : "");
	}
	auto end = Clock::now();
	for (ssize_t i = 0; i < read; i++) {
		auto slot = static_cast<Slot *>(entries[i].op_context);
		slot->busy = false;
		busy_--;
		last_progress_ = end;
		std::chrono::duration<double, std::micro> took =
			end - slot->start;
		round_->latencies.push_back(took.count());
	}
	return kOk;
}

int ProviderSide::check_end()
{
	if (int signal = connection_.interrupt().take())
		return kSignalBase + signal;
	if (Clock::now() - last_progress_ >=
	    std::chrono::seconds(options_.stall_s))
		return report_.fail(kFailed, "no answer from %s for %u s",
				    connection_.peer().c_str(),
				    options_.stall_s);
	return kOk;
}

int ProviderSide::run(const BenchCase &one, uint64_t count, BenchRound *round)
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
		int ret = options_.bench.poll ? reap() : await();
		if (ret)
			return ret;
	}
	round->seconds +=
		std::chrono::duration<double>(Clock::now() - begin).count();
	round->target_seconds = server_.cpu_seconds() - used;
	return kOk;
}

} // namespace fi_pmem
