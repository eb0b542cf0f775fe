/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How the remote CQ data of a committed write goes out on the inner endpoint
 * (a fake); the write itself goes to a real service over tcp.
 */
#include "fixture/app_plane_fixture.hh"

namespace ofi_pmem
{

namespace
{

class Notify : public AppPlaneTest
{
protected:
	void SetUp() override
	{
		AppTest::SetUp();
		prepare(kPersistent);
		info->domain_attr->cq_data_size = 4;
		info->tx_attr->iov_limit = 1;
		info->tx_attr->rma_iov_limit = 1;
		open();
		inner_domain->ep->rma_table.writemsg = writemsg;
		key_ = add_region(&medium_, 0, FI_REMOTE_WRITE);
		notified = nullptr;
	}

	void TearDown() override
	{
		close_endpoint();
		persistence().remove_region(key_);
		AppTest::TearDown();
	}

	static ssize_t writemsg(fid_ep *, const fi_msg_rma *msg,
				uint64_t flags) noexcept
	{
		/* verbs and rxm look into every descriptor of other writes,
		 * and verbs into those of the array when there is one. */
		EXPECT_TRUE(flags & FI_INJECT);
		EXPECT_EQ(msg->desc, nullptr);
		EXPECT_TRUE(flags & FI_REMOTE_CQ_DATA);
		EXPECT_TRUE(flags & FI_COMPLETION);
		EXPECT_EQ(msg->data, 77u);
		/* verbs writes the one element that it makes room for. */
		EXPECT_EQ(msg->iov_count, 1u);
		EXPECT_EQ(msg->msg_iov->iov_len, 0u);
		notified = msg->context;
		return 0;
	}

	static inline void *notified = nullptr;

	test::FakeMedium medium_{4096};
	Key key_{0};
};

TEST_F(Notify, NeedsNoDescriptorAndCompletesTheWrite)
{
	uint64_t value = 5;
	iovec iov{&value, sizeof(value)};
	fi_rma_iov range{0, sizeof(value), key_.value()};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.iov_count = 1;
	msg.rma_iov = &range;
	msg.rma_iov_count = 1;
	msg.context = &value;
	msg.data = 77;
	ASSERT_EQ(post([&] {
			  return fi_writemsg(ep, &msg,
					     FI_COMMIT_COMPLETE |
						     FI_REMOTE_CQ_DATA);
		  }),
		  0);
	EXPECT_EQ(post([] { return notified ? 0 : -FI_EAGAIN; }), 0);
	ASSERT_NE(notified, nullptr);
	inner_domain->cq->complete(notified);
	EXPECT_EQ(wait().op_context, &value);
}

} // namespace

} // namespace ofi_pmem
