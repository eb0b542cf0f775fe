/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Clocks, medians, and the loop that reads memory as fast as one core can,
 * which is what verification is compared with.
 */
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <future>
#include <vector>

namespace pmem_test
{

using Samples = std::vector<double>;

/* `share` 0.5 is the median. */
inline double percentile(Samples samples, double share)
{
	auto last = static_cast<double>(samples.size() - 1);
	auto at = samples.begin() + static_cast<ptrdiff_t>(share * last);
	std::nth_element(samples.begin(), at, samples.end());
	return *at;
}

inline double median(const Samples &samples)
{
	return percentile(samples, 0.5);
}

inline void append(Samples *to, const Samples &more)
{
	to->insert(to->end(), more.begin(), more.end());
}

/* Returns seconds. */
inline double now(clockid_t clock = CLOCK_MONOTONIC)
{
	timespec time{};
	clock_gettime(clock, &time);
	return static_cast<double>(time.tv_sec) +
	       1e-9 * static_cast<double>(time.tv_nsec);
}

/*
 * Bytes per second, of the clock on the wall and of a processor: the latter
 * says what the former would be if nobody else used the machine.
 */
struct Rates {
	Samples wall;
	Samples cpu;

	/* `cpu_clock` belongs to the process or thread that does the work. */
	template <typename Work>
	void measure(size_t bytes, clockid_t cpu_clock, Work &&work)
	{
		double wall_begin = now(), cpu_begin = now(cpu_clock);
		work();
		auto done = static_cast<double>(bytes);
		cpu.push_back(done / (now(cpu_clock) - cpu_begin));
		wall.push_back(done / (now() - wall_begin));
	}
};

/* Four sums, so that no addition waits for the one before. */
inline uint64_t sum(const std::vector<uint64_t> &words)
{
	uint64_t sums[4] = {};
	for (size_t i = 0; i + 4 <= words.size(); i += 4) {
		for (size_t j = 0; j < 4; j++)
			sums[j] += words[i + j];
	}
	return sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
}

/* Repeats `work` in a thread of its own, until the end of its scope. */
class Background
{
public:
	explicit Background(std::function<void()> work)
		: done_(std::async(std::launch::async,
				   [this, work = std::move(work)] {
					   while (!stop_)
						   work();
				   }))
	{
	}
	~Background() { stop_ = true; }
	Background(const Background &) = delete;
	Background &operator=(const Background &) = delete;

	/* Waits for the work that is under way; throws what it threw. */
	void stop()
	{
		stop_ = true;
		done_.get();
	}

private:
	std::atomic<bool> stop_{false};
	std::future<void> done_; /* waits when it is destroyed, so comes last */
};

} // namespace pmem_test
