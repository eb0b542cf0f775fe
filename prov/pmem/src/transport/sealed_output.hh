/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The records that leave on a sealed socket: what a link has to send is sealed
 * little by little, as the socket takes it, and each record once. Not
 * thread-safe.
 */
#pragma once

#include "seal/record.hh"
#include "transport/out_queue.hh"

#include <memory>

namespace ofi_pmem
{

class SealedOutput
{
public:
	/* The spare buffer outlives it. */
	SealedOutput(std::unique_ptr<Sealer> sealer,
		     SpareBuffer *spare) noexcept
		: sealer_(std::move(sealer)), records_(spare)
	{
	}

	/* Seals more of `plain` unless enough records wait. Returns 0 or a
	 * negative fi_errno. Throws std::bad_alloc. */
	[[nodiscard]] int fill(OutQueue *plain);

	OutQueue &records() noexcept { return records_; }
	const OutQueue &records() const noexcept { return records_; }

private:
	std::unique_ptr<Sealer> sealer_;
	OutQueue records_;
};

} // namespace ofi_pmem
