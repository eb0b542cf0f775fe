/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How operations on persistent regions report: queue formats, counters,
 * selective completion, default flags, every way to wait, and the order
 * towards sends.
 */
#include "common/initiator.hh"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 1 << 20;
constexpr size_t kSizes[] = {100, 50000}; /* inline, one-sided */
constexpr uint64_t kOpFlags = FI_RMA | FI_READ | FI_WRITE | FI_SEND | FI_RECV;

class PmemCompletion : public testing::TestWithParam<Stack>
{
protected:
	PmemCompletion()
		: file(kRegionLen), target(GetParam(), Memory::powerfail),
		  region(target.add_file(file.path(), kRegionLen))
	{
		options.stack = GetParam();
	}

	/* Call once `options` are set. */
	Initiator &open()
	{
		initiator = std::make_unique<Initiator>(options);
		target.connect(initiator->node());
		return *initiator;
	}

	void expect_durable(uint64_t offset, const Bytes &wanted)
	{
		target.kill();
		EXPECT_EQ(difference(file.read(offset, wanted.size()), wanted),
			  "");
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
	NodeOptions options;
	std::unique_ptr<Initiator> initiator;
	fi_context2 context{};
};

class PmemCqFormat : public PmemCompletion
{
protected:
	void expect_flags(fi_cq_format format)
	{
		options.cq_format = format;
		open();
		bool with_flags = format != FI_CQ_FORMAT_CONTEXT;
		for (size_t len : kSizes) {
			SCOPED_TRACE(len);
			LocalBuffer buffer(initiator->node(),
					   pattern(len, len));
			Completion done = initiator->expect_success(
				initiator->write(region, 0, buffer,
						 FI_COMMIT_COMPLETE, &context),
				&context);
			EXPECT_EQ(done.flags & kOpFlags,
				  with_flags ? FI_RMA | FI_WRITE : 0);
			done = initiator->expect_success(
				initiator->read(region, 0, buffer, &context),
				&context);
			EXPECT_EQ(done.flags & kOpFlags,
				  with_flags ? FI_RMA | FI_READ : 0);
		}
	}
};

TEST_P(PmemCqFormat, ContextHasTheContext)
{
	expect_flags(FI_CQ_FORMAT_CONTEXT);
}

TEST_P(PmemCqFormat, MsgHasTheFlags)
{
	expect_flags(FI_CQ_FORMAT_MSG);
}

TEST_P(PmemCqFormat, DataHasTheFlags)
{
	expect_flags(FI_CQ_FORMAT_DATA);
}

TEST_P(PmemCqFormat, TaggedHasTheFlags)
{
	expect_flags(FI_CQ_FORMAT_TAGGED);
}

uint64_t await_counter(fid_cntr *counter, uint64_t wanted)
{
	Deadline deadline;
	uint64_t value;
	while ((value = fi_cntr_read(counter)) < wanted)
		deadline.spin("a counter stays behind");
	return value;
}

class PmemCounter : public PmemCompletion
{
protected:
	/* False, with the test skipped, where the stack has no counters. */
	bool open_with_counters()
	{
		options.counters = true;
		try {
			open();
		} catch (const FabricError &error) {
			if (error.ret() != -FI_ENOSYS)
				throw;
			return false;
		}
		return true;
	}
};

TEST_P(PmemCounter, CountWritesAndReadsApart)
{
	if (!open_with_counters())
		GTEST_SKIP() << "the inner provider has no counters";
	Node &node = initiator->node();
	std::vector<std::unique_ptr<LocalBuffer>> buffers;
	fi_context2 contexts[5] = {};
	for (size_t i = 0; i < 5; i++) {
		buffers.push_back(std::make_unique<LocalBuffer>(
			node, pattern(i, i % 2 ? 20000 : 30)));
		LocalBuffer &buffer = *buffers.back();
		uint64_t offset = i * 32768;
		ssize_t ret = i < 3 ? initiator->write(region, offset, buffer,
						       FI_COMMIT_COMPLETE,
						       &contexts[i])
				    : initiator->read(region, offset, buffer,
						      &contexts[i]);
		check(ret, "an operation");
	}
	EXPECT_EQ(await_counter(node.write_cntr.get(), 3), 3u);
	EXPECT_EQ(await_counter(node.read_cntr.get(), 2), 2u);
	EXPECT_EQ(fi_cntr_readerr(node.write_cntr.get()), 0u);
	EXPECT_EQ(fi_cntr_readerr(node.read_cntr.get()), 0u);
}

TEST_P(PmemCounter, WaitReturnsWhenTheCommitIsDurable)
{
	if (!open_with_counters())
		GTEST_SKIP() << "the inner provider has no counters";
	Bytes wanted = pattern(1, 30000);
	LocalBuffer buffer(initiator->node(), wanted);
	check(initiator->write(region, 5, buffer, FI_COMMIT_COMPLETE, &context),
	      "fi_writemsg");
	fid_cntr *counter = initiator->node().write_cntr.get();
	EXPECT_EQ(fi_cntr_wait(counter, 1, 20000), 0);
	EXPECT_EQ(fi_cntr_wait(counter, 2, 10), -FI_ETIMEDOUT);
	EXPECT_EQ(fi_cntr_set(counter, 40), 0);
	EXPECT_EQ(await_counter(counter, 40), 40u);
	EXPECT_EQ(fi_cntr_add(counter, 2), 0);
	EXPECT_EQ(await_counter(counter, 42), 42u);
	expect_durable(5, wanted);
}

TEST_P(PmemCounter, ErrorsGoToTheErrorCount)
{
	if (!open_with_counters())
		GTEST_SKIP() << "the inner provider has no counters";
	fid_cntr *counter = initiator->node().write_cntr.get();
	initiator->write_and_wait(region, 0, pattern(1, 100),
				  FI_COMMIT_COMPLETE);
	EXPECT_EQ(await_counter(counter, 1), 1u);
	/* Under way, and never to be answered: with a fence the service must,
	 * whatever the NIC can do. */
	target.stop();
	LocalBuffer buffer(initiator->node(), 100);
	check(initiator->write(region, 0, buffer, FI_COMMIT_COMPLETE | FI_FENCE,
			       &context),
	      "fi_writemsg");
	target.kill();
	EXPECT_EQ(fi_cntr_wait(counter, 2, 20000), -FI_EAVAIL);
	Deadline deadline;
	while (!fi_cntr_readerr(counter))
		deadline.spin("the error count stays 0");
	EXPECT_EQ(fi_cntr_readerr(counter), 1u);
	EXPECT_EQ(fi_cntr_read(counter), 1u);
}

class PmemSelective : public PmemCompletion
{
};

TEST_P(PmemSelective, OnlyAskedCompletionsAppear)
{
	options.tx_bind_flags = FI_SELECTIVE_COMPLETION;
	open();
	Bytes silent = pattern(1, 5000);
	Bytes loud = pattern(2, 60);
	LocalBuffer first(initiator->node(), silent);
	LocalBuffer second(initiator->node(), loud);
	fi_context2 quiet{};
	check(initiator->write(region, 0, first, FI_COMMIT_COMPLETE, &quiet),
	      "fi_writemsg");
	check(initiator->post([&] {
		return fi_write(initiator->ep(), second.data(), second.size(),
				second.desc(), initiator->peer(),
				region.base + 8192, region.key, &quiet);
	}),
	      "fi_write");
	initiator->expect_success(
		initiator->write(region, 16384, second,
				 kFencedCommit | FI_COMPLETION, &context),
		&context);
	Completion extra;
	EXPECT_FALSE(initiator->completions().poll_one(&extra));
	target.kill();
	EXPECT_EQ(difference(file.read(0, silent.size()), silent), "");
	EXPECT_EQ(difference(file.read(8192, loud.size()), loud), "");
	EXPECT_EQ(difference(file.read(16384, loud.size()), loud), "");
}

TEST_P(PmemSelective, ErrorsAppearUnasked)
{
	options.tx_bind_flags = FI_SELECTIVE_COMPLETION;
	open();
	LocalBuffer buffer(initiator->node(), 100);
	RemoteRegion forged = region;
	forged.key ^= 0x5a5a;
	ssize_t ret = initiator->write(forged, 0, buffer, FI_COMMIT_COMPLETE,
				       &context);
	EXPECT_NE(outcome(*initiator, ret, &context).err, 0);
}

class PmemDefaultFlags : public PmemCompletion
{
};

TEST_P(PmemDefaultFlags, CommitByDefaultCoversEveryWriteCall)
{
	options.op_flags = FI_COMMIT_COMPLETE;
	open();
	Bytes wanted = pattern(3, 30000);
	LocalBuffer buffer(initiator->node(), wanted);
	for (uint64_t offset : {0, 100000}) {
		ssize_t ret = initiator->post([&] {
			if (!offset)
				return fi_write(initiator->ep(), buffer.data(),
						buffer.size(), buffer.desc(),
						initiator->peer(), region.base,
						region.key, &context);
			iovec iov{buffer.data(), buffer.size()};
			void *desc = buffer.desc();
			return fi_writev(initiator->ep(), &iov, &desc, 1,
					 initiator->peer(),
					 region.base + offset, region.key,
					 &context);
		});
		initiator->expect_success(ret, &context);
	}
	target.kill();
	EXPECT_EQ(difference(file.read(0, wanted.size()), wanted), "");
	EXPECT_EQ(difference(file.read(100000, wanted.size()), wanted), "");
}

TEST_P(PmemDefaultFlags, CommitByDefaultDoesNotConcernMessages)
{
	options.op_flags = FI_COMMIT_COMPLETE;
	open();
	target.post_recv();
	target.start_read_cq();
	LocalBuffer buffer(initiator->node(), pattern(2, 16));
	check(initiator->post([&] {
		return fi_send(initiator->ep(), buffer.data(), buffer.size(),
			       buffer.desc(), initiator->peer(), &context);
	}),
	      "fi_send");
	EXPECT_TRUE(initiator->await_arrival(target).flags & FI_RECV);
	initiator->expect_success(&context);
}

class PmemWaiting : public PmemCompletion
{
public:
	/* Blocks in fi_cq_sread() until the completion of `context`. */
	void sread()
	{
		Deadline deadline;
		fi_cq_data_entry entry{};
		ssize_t ret;
		do {
			ret = fi_cq_sread(initiator->node().cq.get(), &entry, 1,
					  nullptr, 20000);
			deadline.spin("fi_cq_sread");
		} while (ret == -FI_EAGAIN || ret == -FI_EINTR);
		ASSERT_EQ(ret, 1);
		EXPECT_EQ(entry.op_context, &context);
		EXPECT_EQ(entry.flags & kOpFlags, FI_RMA | FI_WRITE);
	}

