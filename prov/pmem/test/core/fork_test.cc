/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A child process may do nothing with what it inherits. It neither waits for a
 * thread that it does not have nor closes what its parent uses.
 */
#include "core/fork.hh"

#include "fixture/app_plane_fixture.hh"
#include "fixture/persist_fixture.hh"
#include "fixture/plane_fixture.hh"
#include "persist/shared_file.hh"

#include <rdma/fi_errno.h>

#include <sys/wait.h>

namespace ofi_pmem
{

namespace
{

constexpr unsigned kChildSeconds = 20;

/* Returns whether a child does this without a complaint, in time. */
template <typename Body> bool child_succeeds(Body body)
{
	fflush(nullptr);
	pid_t child = fork();
	if (!child) {
		alarm(kChildSeconds);
		body();
		fflush(nullptr);
		_exit(testing::Test::HasFailure());
	}
	int status = -1;
	return waitpid(child, &status, 0) == child && !status;
}

class Fork : public AppPlaneTest
{
protected:
	void SetUp() override
	{
		AppTest::SetUp();
		prepare(kPersistent | FI_ATOMIC);
		info->tx_attr->iov_limit = 1;
		info->tx_attr->rma_iov_limit = 1;
		/* This starts a thread, which may hold locks. */
		info->domain_attr->data_progress = FI_PROGRESS_AUTO;
		open();
		fi_eq_attr attr{};
		ASSERT_EQ(fi_eq_open(fabric, &attr, &events_, nullptr), 0);
		ASSERT_EQ(fi_cntr_open(domain, nullptr, &counter_, nullptr), 0);
		ASSERT_EQ(fi_cntr_add(counter_, 5), 0);
		key_ = add_region(&medium_, 0, FI_REMOTE_WRITE);
		EXPECT_EQ(commit(1), 0);
	}

	void TearDown() override
	{
		EXPECT_EQ(commit(2), 0);
		EXPECT_EQ(medium_.durable[0], 2);
		EXPECT_EQ(fi_cntr_read(counter_), 5u);
		EXPECT_EQ(fi_close(&counter_->fid), 0);
		EXPECT_EQ(fi_close(&events_->fid), 0);
		close_endpoint();
		persistence().remove_region(key_);
		AppTest::TearDown();
	}

	ssize_t try_commit(uint8_t *byte)
	{
		iovec iov{byte, 1};
		fi_rma_iov range{0, 1, key_.value()};
		fi_msg_rma msg{&iov, nullptr, 1, 0, &range, 1, byte, 0};
		return fi_writemsg(ep, &msg,
				   FI_COMMIT_COMPLETE | FI_COMPLETION);
	}

	ssize_t commit(uint8_t byte)
	{
		ssize_t ret = post([&] { return try_commit(&byte); });
		if (!ret) {
			EXPECT_EQ(wait().op_context, &byte);
		}
		return ret;
	}

