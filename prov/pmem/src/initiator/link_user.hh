/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The owner of a link, as the initiator sees it, to which it passes what its
 * queues report. Every function is called under the initiator's lock.
 */
#pragma once

#include "core/errors.hh"
#include "core/ready_queue.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class LinkUser : public Turn<LinkUser>
{
public:
	virtual void on_connected() = 0;
	virtual void on_receive(uint16_t slot, size_t len) = 0;
	virtual void on_sent(uint16_t slot) = 0;
	virtual void on_one_sided(uint16_t slot) = 0;

	/* Fails what is outstanding. `err` is a positive fi_errno. */
	virtual void disconnect(int err, const char *why,
				Cause cause = Cause::connection_lost) = 0;

	/*
	 * Sends what could not be sent, and posts up to `budget` operations
	 * that wait.
	 */
	virtual void progress(size_t budget) = 0;

	/* The key that it is sealed with was removed. */
	virtual bool key_removed() const noexcept = 0;

	/* It has messages that no event will move: it needs a turn. */
	virtual bool urgent() const noexcept = 0;

	/*
	 * It is called once per period; `since` is the time since the last
	 * call. It ends a connection that is not made in time, or that has made
	 * no progress for too long. Returns true if it must be called again.
	 */
	[[nodiscard]] virtual bool
	still_waits(std::chrono::milliseconds since) = 0;

protected:
	~LinkUser() = default;
};

} // namespace ofi_pmem
