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

#include "bridge/transmit_gate.hh"
#include "core/lock.hh"

#include <atomic>
#include <memory>

namespace ofi_pmem
{

class PlaneQueue;

class MarkerGate final : public TransmitGate
{
public:
	/* Throws std::bad_alloc. */
	explicit MarkerGate(const PlaneHost &host);
	~MarkerGate() override;

	/* One endpoint has at most this many outstanding markers. */
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

	int post(PlaneQueue *cq) noexcept PMEM_REQUIRES(lock_);

	const PlaneHost &host_;
	/* There are transmits that no marker follows. */
	std::atomic<bool> posted_{false};
	Mutex lock_{lock_rank::kMarkerGate};
	/* This is the outstanding marker, or the last one. */
	std::unique_ptr<Marker> marker_ PMEM_GUARDED_BY(lock_);
};

} // namespace ofi_pmem
