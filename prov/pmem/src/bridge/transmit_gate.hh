/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Knows whether the transmits that an endpoint handed to its inner endpoint
 * have completed; FI_FENCE waits for this. Completions do not show it: they may
 * be suppressed, and injects have none. Depending on the inner provider, its
 * counters show it, or the order of its completions.
 */
#pragma once

#include <rdma/fabric.h>

#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class PlaneCounter;
struct PlaneHost;

/* Says whether FI_SEND, FI_WRITE or FI_READ counters count an operation. */
enum class Transmit : uint8_t { send = 0, write = 1, read = 2 };

class TransmitGate
{
public:
	TransmitGate() = default;
	TransmitGate(const TransmitGate &) = delete;
	TransmitGate &operator=(const TransmitGate &) = delete;
	virtual ~TransmitGate() = default;

	/* Called before and after each inner transmit; `accepted` says whether
	 * the inner provider took it. */
	virtual void begin(Transmit kind) noexcept = 0;
	virtual void end(Transmit kind, bool accepted) noexcept = 0;

	/*
	 * Returns 0 if every transmit that has returned has completed, else
	 * -FI_EAGAIN. Returns -FI_ETIMEDOUT once if that takes too long, and
	 * -FI_EAGAIN again after that.
	 */
	[[nodiscard]] virtual int idle() noexcept = 0;

	/* Returns true if counters of transmits must be bound by feed(). */
	virtual bool takes_counters() const noexcept { return false; }

	/*
	 * The application's counter for these kinds (FI_SEND, FI_WRITE,
	 * FI_READ) cannot be bound beside ours, so ours becomes a part of it.
	 */
	[[nodiscard]] virtual int feed(PlaneCounter *, uint64_t)
	{
		return -FI_ENOSYS;
	}

	/* The inner endpoint is closed: it completes nothing more. */
	virtual void close() = 0;
};

/* The inner endpoint must be open and not be bound to anything yet. */
[[nodiscard]] int open_transmit_gate(const PlaneHost &host,
				     std::unique_ptr<TransmitGate> *gate);

} // namespace ofi_pmem
