/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Compares the number of transmits handed to the inner endpoint with the number
 * that its private counters report as completed. All kinds are added up,
 * because rxm counts a failed RMA operation among the sends.
 */
#pragma once

#include "bridge/transmit_gate.hh"
#include "core/fid.hh"
#include "core/lock.hh"

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <array>
#include <atomic>
#include <chrono>

namespace ofi_pmem
{

class CountingGate final : public TransmitGate
{
public:
	~CountingGate() override;

	/*
	 * Opens the counters and binds them to the inner endpoint, which is
	 * `connected` or connectionless. Returns 0, or -FI_ENOSYS if the inner
	 * provider has no counters.
	 */
	[[nodiscard]] int open(fid_domain *inner_domain, fid_ep *inner_ep,
			       bool connected);

	void begin(Transmit kind) noexcept override { tally(kind).posted++; }
	void end(Transmit kind, bool accepted) noexcept override
	{
		if (!accepted)
			tally(kind).posted--;
	}

	/*
	 * Drives the inner endpoint. Returns -FI_ETIMEDOUT if no outstanding
	 * transmit has completed for FI_OFI_PMEM_OPERATION_TIMEOUT_MS: rxm
	 * never completes some transmits that a dead peer did not answer.
	 */
	int idle() noexcept override;
	bool takes_counters() const noexcept override { return true; }
	int feed(PlaneCounter *counter, uint64_t kinds) override;
	void close() noexcept override;

private:
	struct Tally {
		FidPtr<fid_cntr> counter;
		std::atomic<uint64_t> posted{0};
		PlaneCounter *fed = nullptr;
	};

	Tally &tally(Transmit kind) noexcept
	{
		return tallies_[static_cast<size_t>(kind)];
	}

	[[nodiscard]] bool disconnected() const noexcept;
	[[nodiscard]] bool stalls(uint64_t done) noexcept;

	fid_ep *connected_ep_ = nullptr; /* null if connectionless */
	std::array<Tally, 3> tallies_;

	/* An idle() that has to wait keeps its state here. */
	Mutex lock_{lock_rank::kCountingGate};
	uint64_t done_ PMEM_GUARDED_BY(lock_) = 0; /* as of looked_ */
	std::chrono::steady_clock::time_point looked_ PMEM_GUARDED_BY(lock_){};
	/* This is how long done_ has not changed, as far as it was observed. */
	std::chrono::steady_clock::duration unmoved_ PMEM_GUARDED_BY(lock_){};
};

} // namespace ofi_pmem
