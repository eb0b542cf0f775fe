/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Dirty, pending and durable lines, and what a crash leaves of them. */
#include "persist/line_simulation.hh"

#include "core/fid.hh"
#include "core/params.hh"
#include "persist/mapping.hh"
#include "persist/memory_copy.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace ofi_pmem
{

namespace
{

/* Bytes that are read from or written to the image at once. */
constexpr size_t kChunk = 64 * kLineSize;

Extent line_cover(const Extent &range, const Extent &extent) noexcept
{
	return {std::max(align_down(range.begin, kLineSize), extent.begin),
		std::min(align_up(range.end, kLineSize), extent.end)};
}

} // namespace

/*
 * Calls visit(visible, durable) for each line that `range` touches, ascending.
 * The durable content is read ahead in chunks; visit may write its own line.
 */
template <typename Visit>
int LineSimulation::for_each_line(const Extent &extent, const Extent &range,
				  Visit &&visit)
{
	std::array<char, kChunk> chunk;
	Extent lines = line_cover(range, extent);
	for (uint64_t at = lines.begin; at < lines.end;) {
		uint64_t chunk_end =
			std::min(align_down(at, kLineSize) + kChunk, lines.end);
		int ret = image_->read(at, chunk.data(), chunk_end - at);
		const char *durable_bytes = chunk.data();
		while (!ret && at < chunk_end) {
			uint64_t end =
				std::min(align_down(at, kLineSize) + kLineSize,
					 chunk_end);
			Line durable{at, end - at, {}};
			Line visible{at, end - at, {}};
			memcpy(durable.bytes.data(), durable_bytes,
			       durable.size);
			snapshot(visible.bytes.data(), this->visible(at),
				 visible.size);
			ret = visit(visible, durable);
			durable_bytes += durable.size;
			at = end;
		}
		if (ret)
			return ret;
	}
	return 0;
}

int LineSimulation::flush(const Extent &extent, const Extent &range) noexcept
{
	MutexLock guard(lock_);
	if (crashed_)
		return -FI_EIO;
	return guarded([&] {
		lock_.assert_held();
		return for_each_line(
			extent, range,
			[&](const Line &visible, const Line &durable) {
				lock_.assert_held();
				flush_line(visible, durable);
				return 0;
			});
	});
}

void LineSimulation::flush_line(const Line &visible, const Line &durable)
{
	/* Back at its durable content: this flush supersedes an earlier one. */
	if (visible.bytes == durable.bytes && !draining_.count(visible.at))
		pending_.erase(visible.at);
	else
		pending_.insert_or_assign(visible.at, visible);
}

/* Neighbouring lines go out in one write. */
int LineSimulation::write_draining()
{
	std::vector<char> run;
	uint64_t run_at = 0;
	auto write_run = [&] {
		lock_.assert_held();
		if (run.empty())
			return 0;
		int ret = image_->write(run_at, run.data(), run.size());
		run.clear();
		return ret;
	};
	for (auto &[at, line] : draining_) {
		if (run.size() >= kChunk || run_at + run.size() != at) {
			int ret = write_run();
			if (ret)
				return ret;
			run_at = at;
		}
		run.insert(run.end(), line.bytes.data(),
			   line.bytes.data() + line.size);
	}
	return write_run();
}

int LineSimulation::begin_drain()
{
	if (crashed_)
		return -FI_EIO;
	pending_.merge(draining_); /* if the last drain failed */
	std::swap(draining_, pending_);
	pending_.clear();
	return 0;
}

int LineSimulation::end_drain()
{
	if (crashed_)
		return -FI_EIO;
	int ret = guarded([&] {
		lock_.assert_held();
		return write_draining();
	});
	if (!ret)
		draining_.clear();
	return ret;
}

int LineSimulation::drain() noexcept
{
	MutexLock guard(lock_);
	int ret = begin_drain();
	return ret ? ret : end_drain();
}

int LineSimulation::sync_device() noexcept
{
	{
		MutexLock guard(lock_);
		int ret = begin_drain();
		if (ret)
			return ret;
	}
	std::this_thread::sleep_for(
		std::chrono::microseconds(params().powerfail_sync_us));
	MutexLock guard(lock_);
	return end_drain();
}

int LineSimulation::settle_line(const Line &visible, const Line &durable)
{
	pending_.erase(visible.at);
	draining_.erase(visible.at);
	if (visible.bytes == durable.bytes)
		return 0;
	return image_->write(visible.at, visible.bytes.data(), visible.size);
}

int LineSimulation::settle(const Extent &extent) noexcept
{
	MutexLock guard(lock_);
	if (crashed_)
		return 0;
	return guarded([&] {
		lock_.assert_held();
		return for_each_line(
			extent, extent,
			[&](const Line &visible, const Line &durable) {
				lock_.assert_held();
				return settle_line(visible, durable);
			});
	});
}

int LineSimulation::crash_line(const Line &visible, const Line &durable,
			       std::mt19937_64 *random, Tearing tearing)
{
	std::array<const Line *, 4> outcomes{&durable};
	size_t count = 1;
	Line draining = durable;
	Line flushed = durable;
	auto add = [&](const std::map<uint64_t, Line> &lines, Line *outcome) {
		auto found = lines.find(visible.at);
		if (found == lines.end())
			return;
		memcpy(outcome->bytes.data(), found->second.bytes.data(),
		       found->second.size);
		outcomes[count++] = outcome;
	};
	add(draining_, &draining);
	add(pending_, &flushed);
	if (visible.bytes != outcomes[count - 1]->bytes)
		outcomes[count++] = &visible;
	if (count == 1)
		return 0;
	/* The high bits are the same with every standard library. */
	auto choose = [&] { return ((*random)() >> 32) % count; };
	bool torn = tearing == Tearing::words && ((*random)() >> 62) == 0;
	Line survivor = *outcomes[choose()];
	for (size_t i = 0; torn && i < survivor.size;) {
		/*
		 * A part ends at the next aligned word: a line cut at the start
		 * of unaligned memory begins in the middle of one.
		 */
		size_t word = std::min(kWord - (survivor.at + i) % kWord,
				       survivor.size - i);
		memcpy(&survivor.bytes[i], &outcomes[choose()]->bytes[i], word);
		i += word;
	}
	if (survivor.bytes == durable.bytes)
		return 0;
	return image_->write(survivor.at, survivor.bytes.data(), survivor.size);
}

int LineSimulation::crash(const std::vector<Extent> &extents, uint64_t seed,
			  Tearing tearing) noexcept
{
	MutexLock guard(lock_);
	if (crashed_)
		return -FI_EIO;
	std::mt19937_64 random(seed);
	int ret = guarded([&] {
		lock_.assert_held();
		for (const auto &extent : extents) {
			int failed = for_each_line(
				extent, extent,
				[&](const Line &visible, const Line &durable) {
					lock_.assert_held();
					return crash_line(visible, durable,
							  &random, tearing);
				});
			if (failed)
				return failed;
		}
		return 0;
	});
	pending_.clear();
	draining_.clear();
	crashed_ = true;
	return ret;
}

int LineSimulation::check(const Extent &range) noexcept
{
	MutexLock guard(lock_);
	return crashed_ ? -FI_EIO : image_->check_end(range.end);
}

int LineSimulation::read_durable(uint64_t at, void *target, size_t len) noexcept
{
	MutexLock guard(lock_);
	return image_->read(at, target, len);
}

bool LineSimulation::crashed() noexcept
{
	MutexLock guard(lock_);
	return crashed_;
}

} // namespace ofi_pmem
