/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/cq.hh"

#include "core/errors.hh"
#include "fixture/app_fixture.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

namespace ofi_pmem
{

namespace
{

void *context(uintptr_t value)
{
	return reinterpret_cast<void *>(value);
}

fi_cq_tagged_entry completion(uintptr_t value)
{
	return {context(value), FI_WRITE | FI_RMA, 100, context(8), 5, 6};
}

fi_cq_err_entry failure(uintptr_t value)
{
	fi_cq_err_entry entry{};
	entry.op_context = context(value);
	entry.err = FI_EIO;
	entry.prov_errno = prov_errno_of(Cause::flush_failed);
	return entry;
}

TEST(CompletionRing, RoomIsLimitedToWhatIsReserved)
{
	CompletionRing ring(2);
	ring.make_places();
	EXPECT_EQ(ring.reserve(), 0);
	EXPECT_EQ(ring.reserve(), 0);
	EXPECT_EQ(ring.reserve(), -FI_EAGAIN);
	ring.unreserve();
	EXPECT_EQ(ring.reserve(), 0);

	ring.push(completion(1), 0);
	EXPECT_EQ(ring.reserve(), -FI_EAGAIN);
	fi_cq_entry entry;
	EXPECT_EQ(ring.read(FI_CQ_FORMAT_CONTEXT, &entry, 1, nullptr), 1);
	EXPECT_EQ(ring.reserve(), 0);
}

TEST(CompletionRing, HasNoPlacesBeforeItNeedsThem)
{
	CompletionRing ring(2);
	EXPECT_EQ(ring.capacity(), 2u);
	EXPECT_EQ(ring.reserve(), -FI_EAGAIN);
	ring.make_places();
	ASSERT_EQ(ring.reserve(), 0);
	ring.push(completion(1), 0);
	ring.make_places();
	fi_cq_entry entry;
	EXPECT_EQ(ring.read(FI_CQ_FORMAT_CONTEXT, &entry, 1, nullptr), 1);
}

TEST(CompletionRing, EveryFormatHasItsFields)
{
	CompletionRing ring(4);
	ring.make_places();
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(ring.reserve(), 0);
		ring.push(completion(7), FI_ADDR_NOTAVAIL);
	}
	fi_cq_entry plain;
	EXPECT_EQ(ring.read(FI_CQ_FORMAT_CONTEXT, &plain, 1, nullptr), 1);
	EXPECT_EQ(plain.op_context, context(7));
	fi_cq_msg_entry msg;
	EXPECT_EQ(ring.read(FI_CQ_FORMAT_MSG, &msg, 1, nullptr), 1);
	EXPECT_EQ(msg.flags, uint64_t{FI_WRITE | FI_RMA});
	EXPECT_EQ(msg.len, 100u);
	fi_cq_data_entry data;
	EXPECT_EQ(ring.read(FI_CQ_FORMAT_DATA, &data, 1, nullptr), 1);
	EXPECT_EQ(data.buf, context(8));
	EXPECT_EQ(data.data, 5u);
	fi_cq_tagged_entry tagged;
	fi_addr_t source = 0;
	EXPECT_EQ(ring.read(FI_CQ_FORMAT_TAGGED, &tagged, 1, &source), 1);
	EXPECT_EQ(tagged.tag, 6u);
	EXPECT_EQ(source, FI_ADDR_NOTAVAIL);
	EXPECT_TRUE(ring.empty());
}

TEST(CompletionRing, ErrorStopsTheBatchAndWaitsForReaderr)
{
	CompletionRing ring(3);
	ring.make_places();
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(ring.reserve(), 0);
	ring.push(completion(1), 0);
	ring.push_error(failure(2));
	ring.push(completion(3), 0);
	fi_cq_entry entries[3];
	auto format = FI_CQ_FORMAT_CONTEXT;
	EXPECT_EQ(ring.read(format, entries, 3, nullptr), 1);
	EXPECT_EQ(ring.read(format, entries, 3, nullptr), -FI_EAVAIL);
	fi_cq_err_entry error{};
	EXPECT_EQ(ring.readerr(FI_VERSION(1, 17), &error), 1);
	EXPECT_EQ(error.op_context, context(2));
	EXPECT_EQ(error.err, FI_EIO);
	EXPECT_EQ(ring.readerr(FI_VERSION(1, 17), &error), -FI_EAGAIN);
	EXPECT_EQ(ring.read(format, entries, 3, nullptr), 1);
	EXPECT_EQ(entries[0].op_context, context(3));
}

TEST(CompletionRing, ItsOrderSurvivesManyTurns)
{
	CompletionRing ring(3);
	ring.make_places();
	fi_cq_entry entry;
	for (uintptr_t i = 1; i < 100; i++) {
		ASSERT_EQ(ring.reserve(), 0);
		ring.push(completion(i), 0);
		if (i == 1)
			continue;
		ASSERT_EQ(ring.read(FI_CQ_FORMAT_CONTEXT, &entry, 1, nullptr),
			  1);
		ASSERT_EQ(entry.op_context, context(i - 1));
	}
}

TEST(StoredError, DataGoesWhereTheApiVersionSays)
{
	char data[] = "why";
	auto entry = failure(1);
	entry.err_data = data;
	entry.err_data_size = sizeof(data);
	StoredError stored;
	stored.store(entry);
	data[0] = 'x';

	fi_cq_err_entry out{};
	stored.copy_to(FI_VERSION(1, 17), &out);
	EXPECT_STREQ(static_cast<char *>(out.err_data), "why");
	EXPECT_EQ(out.err_data_size, sizeof(data));

	char own[2] = {};
	out.err_data = own;
	out.err_data_size = sizeof(own);
	stored.copy_to(FI_VERSION(1, 17), &out);
	EXPECT_EQ(out.err_data, own);
	EXPECT_EQ(out.err_data_size, 2u);
	EXPECT_EQ(memcmp(own, "wh", 2), 0);

	out.err_data_size = 12345;
	stored.copy_to(FI_VERSION(1, 4), &out);
	EXPECT_STREQ(static_cast<char *>(out.err_data), "why");
	EXPECT_EQ(out.err_data_size, 12345u);
}

class Source : public ProgressSource
{
public:
	void progress() noexcept override { calls++; }
	int wait_fd() const noexcept override { return fd; }
	int trywait() noexcept override { return result; }

