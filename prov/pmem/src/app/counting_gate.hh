/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Compares how many transmits were handed to the inner endpoint with how many
 * its private counters say have completed.
 */
#pragma once

#include <array>
#include <atomic>

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include "app/transmit_gate.hh"
#include "core/fid.hh"

namespace ofi_pmem
{

class CountingGate final : public TransmitGate
{
public:
	~CountingGate() override;

	/*
	 * Opens the counters and binds them to the inner endpoint. -FI_ENOSYS
	 * where the inner provider has none.
	 */
	[[nodiscard]] int open(fid_domain *inner_domain, fid_ep *inner_ep);

	void begin(Transmit kind) noexcept override { tally(kind).posted++; }
	void end(Transmit kind, bool accepted) noexcept override
	{
		if (!accepted)
			tally(kind).posted--;
	}

	/* Makes progress of the inner endpoint. */
	int idle() noexcept override;
	bool takes_counters() const noexcept override { return true; }
	int feed(Counter *counter, uint64_t kinds) override;
	void close() noexcept override;

private:
	struct Tally {
		FidPtr<fid_cntr> counter;
		std::atomic<uint64_t> posted{0};
		Counter *fed = nullptr;
	};

	Tally &tally(Transmit kind) noexcept
	{
		return tallies_[static_cast<size_t>(kind)];
	}

	std::array<Tally, 3> tallies_;
};

} // namespace ofi_pmem
