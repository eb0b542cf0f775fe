/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Logs on the fake peer that lose their power, or their writer, again and
 * again. LOG_CRASHES (1000) and LOG_SEED (random) choose other runs;
 * fabtests/functional/pmem_log_kill_test.cc does the same end to end.
 */
#include "log/test/fake_peer.hh"
#include "log/test/log_model.hh"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace log_test
{

namespace
{

constexpr size_t kPlace = 32 << 10;
constexpr uint64_t kCrashesPerLog = 10;

class Life
{
public:
	Life(Order order, uint64_t seed)
		: random_(seed), peer_(kPlace, seed), model_(order, seed)
	{
		std::string text;
		if (create(peer_.path(), peer_.place(), &text))
			throw std::runtime_error("create: " + text);
	}

	void crash()
	{
		Writer writer(peer_.path(), peer_.place(), model_.options());
		model_.write(writer, random_.below(200), [this] {
			for (uint64_t i = random_.below(8); i--;)
				peer_.step();
		});
		if (random_.below(3))
			peer_.fail_power();
		else
			peer_.disconnect();
	}

	/* Recovery, and the records that it found, survive the next. */
	std::string check()
	{
		std::string wrong = model_.check(peer_.path(), peer_.place());
		peer_.fail_power();
		return wrong;
	}

	const LogModel &model() const { return model_; }

private:
	Random random_;
	FakePeer peer_;
	LogModel model_;
};

std::string case_name(const testing::TestParamInfo<Order> &order)
{
	return name_of(order.param);
}

class Crash : public testing::TestWithParam<Order>
{
};

TEST_P(Crash, EveryAcknowledgedRecordIsFoundWhole)
{
	uint64_t crashes = pmem_test::env_number("LOG_CRASHES", 1000);
	uint64_t seed = pmem_test::choose_seed("LOG_SEED");
	printf("LOG_CRASHES=%lu LOG_SEED=%lu\n", crashes, seed);
	size_t acknowledged = 0;
	std::optional<Life> life;
	for (uint64_t i = 0; i < crashes; i++) {
		SCOPED_TRACE("crash " + std::to_string(i));
		if (i % kCrashesPerLog == 0)
			life.emplace(GetParam(), pmem_test::mix(seed + i));
		life->crash();
		ASSERT_EQ(life->check(), "");
		if (i % kCrashesPerLog == kCrashesPerLog - 1)
			acknowledged += life->model().acknowledged();
	}
	EXPECT_GT(acknowledged, crashes / kCrashesPerLog);
	printf("%zu records acknowledged, none lost\n", acknowledged);
}

INSTANTIATE_TEST_SUITE_P(Orders, Crash, testing::ValuesIn(kOrders), case_name);

} // namespace

} // namespace log_test