	int calls = 0;
	int fd = -1;
	int result = 0;
};

class Op : public InternalOp
{
public:
	void inner_completed(int err, int prov_errno) noexcept override
	{
		calls++;
		last_err = err;
		last_prov_errno = prov_errno;
	}

	int calls = 0;
	int last_err = -1;
	int last_prov_errno = -1;
};

class CompletionQueueTest : public AppTest
{
protected:
	void open(fi_wait_obj wait_obj = FI_WAIT_NONE, size_t size = 0)
	{
		open_domain(kPersistent);
		/* Readable at will, for the fake inner queue. */
		inner_fd = eventfd(0, EFD_NONBLOCK);
		inner_domain->cq_wait_fd = inner_fd;
		fi_cq_attr attr{};
		attr.format = FI_CQ_FORMAT_TAGGED;
		attr.wait_obj = wait_obj;
		attr.size = size;
		ASSERT_EQ(fi_cq_open(domain, &attr, &cq, nullptr), 0);
		outer()->plane().make_places();
		inner = inner_domain->cq;
	}

	void TearDown() override
	{
		if (cq) {
			EXPECT_EQ(fi_close(&cq->fid), 0);
		}
		if (inner_fd >= 0)
			close(inner_fd);
		AppTest::TearDown();
	}

	CompletionQueue *outer() { return static_cast<CompletionQueue *>(cq); }

	void push(uintptr_t value)
	{
		ASSERT_EQ(outer()->plane().reserve(), 0);
		outer()->plane().push(completion(value), FI_ADDR_NOTAVAIL);
	}

	ssize_t read(size_t count = 8)
	{
		return fi_cq_readfrom(cq, entries, count, sources);
	}

