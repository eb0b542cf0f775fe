/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/counting_gate.hh"

#include "app/cntr.hh"

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

int CountingGate::open(fid_domain *inner_domain, fid_ep *inner_ep)
{
	fi_cntr_attr attr{};
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

int CountingGate::feed(Counter *counter, uint64_t kinds)
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
	bool all = true;
	for (Tally &tally : tallies_) {
		fid_cntr *counter = tally.counter.get();
		/* Both reads progress the inner endpoint. */
		uint64_t done =
			fi_cntr_read(counter) + fi_cntr_readerr(counter);
		all = all && done >= tally.posted;
	}
	return all ? 0 : -FI_EAGAIN;
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
