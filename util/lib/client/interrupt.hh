/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Ends a wait before its time, as a signal does. The tool's Signals does that;
 * this one never does.
 */
#pragma once

namespace fi_pmem
{

class ErrorSink;

class Interrupt
{
public:
	virtual ~Interrupt() = default;

	/* Before the provider starts threads. Exit code. */
	[[nodiscard]] virtual int open(ErrorSink &) { return 0; }

	/* Readable once take() has something; -1: never. */
	[[nodiscard]] virtual int fd() const { return -1; }

	/* The number of the next signal that has arrived, 0: none has. */
	[[nodiscard]] virtual int take() { return 0; }
};

} // namespace fi_pmem
