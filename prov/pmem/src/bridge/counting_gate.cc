/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/counting_gate.hh"

#include "bridge/plane_counter.hh"
#include "core/layout.hh"
#include "core/log.hh"
#include "core/params.hh"

#include <rdma/fi_cm.h>

#include <sys/socket.h>

#include <algorithm>

namespace ofi_pmem
{

namespace
{

constexpr uint64_t kKinds[] = {FI_SEND, FI_WRITE, FI_READ};

} // namespace

CountingGate::~CountingGate()
{
	close();
}

int CountingGate::open(fid_domain *inner_domain, fid_ep *inner_ep,
		       bool connected)
{
	connected_ep_ = connected ? inner_ep : nullptr;
	Roomy<fi_cntr_attr> roomy;
	fi_cntr_attr &attr = roomy.known;
	attr.events = FI_CNTR_EVENTS_COMP;
	attr.wait_obj = FI_WAIT_NONE;
	for (size_t i = 0; i < std::size(kKinds); i++) {
		fid_cntr *counter = nullptr;
		int ret = fi_cntr_open(inner_domain, &attr, &counter, nullptr);
		if (!ret) {
			tallies_[i].counter.reset(counter);
			ret = fi_ep_bind(inner_ep, &counter->fid, kKinds[i]);
		}
		if (ret)
			return ret;
	}
	return 0;
}

int CountingGate::feed(PlaneCounter *counter, uint64_t kinds)
{
	for (size_t i = 0; i < std::size(kKinds); i++) {
		if (!(kinds & kKinds[i]))
			continue;
		if (tallies_[i].fed)
			return -FI_EINVAL;
		counter->add_source(tallies_[i].counter.get());
		tallies_[i].fed = counter;
	}
	return 0;
}

int CountingGate::idle() noexcept
{
	/* Completions are read before posts, so that none counts that came
	 * later. */
	uint64_t done = 0;
	for (Tally &tally : tallies_) {
		fid_cntr *counter = tally.counter.get();
		/* Both reads progress the inner endpoint. */
		done += fi_cntr_read(counter) + fi_cntr_readerr(counter);
	}
	uint64_t posted = 0;
	for (Tally &tally : tallies_)
		posted += tally.posted;
	if (done >= posted || disconnected())
		return 0;
	return stalls(done) ? -FI_ETIMEDOUT : -FI_EAGAIN;
}

/*
 * With its connection all that was outstanding has ended; tcp does not count
 * what it then cancels.
 */
bool CountingGate::disconnected() const noexcept
{
	if (!connected_ep_)
		return false;
	sockaddr_storage peer{};
	size_t len = sizeof(peer);
	return fi_getpeer(connected_ep_, &peer, &len) == -FI_ENOTCONN;
}

/* An application that was busy elsewhere has not seen what came meanwhile. */
bool CountingGate::stalls(uint64_t done) noexcept
{
	using Clock = std::chrono::steady_clock;
	Clock::duration timeout =
		std::chrono::milliseconds(params().operation_timeout_ms);
	if (!timeout.count())
		return false;
	MutexLock guard(lock_);
	auto now = Clock::now();
	auto since = std::min(now - looked_, timeout / 4);
	looked_ = now;
	unmoved_ = done == done_ ? unmoved_ + since : Clock::duration{};
	done_ = done;
	if (unmoved_ < timeout)
		return false;
	unmoved_ = {};
	PMEM_WARN(FI_LOG_EP_DATA,
		  "FI_FENCE has waited for FI_OFI_PMEM_OPERATION_TIMEOUT_MS "
		  "(%u): the inner provider completes no earlier transmit",
		  params().operation_timeout_ms);
	return true;
}

void CountingGate::close() noexcept
{
	for (Tally &tally : tallies_) {
		if (tally.fed)
			tally.fed->remove_source(tally.counter.get());
		tally.fed = nullptr;
		tally.counter.reset();
	}
}

} // namespace ofi_pmem
