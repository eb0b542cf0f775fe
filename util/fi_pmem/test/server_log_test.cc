/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "serve/server_log.hh"

#include <gtest/gtest.h>

#include <regex>

namespace fi_pmem
{

using std::chrono::seconds;

TEST(LineLimit, AdmitsSoManyEachMinute)
{
	LineLimit limit(2);
	LineLimit::Clock::time_point start{};
	EXPECT_TRUE(limit.admits(start));
	EXPECT_TRUE(limit.admits(start + seconds(59)));
	EXPECT_FALSE(limit.admits(start + seconds(59)));
	EXPECT_FALSE(limit.admits(start + seconds(59)));
	EXPECT_TRUE(limit.admits(start + seconds(60)));
	EXPECT_EQ(limit.take_left_out(), 2u);
	EXPECT_EQ(limit.take_left_out(), 0u);
	EXPECT_TRUE(limit.admits(start + seconds(119)));
	EXPECT_FALSE(limit.admits(start + seconds(119)));
}

TEST(ServerLog, HasTimeAndLevel)
{
	testing::internal::CaptureStderr();
	ServerLog quiet(false);
	quiet.info("not told");
	quiet.warn("some");
	quiet.error("any");
	ServerLog(true).info("told");
	std::string text = testing::internal::GetCapturedStderr();
	const std::string time =
		"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.]"
		"[0-9]{3}Z ";
	std::regex lines(time + "warning: some\n" + time + "error: any\n" +
			 time + "info: told\n");
	EXPECT_TRUE(std::regex_match(text, lines)) << text;
}

TEST(ServerLog, CountsWhatIsLeftOut)
{
	LineLimit limit(1);
	testing::internal::CaptureStderr();
	ServerLog log(false);
	for (int i = 0; i < 3; i++)
		log.warn(&limit, "again");
	std::string text = testing::internal::GetCapturedStderr();
	EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
	EXPECT_EQ(limit.take_left_out(), 2u);
}

} // namespace fi_pmem
