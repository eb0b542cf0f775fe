/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the sessions of one thread of the service share: its buffers, and the
 * threads that wait for their syncs. Only that thread calls it.
 */
#pragma once

#include "persist/read_back.hh"
#include "service/sync_threads.hh"

#include <cstdint>
#include <functional>
#include <vector>

namespace ofi_pmem
{

class Workspace
{
public:
	/* See SyncThreads. */
	explicit Workspace(std::function<void()> wake) : syncs_(std::move(wake))
	{
	}

	SyncThreads &syncs() noexcept { return syncs_; }

	/* Bytes are read back into this. */
	ReadBackBuffer &read_back() noexcept { return read_back_; }

	/* Payloads that cannot be received into a region go through this. */
	std::vector<uint8_t> *payload()
	{
		constexpr size_t kBytes = 1 << 17;
		payload_.resize(kBytes);
		return &payload_;
	}

private:
	SyncThreads syncs_;
	ReadBackBuffer read_back_;
	std::vector<uint8_t> payload_;
};

} // namespace ofi_pmem
