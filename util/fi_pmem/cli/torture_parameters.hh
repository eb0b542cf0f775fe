/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A run of fi_pmem torture follows from these: the same parameters make the
 * same plan.
 */
#pragma once

#include <cstdint>

namespace fi_pmem
{

/* These are bits of TortureParameters::faults. */
enum TortureFault : uint32_t {
	kKillTarget = 1,    /* SIGKILL */
	kStopTarget = 2,    /* SIGTERM, while operations are in flight */
	kKillInitiator = 4, /* SIGKILL; another one takes its place */
	kFreezeTarget = 8   /* SIGSTOP, for some milliseconds */
};

struct TortureParameters {
	uint64_t seed = 0;
	uint32_t initiators = 3;
	uint32_t rounds = 2;
	uint32_t ops = 60; /* of an initiator in a round */
	uint64_t size = 1 << 20;
	uint32_t faults =
		kKillTarget | kStopTarget | kKillInitiator | kFreezeTarget;
	bool atomics = false;
	/* Begins by a commit of every byte, as nobody knows what is there. */
	bool format = false;
};

} // namespace fi_pmem
