/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A device whose syncs last until the test lets them end. Each makes durable
 * what its fake media had flushed when it began, and nothing that came later.
 */
#pragma once

#include "fake/fake_backend.hh"
#include "persist/device_sync.hh"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace ofi_pmem::test
{

class FakeDevice final : public DeviceSync
{
public:
	explicit FakeDevice(uint64_t number = 0) noexcept : number_(number) {}

	void add(FakeMedium *medium) { media_.push_back(medium); }

	/* Waits until so many syncs have begun in all. Returns false if they do
	 * not. */
	bool await_begun(size_t count)
	{
		std::unique_lock lock(mutex_);
		return changed_.wait_for(lock, kPatience,
					 [&] { return begun_ >= count; });
	}
	size_t begun()
	{
		std::lock_guard lock(mutex_);
		return begun_;
	}
	/* Lets one more sync end, in this way. */
	void end_one(int result = 0)
	{
		std::lock_guard lock(mutex_);
		results_.push_back(result);
		changed_.notify_all();
	}
	/* Lets all end. */
	void open()
	{
		std::lock_guard lock(mutex_);
		open_ = true;
		changed_.notify_all();
	}

	uint64_t device() const noexcept override { return number_; }

protected:
	int sync_device() noexcept override
	{
		using Taken = std::vector<FakeMedium::Piece>;
		std::vector<std::pair<FakeMedium *, Taken>> taken;
		for (FakeMedium *medium : media_) {
			std::lock_guard guard(medium->mutex);
			taken.emplace_back(medium, std::move(medium->flushed));
			medium->flushed.clear();
		}
		int result = wait();
		for (auto &[medium, pieces] : taken) {
			std::lock_guard guard(medium->mutex);
			for (const auto &piece : pieces) {
				if (!result)
					medium->make_durable(piece);
			}
		}
		return result;
	}

private:
	static constexpr auto kPatience = std::chrono::seconds(30);

	int wait()
	{
		std::unique_lock lock(mutex_);
		size_t own = begun_++;
		changed_.notify_all();
		changed_.wait(lock,
			      [&] { return open_ || results_.size() > own; });
		return results_.size() > own ? results_[own] : 0;
	}

	const uint64_t number_;
	std::vector<FakeMedium *> media_;
	std::mutex mutex_;
	std::condition_variable changed_;
	size_t begun_ = 0;
	std::vector<int> results_;
	bool open_ = false;
};

} // namespace ofi_pmem::test
