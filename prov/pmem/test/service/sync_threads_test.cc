/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The threads that wait for devices. */
#include "service/sync_threads.hh"

#include "fake/fake_device.hh"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

namespace ofi_pmem::test
{

/* Two regions of a file: who has nothing new waits for what others began. */
TEST(SyncThreads, SyncForAllOfAFileWhenOneRegionWaitsForLess)
{
	auto device = std::make_shared<FakeDevice>();
	SyncThreads threads([] {});
	PendingDrain first{device, device->ask(1)};
	threads.ask(first);
	ASSERT_TRUE(device->await_begun(1));
	PendingDrain second{device, device->ask(1)};
	threads.ask(second);
	threads.ask(first);
	device->open();
	auto deadline =
		std::chrono::steady_clock::now() + std::chrono::seconds(20);
	while (!second.ended() && std::chrono::steady_clock::now() < deadline)
		std::this_thread::yield();
	EXPECT_TRUE(second.ended());
}

} // namespace ofi_pmem::test
