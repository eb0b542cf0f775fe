/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A log whose target loses its power again and again, by SIGKILL under
 * simulated power failure, at random moments of a stream of appends; by every
 * order, over both kinds of endpoints.
 *
 * PMEM_LOG_CRASHES (30) and PMEM_LOG_SEED (random) choose other runs.
 */
#include "common/log_client.hh"
#include "log/test/log_model.hh"

#include <gtest/gtest.h>

#include <optional>

/* These are in fi_pmem_log(3), and compiled from the page. */
int append_durably(ofi_pmem_log::Writer &log, const std::string &record);
int print_all(ofi_pmem_log::Reader &log);

using namespace pmem_test;
using namespace log_test;

namespace
{

constexpr size_t kPlace = 64 << 10;
constexpr uint64_t kCrashesPerLog = 10;

/* A target of one file, and what of the log library is connected to it. */
class Life
{
public:
	Life(Stack stack, Order order, uint64_t seed)
		: stack_(stack), random_(seed), file_(kPlace),
		  model_(order, seed)
	{
		Server server(stack_, file_);
		std::string text;
		int ret = create(server.client.path(), server.client.place(),
				 &text);
		if (ret)
			throw FabricError("create: " + text, ret);
	}

	void crash()
	{
		Server server(stack_, file_);
		Writer writer(server.client.path(), server.client.place(),
			      model_.options());
		model_.write(writer, random_.below(3000), [] {});
		server.fail_power();
	}

	/* Recovery, and the records that it found, survive the next. */
	std::string check()
	{
		Server server(stack_, file_);
		std::string wrong = model_.check(server.client.path(),
						 server.client.place());
		server.fail_power();
		return wrong;
	}

	const LogModel &model() const { return model_; }

private:
	struct Server {
		Server(Stack stack, const RegionFile &file)
			: target(stack, Memory::powerfail),
			  client(stack, target,
				 target.add_file(file.path(), kPlace))
		{
		}

		/* Nothing may be in flight into a writer's buffers later. */
		void fail_power()
		{
			target.kill();
			client.close();
		}

		Target target;
		LogClient client;
	};

	Stack stack_;
	Random random_;
	RegionFile file_;
	LogModel model_;
};

TEST(PmemLogKill, EveryAcknowledgedRecordIsFoundWhole)
{
	uint64_t crashes = env_number("PMEM_LOG_CRASHES", 30);
	uint64_t seed = choose_seed("PMEM_LOG_SEED");
	printf("PMEM_LOG_CRASHES=%lu PMEM_LOG_SEED=%lu\n", crashes, seed);
	size_t acknowledged = 0;
	std::optional<Life> life;
	for (uint64_t i = 0; i < crashes; i++) {
		uint64_t number = i / kCrashesPerLog;
		Stack stack = kStacks[number % 2];
		Order order = kOrders[number % 3];
		SCOPED_TRACE("crash " + std::to_string(i) + ", " +
			     to_string(stack) + ", " + name_of(order));
		if (i % kCrashesPerLog == 0)
			life.emplace(stack, order, mix(seed) + number);
		life->crash();
		ASSERT_EQ(life->check(), "");
		if (i % kCrashesPerLog == kCrashesPerLog - 1)
			acknowledged += life->model().acknowledged();
	}
	printf("%lu crashes, %zu records acknowledged, none lost\n", crashes,
	       acknowledged);
}

TEST(PmemLogExamples, AppendAndPrint)
{
	RegionFile file(kMinPlace);
	Target target(Stack::msg, Memory::powerfail);
	LogClient client(Stack::msg, target,
			 target.add_file(file.path(), kMinPlace));
	std::string text;
	ASSERT_EQ(create(client.path(), client.place(), &text), 0) << text;
	Writer writer(client.path(), client.place(), {});
	ASSERT_EQ(writer.open(), 0) << writer.text();
	for (int i = 0; i < 200; i++)
		ASSERT_EQ(append_durably(writer, std::to_string(i)), 0)
			<< writer.text();
	Reader reader(client.path(), client.place());
	testing::internal::CaptureStdout();
	int ret = print_all(reader);
	std::string printed = testing::internal::GetCapturedStdout();
	EXPECT_EQ(ret, 0) << reader.text();
	EXPECT_NE(printed.find("\n198\n199\n"), printed.npos) << printed;
}

} // namespace