	fid_cq *cq = nullptr;
	fake::CompletionQueue *inner = nullptr;
	int inner_fd = -1;
	fi_cq_tagged_entry entries[8];
	fi_addr_t sources[8];
};

TEST_F(CompletionQueueTest, OwnCompletionsComeFirstThenInner)
{
	open();
	push(1);
	inner->complete(context(2), 22);
	inner->complete(context(3), 33);
	EXPECT_EQ(read(), 3);
	EXPECT_EQ(entries[0].op_context, context(1));
	EXPECT_EQ(sources[0], FI_ADDR_NOTAVAIL);
	EXPECT_EQ(entries[2].op_context, context(3));
	EXPECT_EQ(sources[2], 33u);
	EXPECT_EQ(read(), -FI_EAGAIN);
}

TEST_F(CompletionQueueTest, ReadNeverExceedsTheCount)
{
	open();
	push(1);
	push(2);
	inner->complete(context(3));
	EXPECT_EQ(read(1), 1);
	EXPECT_EQ(read(2), 2);
	EXPECT_EQ(entries[1].op_context, context(3));
}

TEST_F(CompletionQueueTest, ReadDrivesTheSource)
{
	open();
	Source source;
	static_cast<Domain *>(domain)->set_progress_source(&source);
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(source.calls, 1);
	static_cast<Domain *>(domain)->set_progress_source(nullptr);
}

TEST_F(CompletionQueueTest, InternalOpsAreTakenOutOfABatch)
{
	open();
	Op first;
	Op second;
	outer()->plane().expect(&first);
	outer()->plane().expect(&second);
	inner->complete(&first);
	inner->complete(context(2), 22);
	inner->complete(&second);
	inner->complete(context(4), 44);
	EXPECT_EQ(read(), 2);
	EXPECT_EQ(entries[0].op_context, context(2));
	EXPECT_EQ(sources[0], 22u);
	EXPECT_EQ(entries[1].op_context, context(4));
	EXPECT_EQ(sources[1], 44u);
	EXPECT_EQ(first.calls, 1);
	EXPECT_EQ(second.calls, 1);
	EXPECT_EQ(first.last_err, 0);
}

TEST_F(CompletionQueueTest, ReadGoesOnWhenAllWasInternal)
{
	open();
	Op op;
	outer()->plane().expect(&op);
	inner->complete(&op);
	EXPECT_EQ(read(1), -FI_EAGAIN);
	EXPECT_EQ(op.calls, 1);
	outer()->plane().expect(&op);
	inner->complete(&op);
	inner->complete(context(2));
	EXPECT_EQ(read(1), 1);
	EXPECT_EQ(entries[0].op_context, context(2));
}

TEST_F(CompletionQueueTest, ForgottenOpsAreNotFiltered)
{
	open();
	Op op;
	outer()->plane().expect(&op);
	outer()->plane().forget(&op);
	inner->complete(&op);
	EXPECT_EQ(read(), 1);
	EXPECT_EQ(op.calls, 0);
}

TEST_F(CompletionQueueTest, InternalErrorsNeverReachTheApplication)
{
	open();
	Op op;
	outer()->plane().expect(&op);
	inner->fail(&op, FI_ECONNABORTED);
	inner->complete(context(2));
	EXPECT_EQ(read(), 1);
	EXPECT_EQ(entries[0].op_context, context(2));
	EXPECT_EQ(op.last_err, FI_ECONNABORTED);
}

TEST_F(CompletionQueueTest, ApplicationsErrorIsKeptWhileOpsAreExpected)
{
	open();
	Op op;
	outer()->plane().expect(&op);
	inner->fail(context(1), FI_EIO);
	inner->complete(&op);
	EXPECT_EQ(read(), -FI_EAVAIL);
	EXPECT_EQ(read(), -FI_EAVAIL);
	fi_cq_err_entry error{};
	EXPECT_EQ(fi_cq_readerr(cq, &error, 0), 1);
	EXPECT_EQ(error.op_context, context(1));
	EXPECT_EQ(error.err, FI_EIO);
	EXPECT_EQ(fi_cq_readerr(cq, &error, 0), -FI_EAGAIN);
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(op.calls, 1);
}

TEST_F(CompletionQueueTest, ReaderrSkipsInternalErrors)
{
	open();
	Op op;
	outer()->plane().expect(&op);
	inner->fail(&op, FI_EIO);
	inner->fail(context(1), FI_EPERM);
	fi_cq_err_entry error{};
	EXPECT_EQ(fi_cq_readerr(cq, &error, 0), 1);
	EXPECT_EQ(error.err, FI_EPERM);
	EXPECT_EQ(op.calls, 1);
}

TEST_F(CompletionQueueTest, OwnErrorIsReadableAndHasText)
{
	open();
	ASSERT_EQ(outer()->plane().reserve(), 0);
	outer()->plane().push_error(failure(1));
	EXPECT_EQ(read(), -FI_EAVAIL);
	fi_cq_err_entry error{};
	EXPECT_EQ(fi_cq_readerr(cq, &error, 0), 1);
	char text[8];
	auto full = fi_cq_strerror(cq, error.prov_errno, error.err_data, text,
				   sizeof(text));
	EXPECT_EQ(strlen(text), 7u);
	EXPECT_EQ(strncmp(text, full, 7), 0);
	EXPECT_STREQ(fi_cq_strerror(cq, 1, nullptr, nullptr, 0), "inner");
}

TEST_F(CompletionQueueTest, WaitObjectsBecomeDescriptors)
{
	open(FI_WAIT_UNSPEC);
	EXPECT_EQ(inner->attr.wait_obj, FI_WAIT_FD);
	int fd = -1;
	EXPECT_EQ(fi_control(&cq->fid, FI_GETWAIT, &fd), 0);
	EXPECT_GE(fd, 0);
	EXPECT_NE(fd, inner_fd);
}

TEST_F(CompletionQueueTest, OtherWaitObjectsAreRefused)
{
	open_domain(kPersistent);
	fi_cq_attr attr{};
	for (auto wait_obj :
	     {FI_WAIT_SET, FI_WAIT_MUTEX_COND, FI_WAIT_YIELD, FI_WAIT_POLLFD}) {
		attr.wait_obj = wait_obj;
		EXPECT_EQ(fi_cq_open(domain, &attr, &cq, nullptr), -FI_ENOSYS);
	}
}

TEST_F(CompletionQueueTest, TrywaitArmsEverything)
{
	open(FI_WAIT_FD);
	auto below = &cq->fid;
	EXPECT_EQ(fi_trywait(fabric, &below, 1), 0);
	EXPECT_EQ(inner_fabric->armed, &inner->fid);
	inner_fabric->trywait_result = -FI_EAGAIN;
	EXPECT_EQ(fi_trywait(fabric, &below, 1), -FI_EAGAIN);
	inner_fabric->trywait_result = 0;

	Source source;
	source.fd = eventfd(0, EFD_NONBLOCK);
	source.result = -FI_EAGAIN;
	static_cast<Domain *>(domain)->set_progress_source(&source);
	EXPECT_EQ(fi_trywait(fabric, &below, 1), -FI_EAGAIN);
	source.result = 0;
	EXPECT_EQ(fi_trywait(fabric, &below, 1), 0);
	push(1);
	EXPECT_EQ(fi_trywait(fabric, &below, 1), -FI_EAGAIN);
	EXPECT_EQ(read(), 1);
	EXPECT_EQ(fi_trywait(fabric, &below, 1), 0);
	static_cast<Domain *>(domain)->set_progress_source(nullptr);
	close(source.fd);
}

TEST_F(CompletionQueueTest, DescriptorIsReadableAfterAPush)
{
	open(FI_WAIT_FD);
	auto below = &cq->fid;
	ASSERT_EQ(fi_trywait(fabric, &below, 1), 0);
	int fd = -1;
	ASSERT_EQ(fi_control(&cq->fid, FI_GETWAIT, &fd), 0);
	pollfd polled{fd, POLLIN, 0};
	EXPECT_EQ(poll(&polled, 1, 0), 0);
	push(1);
	EXPECT_EQ(poll(&polled, 1, 1000), 1);
}

TEST_F(CompletionQueueTest, BlockedReadWakesForAPush)
{
	open(FI_WAIT_UNSPEC);
	std::thread pusher([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
		push(9);
	});
	EXPECT_EQ(fi_cq_sread(cq, entries, 8, nullptr, -1), 1);
	EXPECT_EQ(entries[0].op_context, context(9));
	pusher.join();
}

TEST_F(CompletionQueueTest, BlockedReadTimesOut)
{
	open(FI_WAIT_FD);
	Deadline deadline(30);
	EXPECT_EQ(fi_cq_sread(cq, entries, 8, nullptr, 30), -FI_EAGAIN);
	EXPECT_EQ(deadline.left_ms(), 0);
}

TEST_F(CompletionQueueTest, SignalEndsABlockedRead)
{
	open(FI_WAIT_FD);
	std::thread signaller([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
		EXPECT_EQ(fi_cq_signal(cq), 0);
	});
	EXPECT_EQ(fi_cq_sread(cq, entries, 8, nullptr, -1), -FI_EAGAIN);
	signaller.join();
	/* A signal counts once. */
	EXPECT_EQ(fi_cq_sread(cq, entries, 8, nullptr, 1), -FI_EAGAIN);
}

TEST_F(CompletionQueueTest, PlainQueueIsTheInnerQueue)
{
	open_domain(kPlain);
	fi_cq_attr attr{};
	attr.format = FI_CQ_FORMAT_TAGGED;
	attr.wait_obj = FI_WAIT_MUTEX_COND;
	ASSERT_EQ(fi_cq_open(domain, &attr, &cq, nullptr), 0);
	inner = inner_domain->cq;
	EXPECT_EQ(inner->attr.wait_obj, FI_WAIT_MUTEX_COND);
	EXPECT_EQ(outer()->plane().reserve(), -FI_EAGAIN);
	inner->complete(context(1));
	EXPECT_EQ(read(), 1);
	EXPECT_EQ(read(), -FI_EAGAIN);
}

TEST_F(CompletionQueueTest, ManyThreadsPushWhileOneReads)
{
	open(FI_WAIT_UNSPEC, 64);
	constexpr int kThreads = 4;
	constexpr int kEach = 2000;
	std::vector<std::thread> pushers;
	for (int i = 0; i < kThreads; i++)
		pushers.emplace_back([&] {
			for (int n = 0; n < kEach; n++) {
				while (outer()->plane().reserve())
					std::this_thread::yield();
				outer()->plane().push(completion(1),
						      FI_ADDR_NOTAVAIL);
			}
		});
	int seen = 0;
	while (seen < kThreads * kEach) {
		ssize_t ret = fi_cq_sread(cq, entries, 8, nullptr, 5000);
		ASSERT_GT(ret, 0);
		seen += static_cast<int>(ret);
	}
	for (auto &pusher : pushers)
		pusher.join();
	EXPECT_EQ(read(), -FI_EAGAIN);
}

} // namespace

} // namespace ofi_pmem