	test::FakeMedium medium_{4096};
	Key key_{0};
	fid_eq *events_ = nullptr;
	fid_cntr *counter_ = nullptr;
};

TEST_F(Fork, ChildPostsNothing)
{
	EXPECT_TRUE(child_succeeds([this] {
		uint8_t byte = 3;
		EXPECT_EQ(try_commit(&byte), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_send(ep, &byte, 1, nullptr, 0, &byte),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_atomic(ep, &byte, 1, nullptr, 0, 0, key_.value(),
				    FI_UINT8, FI_SUM, &byte),
			  -FI_EOPNOTSUPP);
	}));
}

TEST_F(Fork, ChildTakesNothingThatIsItsParents)
{
	EXPECT_TRUE(child_succeeds([this] {
		uint8_t byte = 3;
		uint32_t event = 0;
		fid *waitables[] = {&cq->fid};
		fi_cq_entry entry;
		fi_cq_err_entry error{};
		EXPECT_EQ(fi_cq_read(cq, &entry, 1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cq_sread(cq, &entry, 1, nullptr, -1),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cq_readerr(cq, &error, 0), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_recv(ep, &byte, 1, nullptr, 0, &byte),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cancel(&ep->fid, &byte), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_trywait(fabric, waitables, 1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cntr_read(counter_), 0u);
		EXPECT_EQ(fi_cntr_wait(counter_, 1, -1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cntr_set(counter_, 1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cntr_seterr(counter_, 1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cntr_add(counter_, 1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cntr_adderr(counter_, 1), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_eq_read(events_, &event, &entry, sizeof(entry), 0),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_eq_sread(events_, &event, &entry, sizeof(entry),
				      -1, 0),
			  -FI_EOPNOTSUPP);
	}));
}

TEST_F(Fork, ChildUsesNothingOfItsParentsWithItsOwn)
{
	EXPECT_TRUE(child_succeeds([this] {
		AppTest::SetUp(); /* another fabric */
		open_domain(kPlain);
		fid *waitables[] = {&cq->fid};
		EXPECT_EQ(fi_trywait(fabric, waitables, 1), -FI_EOPNOTSUPP);
		fid_ep *another = nullptr;
		ASSERT_EQ(fi_endpoint(domain, info.get(), &another, nullptr),
			  0);
		EXPECT_EQ(fi_ep_bind(another, &events_->fid, 0),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_ep_bind(another, &cq->fid, FI_TRANSMIT),
			  -FI_EOPNOTSUPP);
	}));
}

TEST_F(Fork, ChildWritesNothingWithoutThePersistencePlane)
{
	auto plain = copy_info(*info);
	plain->caps &= ~FI_RMA_PMEM;
	fid_ep *another = nullptr;
	ASSERT_EQ(fi_endpoint(domain, plain.get(), &another, nullptr), 0);
	EXPECT_TRUE(child_succeeds([another] {
		uint8_t byte = 3;
		EXPECT_EQ(fi_write(another, &byte, 1, nullptr, 0, 0, 1, &byte),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_read(another, &byte, 1, nullptr, 0, 0, 1, &byte),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_inject_write(another, &byte, 1, 0, 0, 1),
			  -FI_EOPNOTSUPP);
	}));
	EXPECT_EQ(fi_close(&another->fid), 0);
}

TEST_F(Fork, ChildOpensNothing)
{
	EXPECT_TRUE(child_succeeds([this] {
		uint8_t byte = 3;
		fid_mr *mr = nullptr;
		fid_ep *another = nullptr;
		fid_cq *queue = nullptr;
		fid_domain *second = nullptr;
		fi_cq_attr attr{};
		EXPECT_EQ(fi_mr_reg(domain, &byte, 1, FI_SEND, 0, 9, 0, &mr,
				    nullptr),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_endpoint(domain, info.get(), &another, nullptr),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_cq_open(domain, &attr, &queue, nullptr),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_domain(fabric, info.get(), &second, nullptr),
			  -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_enable(ep), -FI_EOPNOTSUPP);
		EXPECT_EQ(fi_connect(ep, nullptr, nullptr, 0), -FI_EOPNOTSUPP);
	}));
}

TEST_F(Fork, ChildClosesWithoutEffect)
{
	EXPECT_TRUE(child_succeeds([this] {
		int domains = fake::Object<fid_domain>::alive;
		int endpoints = fake::Object<fid_ep>::alive;
		EXPECT_EQ(fi_close(&ep->fid), 0);
		EXPECT_EQ(fi_close(&cq->fid), 0);
		EXPECT_EQ(fi_close(&domain->fid), 0);
		EXPECT_EQ(fi_close(&fabric->fid), 0);
		EXPECT_EQ(fake::Object<fid_domain>::alive, domains);
		EXPECT_EQ(fake::Object<fid_ep>::alive, endpoints);
	}));
}

TEST_F(Fork, ChildDoesNotWaitForTheService)
{
	EXPECT_TRUE(child_succeeds([this] {
		AddressEntry entry;
		EXPECT_LT(persistence().add_endpoint(
				  test::ip_address("127.0.0.2"), &entry),
			  0);
	}));
}

TEST_F(Fork, GrandchildIsNoBetter)
{
	EXPECT_TRUE(child_succeeds([this] {
		EXPECT_TRUE(child_succeeds([this] {
			uint8_t byte = 3;
			EXPECT_EQ(try_commit(&byte), -FI_EOPNOTSUPP);
		}));
	}));
}

class PlainFork : public AppTest
{
};

TEST_F(PlainFork, IsTheInnerProvidersConcern)
{
	open_domain(kPlain);
	EXPECT_TRUE(child_succeeds([this] {
		EXPECT_EQ(fi_close(&domain->fid), 0);
		EXPECT_EQ(fake::Object<fid_domain>::alive, 0);
	}));
}

class ForkedFile : public test::PersistTest
{
};

TEST_F(ForkedFile, IsOpenedAnewByTheChild)
{
	ForkGuard guard;
	SharedFile::Ptr file;
	OwnedFd opened = test::open_rw(path_);
	ASSERT_EQ(SharedFile::open(opened, O_RDWR, &file), 0);
	EXPECT_TRUE(child_succeeds([&] {
		SharedFile::Ptr own;
		ASSERT_EQ(SharedFile::open(opened, O_RDWR, &own), 0);
		/* A description has one offset, whoever has it. */
		ASSERT_EQ(lseek(own->fd(), 7, SEEK_SET), 7);
		EXPECT_EQ(lseek(file->fd(), 0, SEEK_CUR), 0);
	}));
	EXPECT_EQ(lseek(file->fd(), 0, SEEK_CUR), 0);
}

TEST_F(ForkedFile, ThatHasFailedIsSuspectInTheChild)
{
	ForkGuard guard;
	SharedFile::Ptr file;
	/* Other tests have had files fail, whose inode numbers are used again:
	 * takes one of its own. */
	std::vector<OwnedFd> others;
	OwnedFd opened = test::open_rw(path_);
	ASSERT_EQ(SharedFile::open(opened, O_RDWR, &file), 0);
	while (file->suspect() && others.size() < 100) {
		others.push_back(std::move(opened));
		std::string name =
			dir_.file("other" + std::to_string(others.size()));
		test::write_file(name, "other");
		opened = test::open_rw(name);
		ASSERT_EQ(SharedFile::open(opened, O_RDWR, &file), 0);
	}
	ASSERT_FALSE(file->suspect());
	file->fail(EIO);
	EXPECT_TRUE(child_succeeds([&] {
		SharedFile::Ptr own;
		ASSERT_EQ(SharedFile::open(opened, O_RDWR, &own), 0);
		EXPECT_TRUE(own->suspect());
		EXPECT_EQ(own->failure(), 0);
	}));
}

} // namespace

} // namespace ofi_pmem
