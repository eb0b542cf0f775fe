/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * app_cost THROUGH COUNT: sends COUNT messages to the fake inner provider, and
 * reads the completion of each. THROUGH is "inner", "plain" (our layer, without
 * FI_RMA_PMEM) or "persistent" (with it). util/scripts/bench/bench.sh counts
 * instructions: the difference between two of them is what the layer adds.
 */
#include "app/cq.hh"
#include "app/ep.hh"
#include "fixture/app_fixture.hh"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ofi_pmem
{

namespace
{

class Sender : public AppTest
{
public:
	void open(uint64_t caps)
	{
		AppTest::SetUp();
		open_domain(caps);
		fi_cq_attr attr{};
		attr.format = FI_CQ_FORMAT_TAGGED;
		check(fi_endpoint(domain, info.get(), &ep_, nullptr));
		check(fi_cq_open(domain, &attr, &cq_, nullptr));
		check(fi_ep_bind(ep_, &cq_->fid, FI_TRANSMIT | FI_RECV));
		check(fi_enable(ep_));
	}

	/* Goes straight to the fake. */
	void leave_out_the_layer()
	{
		ep_ = inner_domain->ep;
		cq_ = inner_domain->cq;
	}

	/* Every other read finds nothing, as of whoever polls. */
	void send(long count)
	{
		fake::CompletionQueue &below = *inner_domain->cq;
		fi_cq_tagged_entry entry;
		for (long i = 0; i < count; i++) {
			check(fi_send(ep_, &entry, 8, nullptr, 0, &entry));
			below.complete(&entry);
			check(fi_cq_read(cq_, &entry, 1) - 1);
			check(fi_cq_read(cq_, &entry, 1) + FI_EAGAIN);
		}
	}

private:
	static void check(ssize_t ret)
	{
		if (!ret)
			return;
		std::fprintf(stderr, "app_cost: %zd\n", ret);
		std::exit(1);
	}

	void TestBody() override {}

	fid_ep *ep_ = nullptr;
	fid_cq *cq_ = nullptr;
};

} // namespace

} // namespace ofi_pmem

int main(int argc, char **argv)
{
	if (argc != 3) {
		std::fprintf(stderr, "usage: app_cost THROUGH COUNT\n");
		return 2;
	}
	/* The process ends without closing what was opened. */
	auto &sender = *new ofi_pmem::Sender;
	bool persistent = !std::strcmp(argv[1], "persistent");
	sender.open(FI_MSG | FI_RMA | (persistent ? FI_RMA_PMEM : 0));
	if (!std::strcmp(argv[1], "inner"))
		sender.leave_out_the_layer();
	sender.send(std::atol(argv[2]));
	return 0;
}
