/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The events that the service of a domain has for the application
 * (fi_ops_pmem_domain::read_event). Only counts and states are kept, so that no
 * peer can make this grow, and no event that matters is lost if memory is
 * short.
 */
#pragma once

#include "core/descriptors.hh"
#include "core/lock.hh"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

namespace ofi_pmem
{

class DomainEvents
{
public:
	/* The reason why an initiator was refused. */
	enum Refusal { authentication, version, channels };
	static constexpr size_t kRefusals = 3;

	DomainEvents() noexcept = default;
	DomainEvents(const DomainEvents &) = delete;
	DomainEvents &operator=(const DomainEvents &) = delete;
	~DomainEvents()
	{
		if (fd_ >= 0)
			::close(fd_);
	}

	/*
	 * Gets a descriptor that is readable once there may be an event, the
	 * same for every caller. Returns 0 or a negative fi_errno.
	 */
	[[nodiscard]] int open(int *fd) noexcept
	{
		MutexLock guard(opening_);
		if (fd_ < 0)
			fd_ = above_standard(
				eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
		*fd = fd_;
		return *fd < 0 ? -errno : 0;
	}

	/* Any thread may call these; they take no lock. */
	void refused(Refusal reason) noexcept
	{
		refused_[reason]++;
		ring();
	}
	void ring() noexcept
	{
		uint64_t one = 1;
		if (fd_ >= 0)
			static_cast<void>(!write(fd_, &one, sizeof(one)));
	}

	/* Call this before you look for events. */
	void silence() noexcept
	{
		uint64_t count;
		if (fd_ >= 0)
			static_cast<void>(!read(fd_, &count, sizeof(count)));
	}
	/* Returns how many there were since the last call. */
	[[nodiscard]] uint64_t take(Refusal reason) noexcept
	{
		return refused_[reason].exchange(0);
	}

private:
	Mutex opening_{lock_rank::kDomainEvents};
	std::atomic<int> fd_{-1};
	std::array<std::atomic<uint64_t>, kRefusals> refused_{};
};

} // namespace ofi_pmem
