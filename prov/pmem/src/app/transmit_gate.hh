/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Knows whether the transmits that an endpoint handed to its inner endpoint
 * have completed, which FI_FENCE waits for. Completions do not tell: they may
 * be suppressed, and injects have none. How it knows depends on the inner
 * provider: by its counters, or by the order of its completions.
 */
#pragma once

#include <cstdint>
#include <memory>

#include <rdma/fabric.h>

namespace ofi_pmem
{

class Counter;
class Endpoint;

/* What an operation is counted as by FI_SEND, FI_WRITE, FI_READ counters. */
enum class Transmit : uint8_t { send = 0, write = 1, read = 2 };

class TransmitGate
{
public:
	TransmitGate() = default;
	TransmitGate(const TransmitGate &) = delete;
	TransmitGate &operator=(const TransmitGate &) = delete;
	virtual ~TransmitGate() = default;

	/* Around each inner transmit; `accepted` is whether it was taken. */
	virtual void begin(Transmit kind) noexcept = 0;
	virtual void end(Transmit kind, bool accepted) noexcept = 0;

	/*
	 * 0 when every transmit that has returned has completed, -FI_EAGAIN
	 * while not; -FI_ETIMEDOUT when that takes too long, and -FI_EAGAIN
	 * again after that.
	 */
	[[nodiscard]] virtual int idle() noexcept = 0;

	/* True when counters of transmits must be bound by feed(). */
	virtual bool takes_counters() const noexcept { return false; }

	/*
	 * The application's counter for these kinds (FI_SEND, FI_WRITE,
	 * FI_READ) cannot be bound beside ours: it takes ours in instead.
	 */
	[[nodiscard]] virtual int feed(Counter *, uint64_t)
	{
		return -FI_ENOSYS;
	}

	/* The inner endpoint is closed: it completes nothing more. */
	virtual void close() = 0;
};

/* For an endpoint whose inner endpoint is open, and bound to nothing yet. */
[[nodiscard]] int open_transmit_gate(Endpoint *endpoint,
				     std::unique_ptr<TransmitGate> *gate);

} // namespace ofi_pmem