	/* Blocks in epoll_wait(), as fi_poll(3) describes. */
	void epoll_read()
	{
		fid_cq *cq = initiator->node().cq.get();
		fid *fids[] = {&cq->fid};
		int fd = -1;
		ASSERT_EQ(fi_control(&cq->fid, FI_GETWAIT, &fd), 0);
		int poller = epoll_create1(EPOLL_CLOEXEC);
		epoll_event event{};
		event.events = EPOLLIN;
		ASSERT_EQ(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), 0);
		Deadline deadline;
		fi_cq_data_entry entry{};
		ssize_t ret;
		while ((ret = fi_cq_read(cq, &entry, 1)) == -FI_EAGAIN) {
			int armed = fi_trywait(initiator->node().fabric.get(),
					       fids, 1);
			if (armed == 0)
				epoll_wait(poller, &event, 1, 20000);
			else
				ASSERT_EQ(armed, -FI_EAGAIN);
			deadline.spin("epoll");
		}
		close(poller);
		ASSERT_EQ(ret, 1);
		EXPECT_EQ(entry.op_context, &context);
	}

	void write_and_wait_by(void (PmemWaiting::*wait)())
	{
		open();
		for (int round = 0; round < 20; round++) {
			size_t len = kSizes[round % 2];
			Bytes wanted =
				pattern(static_cast<uint64_t>(round), len);
			LocalBuffer buffer(initiator->node(), wanted);
			check(initiator->write(region, 1, buffer,
					       FI_COMMIT_COMPLETE, &context),
			      "fi_writemsg");
			(this->*wait)();
			EXPECT_EQ(difference(file.read(1, len), wanted), "");
		}
	}
};

