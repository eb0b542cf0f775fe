/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The gate for an inner endpoint without counters that completes its transmits
 * in the order of their posting. If a fence has to wait, an empty write of our
 * own goes out behind them, and its completion shows that they have completed,
 * injects and suppressed completions included. The completion queue hides it
 * from the application. Without a fence nothing is posted.
 */
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "app/transmit_gate.hh"

namespace ofi_pmem
{

class CompletionQueue;

class MarkerGate final : public TransmitGate
{
public:
	/* Throws std::bad_alloc. */
	explicit MarkerGate(Endpoint *endpoint);
	~MarkerGate() override;

	/* The maximum number of outstanding markers of one endpoint. */
	static constexpr size_t kMarkers = 1;

	void begin(Transmit) noexcept override {}
	void end(Transmit, bool accepted) noexcept override
	{
		if (accepted)
			posted_ = true;
	}

	/*
	 * The marker completes when the application reads the transmit queue,
	 * whose readers are then woken. Errors of the inner endpoint for the
	 * marker are returned.
	 */
	int idle() noexcept override;

	void close() override;

private:
	class Marker;

	int post(CompletionQueue *cq) noexcept;

	Endpoint *endpoint_;
	/* There are transmits that no marker follows. */
	std::atomic<bool> posted_{false};
	std::mutex lock_;
	/* The outstanding marker, or the last one. */
	std::unique_ptr<Marker> marker_;
};

} // namespace ofi_pmem
