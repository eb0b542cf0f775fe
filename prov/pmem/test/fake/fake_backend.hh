/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A backend over plain memory that keeps a durable image beside it and records
 * its calls, so that a test can see what was durable when, and can make any
 * call fail.
 */
#pragma once

#include "persist/backend.hh"
#include "persist/read_back.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ofi_pmem::test
{

/* Shared by the backend and the test, which outlives it. */
struct FakeMedium {
	explicit FakeMedium(size_t len)
		: visible(len), durable(len), cached(len)
	{
	}

	/* A piece as it was flushed: later stores need another flush. */
	struct Piece {
		size_t offset;
		std::vector<uint8_t> bytes;
	};

	/*
	 * These write back without a backend: a cache evicts a line, or a NIC
	 * flushes, whose FLUSH does not reach what the CPU stored and has in
	 * its caches. A line never goes back to what it was when somebody else
	 * flushed it.
	 */
	void evict(size_t offset, size_t len) { write_back(offset, len, true); }
	void flush_by_nic(size_t offset, size_t len)
	{
		write_back(offset, len, false);
	}

	/* Places bytes as a NIC does, which snoops the caches. */
	void place(size_t offset, const std::vector<uint8_t> &bytes)
	{
		std::lock_guard guard(mutex);
		std::copy(bytes.begin(), bytes.end(),
			  visible.begin() + static_cast<ptrdiff_t>(offset));
		set_cached(offset, bytes.size(), false);
	}

	/*
	 * The caller holds the lock, here and below. Caches have whole lines.
	 */
	void set_cached(size_t offset, size_t len, bool value)
	{
		auto [begin, end] = lines(offset, len);
		std::fill(cached.begin() + begin, cached.begin() + end, value);
	}

	void make_durable(const Piece &piece)
	{
		std::copy(piece.bytes.begin(), piece.bytes.end(),
			  durable.begin() +
				  static_cast<ptrdiff_t>(piece.offset));
	}

	/* The lines of these bytes, as a CPU writes them back. */
	Piece take_lines(size_t offset, size_t len) const
	{
		auto [begin, end] = lines(offset, len);
		return {static_cast<size_t>(begin),
			{visible.begin() + begin, visible.begin() + end}};
	}

	/* Declared before the lock, it reports when that is released. */
	struct AfterCall {
		FakeMedium *medium;
		~AfterCall()
		{
			if (medium->after_call)
				medium->after_call();
		}
	};

	/* Called after every call of a backend, on the service's thread. */
	std::function<void()> after_call;

	std::mutex mutex;
	std::vector<uint8_t> visible;
	std::vector<uint8_t> durable;
	std::vector<bool> cached;	/* stored to by the CPU, not flushed */
	std::vector<Piece> flushed;	/* and not drained */
	std::vector<std::string> calls; /* store, flush, drain, ... */
	std::vector<size_t> unreadable; /* bytes that are poisoned */
	int store_result = 0;
	int flush_result = 0;
	int drain_result = 0;
	/* If there is one, drains wait for it. */
	std::shared_ptr<DeviceSync> device;
	bool one_sided = true;
	Granularity granularity = Granularity::cache_line;
	PersistenceDomain domain = PersistenceDomain::simulated;

	/* If so, what is visible is durable, although nobody flushed it. */
	bool caches_survive() const
	{
		return domain == PersistenceDomain::cpu_cache ||
		       domain == PersistenceDomain::system;
	}

	size_t count(const std::string &call)
	{
		std::lock_guard guard(mutex);
		size_t found = 0;
		for (const auto &one : calls)
			found += one == call;
		return found;
	}

private:
	static constexpr size_t kLine = 64;

	std::pair<ptrdiff_t, ptrdiff_t> lines(size_t offset, size_t len) const
	{
		size_t begin = offset / kLine * kLine;
		size_t end = (offset + len + kLine - 1) / kLine * kLine;
		return {begin, std::min(end, visible.size())};
	}

	void write_back(size_t offset, size_t len, bool cached_too)
	{
		std::lock_guard guard(mutex);
		for (size_t at = offset; at < offset + len; at++) {
			if (cached[at] && !cached_too)
				continue;
			durable[at] = visible[at];
			for (Piece &piece : flushed) {
				if (at >= piece.offset &&
				    at - piece.offset < piece.bytes.size())
					piece.bytes[at - piece.offset] =
						visible[at];
			}
		}
	}
};

class FakeBackend final : public Backend
{
public:
	explicit FakeBackend(FakeMedium *medium) : medium_(medium) {}

	int flush(uint64_t offset, size_t len) noexcept override
	{
		FakeMedium::AfterCall told{medium_};
		std::lock_guard guard(medium_->mutex);
		medium_->calls.emplace_back("flush");
		if (medium_->flush_result)
			return medium_->flush_result;
		medium_->flushed.push_back(medium_->take_lines(offset, len));
		medium_->set_cached(offset, len, false);
		return 0;
	}

	int begin_drain(size_t commits, PendingDrain *pending) noexcept override
	{
		FakeMedium::AfterCall told{medium_};
		std::lock_guard guard(medium_->mutex);
		medium_->calls.emplace_back("drain");
		if (medium_->drain_result)
			return medium_->drain_result;
		if (medium_->device) {
			*pending = {medium_->device,
				    medium_->device->ask(commits)};
			return 0;
		}
		for (const auto &piece : medium_->flushed)
			medium_->make_durable(piece);
		medium_->flushed.clear();
		return 0;
	}
	int end_drain(uint64_t) noexcept override { return failure(); }
	int failure() const noexcept override
	{
		return medium_->device ? medium_->device->failure() : 0;
	}

	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override
	{
		FakeMedium::AfterCall told{medium_};
		std::lock_guard guard(medium_->mutex);
		medium_->calls.emplace_back("store");
		if (medium_->store_result)
			return medium_->store_result;
		std::memcpy(&medium_->visible[offset], source, len);
		medium_->set_cached(offset, len, true);
		return 0;
	}

	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override
	{
		int ret = store(offset, source, len);
		*stored = !ret;
		return ret ? ret : flush(offset, len);
	}

	int load(uint64_t offset, void *target, size_t len) noexcept override
	{
		FakeMedium::AfterCall told{medium_};
		std::lock_guard guard(medium_->mutex);
		medium_->calls.emplace_back("load");
		std::memcpy(target, &medium_->visible[offset], len);
		return 0;
	}

	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override
	{
		FakeMedium::AfterCall told{medium_};
		std::lock_guard guard(medium_->mutex);
		medium_->calls.emplace_back("read back");
		for (size_t bad : medium_->unreadable) {
			if (bad >= offset && bad - offset < len)
				return -FI_EIO;
		}
		const auto &bytes = medium_->caches_survive()
					    ? medium_->visible
					    : medium_->durable;
		std::memcpy(into->data(), &bytes[offset], len);
		return 0;
	}
	Coverage coverage() const noexcept override { return Coverage::domain; }

	Granularity granularity() const noexcept override
	{
		return medium_->granularity;
	}
	PersistenceDomain domain() const noexcept override
	{
		return medium_->domain;
	}
	bool one_sided() const noexcept override { return medium_->one_sided; }

private:
	FakeMedium *medium_;
};

} // namespace ofi_pmem::test