TEST_P(PmemWaiting, SreadReturnsTheCommit)
{
	options.wait_obj = FI_WAIT_FD;
	write_and_wait_by(&PmemWaiting::sread);
}

TEST_P(PmemWaiting, SreadWithAnUnspecifiedWaitObject)
{
	options.wait_obj = FI_WAIT_UNSPEC;
	write_and_wait_by(&PmemWaiting::sread);
}

TEST_P(PmemWaiting, EpollOnTheDescriptorSeesTheCommit)
{
	options.wait_obj = FI_WAIT_FD;
	write_and_wait_by(&PmemWaiting::epoll_read);
}

TEST_P(PmemWaiting, SreadTimesOut)
{
	options.wait_obj = FI_WAIT_FD;
	open();
	fi_cq_data_entry entry{};
	EXPECT_EQ(
		fi_cq_sread(initiator->node().cq.get(), &entry, 1, nullptr, 50),
		-FI_EAGAIN);
}

TEST_P(PmemWaiting, SignalEndsASread)
{
	options.wait_obj = FI_WAIT_FD;
	open();
	fid_cq *cq = initiator->node().cq.get();
	std::atomic<bool> done{false};
	ssize_t ret = 0;
	auto start = std::chrono::steady_clock::now();
	std::thread sleeper([&] {
		fi_cq_data_entry entry{};
		ret = fi_cq_sread(cq, &entry, 1, nullptr, 30000);
		done = true;
	});
	Deadline deadline;
	while (!done && !deadline.passed()) {
		fi_cq_signal(cq);
		sched_yield();
	}
	sleeper.join();
	EXPECT_LT(std::chrono::steady_clock::now() - start,
		  std::chrono::seconds(20));
	EXPECT_EQ(ret, -FI_EAGAIN);
}

