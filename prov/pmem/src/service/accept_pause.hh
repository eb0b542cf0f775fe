/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A pause in accepting channels while the process has no descriptors left:
 * until then a connection request stays pending, and waiting for it would spin.
 */
#pragma once

#include "core/descriptors.hh"
#include "core/log.hh"

#include <cerrno>
#include <chrono>

namespace ofi_pmem
{

class AcceptPause
{
public:
	static constexpr int kPauseMs = kExhaustedMs;

	/* No pause is on: connection events may be waited for. */
	bool over() const noexcept
	{
		return std::chrono::steady_clock::now() >= end_;
	}
	/* There were no descriptors left at the last look. */
	bool exhausted() const noexcept { return exhausted_; }

	/* Looks whether `fd` can be duplicated; if not, a pause begins. */
	void look(int fd) noexcept
	{
		exhausted_ = !descriptors_left(fd);
		if (!exhausted_)
			return;
		if (!warned_)
			PMEM_WARN(FI_LOG_EP_CTRL,
				  "no descriptors are left (%s): no new "
				  "channel can be accepted until some are free",
				  fi_strerror(errno));
		warned_ = true;
		end_ = std::chrono::steady_clock::now() +
		       std::chrono::milliseconds(kPauseMs);
	}

private:
	bool exhausted_ = false;
	bool warned_ = false;
	std::chrono::steady_clock::time_point end_{};
};

} // namespace ofi_pmem
