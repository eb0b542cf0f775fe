/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Dirty, pending and durable lines, and what a crash leaves of them. */
#include "config.h"

#include "persist/line_simulation.hh"

#include <algorithm>

#include <rdma/fi_errno.h>

#include "core/fid.hh"
#include "persist/mapping.hh"
#include "persist/memory_copy.hh"

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
	std::lock_guard<std::mutex> guard(lock_);
	if (crashed_)
		return -FI_EIO;
	return guarded([&] {
		return for_each_line(
			extent, range,
			[&](const Line &visible, const Line &durable) {
				/* Back at its durable content: this flush
				 * supersedes an earlier one. */
				if (visible.bytes == durable.bytes)
					pending_.erase(visible.at);
				else
					pending_.insert_or_assign(visible.at,
								  visible);
				return 0;
			});
	});
}

/* Neighbouring lines go out in one write. */
int LineSimulation::write_pending()
{
	std::vector<char> run;
	uint64_t run_at = 0;
	auto write_run = [&] {
		if (run.empty())
			return 0;
		int ret = image_->write(run_at, run.data(), run.size());
		run.clear();
		return ret;
	};
	for (auto &[at, line] : pending_) {
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

int LineSimulation::drain() noexcept
{
	std::lock_guard<std::mutex> guard(lock_);
	if (crashed_)
		return -FI_EIO;
	int ret = guarded([&] { return write_pending(); });
	if (!ret)
		pending_.clear();
	return ret;
}

int LineSimulation::settle_line(const Line &visible, const Line &durable)
{
	pending_.erase(visible.at);
	if (visible.bytes == durable.bytes)
		return 0;
	return image_->write(visible.at, visible.bytes.data(), visible.size);
}

int LineSimulation::settle(const Extent &extent) noexcept
{
	std::lock_guard<std::mutex> guard(lock_);
	if (crashed_)
		return 0;
	return guarded([&] {
		return for_each_line(
			extent, extent,
			[&](const Line &visible, const Line &durable) {
				return settle_line(visible, durable);
			});
	});
}

int LineSimulation::crash_line(const Line &visible, const Line &durable,
			       std::mt19937_64 *random, Tearing tearing)
{
	std::array<const Line *, 3> outcomes{&durable};
	size_t count = 1;
	auto pending = pending_.find(visible.at);
	Line flushed = durable;
	if (pending != pending_.end()) {
		memcpy(flushed.bytes.data(), pending->second.bytes.data(),
		       pending->second.size);
		outcomes[count++] = &flushed;
	}
	if (visible.bytes != outcomes[count - 1]->bytes)
		outcomes[count++] = &visible;
	if (count == 1)
		return 0;
	/* The high bits: the same with every standard library. */
	auto choose = [&] { return ((*random)() >> 32) % count; };
	bool torn = tearing == Tearing::words && ((*random)() >> 62) == 0;
	Line survivor = *outcomes[choose()];
	for (size_t i = 0; torn && i < survivor.size;) {
		/* Up to the next aligned word: a line cut at the start of
		 * unaligned memory begins in the middle of one. */
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
	std::lock_guard<std::mutex> guard(lock_);
	if (crashed_)
		return -FI_EIO;
	std::mt19937_64 random(seed);
	int ret = guarded([&] {
		for (const auto &extent : extents) {
			int failed = for_each_line(
				extent, extent,
				[&](const Line &visible, const Line &durable) {
					return crash_line(visible, durable,
							  &random, tearing);
				});
			if (failed)
				return failed;
		}
		return 0;
	});
	pending_.clear();
	crashed_ = true;
	return ret;
}

int LineSimulation::check(const Extent &range) noexcept
{
	std::lock_guard<std::mutex> guard(lock_);
	return crashed_ ? -FI_EIO : image_->check_end(range.end);
}

int LineSimulation::read_durable(uint64_t at, void *target, size_t len) noexcept
{
	std::lock_guard<std::mutex> guard(lock_);
	return image_->read(at, target, len);
}

bool LineSimulation::crashed() noexcept
{
	std::lock_guard<std::mutex> guard(lock_);
	return crashed_;
}

} // namespace ofi_pmem
