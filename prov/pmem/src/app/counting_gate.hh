/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Compares how many transmits were handed to the inner endpoint with how many
 * its private counters say have completed: all kinds together, as rxm counts
 * an RMA operation that fails among the sends.
 */
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>

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
	 * Opens the counters and binds them to the inner endpoint, which is
	 * `connected` or connectionless. -FI_ENOSYS where the inner provider
	 * has none.
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
	 * Makes progress of the inner endpoint. -FI_ETIMEDOUT when none of what
	 * is outstanding has completed for FI_OFI_PMEM_OPERATION_TIMEOUT_MS:
	 * rxm never completes some of what a peer that died did not answer.
	 */
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

	[[nodiscard]] bool disconnected() const noexcept;
	[[nodiscard]] bool stalls(uint64_t done) noexcept;

	fid_ep *connected_ep_ = nullptr; /* null: connectionless */
	std::array<Tally, 3> tallies_;

	/* Of an idle() that has to wait. */
	std::mutex lock_;
	uint64_t done_ = 0; /* when it was last looked at */
	std::chrono::steady_clock::time_point looked_{};
	/* For how long that has not changed while somebody looked. */
	std::chrono::steady_clock::duration unmoved_{};
};

} // namespace ofi_pmem
