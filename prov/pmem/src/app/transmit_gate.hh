/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Knows whether the transmits that an endpoint handed to its inner endpoint
 * have completed, which FI_FENCE waits for. Counts by private inner counters:
 * completions may be suppressed, and injects have none.
 */
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include "core/fid.hh"

namespace ofi_pmem
{

class Counter;

/* What an operation is counted as by FI_SEND, FI_WRITE, FI_READ counters. */
enum class Transmit : uint8_t { send = 0, write = 1, read = 2 };

class TransmitGate
{
public:
	TransmitGate() = default;
	TransmitGate(const TransmitGate &) = delete;
	TransmitGate &operator=(const TransmitGate &) = delete;
	~TransmitGate();

	/* Opens the counters and binds them to the inner endpoint. */
	[[nodiscard]] int open(fid_domain *inner_domain, fid_ep *inner_ep);
	bool is_open() const noexcept { return tallies_[0].counter != nullptr; }

	/*
	 * The application's counter for these kinds (FI_SEND, FI_WRITE,
	 * FI_READ) cannot be bound beside ours: it takes ours in instead.
	 */
	[[nodiscard]] int feed(Counter *counter, uint64_t kinds);

	/* Around each inner transmit. */
	void begin(Transmit kind) noexcept { tally(kind).posted++; }
	void undo(Transmit kind) noexcept { tally(kind).posted--; }

	/* True when every transmit has completed; makes progress. */
	bool idle() noexcept;

	/* The inner endpoint is closed: nothing feeds the counters now. */
	void close() noexcept;

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