class PmemOrder : public PmemCompletion
{
};

TEST_P(PmemOrder, FenceCapabilityIsGrantedWhenAsked)
{
	options.caps = FI_FENCE;
	open();
	EXPECT_TRUE(initiator->node().info->caps & FI_FENCE);
	Bytes first = pattern(1, 40000);
	Bytes second = pattern(2, 40);
	LocalBuffer one(initiator->node(), first);
	LocalBuffer two(initiator->node(), second);
	fi_context2 contexts[2] = {};
	check(initiator->write(region, 0, one, 0, &contexts[0]), "fi_writemsg");
	check(initiator->write(region, 100, two, kFencedCommit, &contexts[1]),
	      "fi_writemsg");
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(initiator->completions().wait().err, 0);
	std::copy(second.begin(), second.end(), first.begin() + 100);
	expect_durable(0, first);
}

TEST_P(PmemOrder, FenceAppliesToSendsToo)
{
	options.caps = FI_FENCE;
	open();
	target.post_recv();
	target.start_read_cq();
	Bytes wanted = pattern(1, 300000);
	LocalBuffer one(initiator->node(), wanted);
	LocalBuffer text(initiator->node(), 8);
	fi_context2 contexts[2] = {};
	check(initiator->write(region, 0, one, FI_COMMIT_COMPLETE,
			       &contexts[0]),
	      "fi_writemsg");
	iovec iov{text.data(), text.size()};
	void *desc = text.desc();
	fi_msg msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = initiator->peer();
	msg.context = &contexts[1];
	check(initiator->post([&] {
		return fi_sendmsg(initiator->ep(), &msg,
				  FI_FENCE | FI_COMPLETION);
	}),
	      "fi_sendmsg");
	/* When the message is there, the write before it is durable. */
	EXPECT_TRUE(initiator->await_arrival(target).flags & FI_RECV);
	expect_durable(0, wanted);
}

TEST_P(PmemOrder, SendAfterWriteFindsTheData)
{
	options.msg_order = FI_ORDER_SAW;
	open();
	EXPECT_TRUE(initiator->node().info->tx_attr->msg_order & FI_ORDER_SAW);
	for (uint64_t round = 0; round < 10; round++) {
		size_t len = kSizes[round % 2];
		Bytes wanted = pattern(round, len);
		LocalBuffer buffer(initiator->node(), wanted);
		LocalBuffer text(initiator->node(), 8);
		fi_context2 contexts[2] = {};
		target.post_recv();
		target.start_read_cq();
		check(initiator->write(region, 0, buffer, 0, &contexts[0]),
		      "fi_writemsg");
		check(initiator->post([&] {
			return fi_send(initiator->ep(), text.data(),
				       text.size(), text.desc(),
				       initiator->peer(), &contexts[1]);
		}),
		      "fi_send");
		EXPECT_TRUE(initiator->await_arrival(target).flags & FI_RECV);
		EXPECT_EQ(target.peek(region, 0, len),
			  hash(wanted.data(), len));
		for (int i = 0; i < 2; i++)
			ASSERT_EQ(initiator->completions().wait().err, 0);
	}
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemCqFormat, testing::ValuesIn(kStacks),
			 CaseName());
INSTANTIATE_TEST_SUITE_P(Stacks, PmemCounter, testing::ValuesIn(kStacks),
			 CaseName());
INSTANTIATE_TEST_SUITE_P(Stacks, PmemSelective, testing::ValuesIn(kStacks),
			 CaseName());
INSTANTIATE_TEST_SUITE_P(Stacks, PmemDefaultFlags, testing::ValuesIn(kStacks),
			 CaseName());
INSTANTIATE_TEST_SUITE_P(Stacks, PmemWaiting, testing::ValuesIn(kStacks),
			 CaseName());
INSTANTIATE_TEST_SUITE_P(Stacks, PmemOrder, testing::ValuesIn(kStacks),
			 CaseName());

} // namespace
