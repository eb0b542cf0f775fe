/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/window.hh"

#include "cli/progress_bar.hh"

#include <gtest/gtest.h>

using namespace fi_pmem;

namespace
{

constexpr uint64_t kMost = uint64_t{256} << 20;
constexpr Window::Clock::time_point kBegin{std::chrono::hours(1)};
constexpr auto kMoment = std::chrono::milliseconds(1);

} // namespace

TEST(Window, IsDueByBytesOrByTime)
{
	Window window(kMost, kBegin);
	EXPECT_FALSE(window.is_due(Window::kFirst - 1, kBegin + kMoment));
	EXPECT_TRUE(window.is_due(Window::kFirst, kBegin + kMoment));
	EXPECT_TRUE(window.is_due(1, kBegin + Window::kLongest));
	EXPECT_FALSE(window.is_due(0, kBegin + Window::kLongest));
}

TEST(Window, GrowsWithFastDrainsUpToItsMost)
{
	Window window(kMost, kBegin);
	for (int i = 0; i < 20; i++)
		window.drained(kBegin, kBegin + kMoment);
	EXPECT_EQ(window.bytes(), kMost);
}

TEST(Window, ShrinksWithSlowDrains)
{
	Window window(kMost, kBegin);
	window.drained(kBegin, kBegin + Window::kSlow + kMoment);
	EXPECT_EQ(window.bytes(), Window::kFirst / 2);
	for (int i = 0; i < 20; i++)
		window.drained(kBegin, kBegin + Window::kSlow + kMoment);
	EXPECT_EQ(window.bytes(), Window::kLeast);
}

TEST(Window, IsNeverLargerThanAsked)
{
	Window window(1000, kBegin);
	EXPECT_EQ(window.bytes(), 1000u);
	window.drained(kBegin, kBegin + kMoment);
	EXPECT_EQ(window.bytes(), 1000u);
	window.drained(kBegin, kBegin + Window::kSlow + kMoment);
	EXPECT_EQ(window.bytes(), 1000u);
}

TEST(ProgressText, TellsWhatIsLeft)
{
	constexpr uint64_t kMiB = 1 << 20;
	EXPECT_EQ(progress_text({50 * kMiB, 0, 100 * kMiB, 5}),
		  "  50% 50.0 MiB of 100.0 MiB, 10.0 MiB/s, ETA 0:05");
	EXPECT_EQ(progress_text({kMiB, 0, 3601 * kMiB, 1}),
		  "   0% 1.0 MiB of 3.5 GiB, 1.0 MiB/s, ETA 1:00:00");
	EXPECT_EQ(progress_text({100 * kMiB, 0, 100 * kMiB, 10}),
		  " 100% 100.0 MiB of 100.0 MiB, 10.0 MiB/s");
}

TEST(ProgressText, RateIsOfWhatWasNotSkipped)
{
	constexpr uint64_t kMiB = 1 << 20;
	EXPECT_EQ(progress_text({60 * kMiB, 50 * kMiB, 100 * kMiB, 2}),
		  "  60% 60.0 MiB of 100.0 MiB, 5.0 MiB/s, ETA 0:08");
	EXPECT_EQ(progress_text({0, 50 * kMiB, 100 * kMiB, 2}),
		  "   0% 0 bytes of 100.0 MiB, 0 bytes/s");
}

TEST(ProgressText, WithoutTotalHasNoShare)
{
	EXPECT_EQ(progress_text({2048, 0, 0, 2}), " 2.0 KiB, 1.0 KiB/s");
}

TEST(ProgressText, CountsCasesAsCases)
{
	EXPECT_EQ(progress_text({30, 0, 120, 60, "measurements"}),
		  "  25% 30 of 120 measurements, ETA 3:00");
	EXPECT_EQ(progress_text({120, 0, 120, 60, "measurements"}),
		  " 100% 120 of 120 measurements");
}

TEST(ProgressText, ALimitEndsItSooner)
{
	EXPECT_EQ(progress_text({1, 0, 1000, 60, "runs", 90}),
		  "   0% 1 of 1000 runs, ETA 1:30");
	EXPECT_EQ(progress_text({1, 0, 1000, 160, "runs", -5}),
		  "   0% 1 of 1000 runs, ETA 0:00");
}
