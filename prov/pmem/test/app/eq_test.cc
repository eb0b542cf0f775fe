/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/eq.hh"

#include "fixture/app_fixture.hh"

namespace ofi_pmem
{

namespace
{

class EventQueueTest : public AppTest
{
protected:
	void SetUp() override
	{
		AppTest::SetUp();
		open_domain(kPersistent);
		fi_eq_attr attr{};
		ASSERT_EQ(fi_eq_open(fabric, &attr, &eq, nullptr), 0);
		ASSERT_EQ(fi_endpoint(domain, info.get(), &ep, &ep_context), 0);
		ASSERT_EQ(fi_passive_ep(fabric, info.get(), &pep, nullptr), 0);
	}

	void TearDown() override
	{
		EXPECT_EQ(fi_close(&pep->fid), 0);
		EXPECT_EQ(fi_close(&ep->fid), 0);
		EXPECT_EQ(fi_close(&eq->fid), 0);
		AppTest::TearDown();
	}

	void script(uint32_t type, const void *bytes, size_t len)
	{
		inner_fabric->eq->add(type, bytes, len);
	}

	ssize_t read(uint64_t flags = 0)
	{
		return fi_eq_read(eq, &event, buf, sizeof(buf), flags);
	}

	template <typename Entry> Entry *got()
	{
		return reinterpret_cast<Entry *>(buf);
	}

	int ep_context = 0;
	fid_eq *eq = nullptr;
	fid_ep *ep = nullptr;
	fid_pep *pep = nullptr;
	uint32_t event = 0;
	alignas(16) char buf[256];
};

TEST_F(EventQueueTest, ConnectedNamesTheOuterEndpoint)
{
	fi_eq_cm_entry entry{};
	entry.fid = &inner_domain->ep->fid;
	script(FI_CONNECTED, &entry, sizeof(entry));
	EXPECT_EQ(read(), ssize_t{sizeof(entry)});
	EXPECT_EQ(event, uint32_t{FI_CONNECTED});
	EXPECT_EQ(got<fi_eq_cm_entry>()->fid, &ep->fid);
}

TEST_F(EventQueueTest, PrivateDataOfConnectedSurvives)
{
	char bytes[sizeof(fi_eq_cm_entry) + 4] = {};
	auto inner = &inner_domain->ep->fid;
	memcpy(bytes, &inner, sizeof(inner));
	memcpy(bytes + sizeof(fi_eq_cm_entry), "data", 4);
	script(FI_CONNECTED, bytes, sizeof(bytes));
	EXPECT_EQ(read(), ssize_t{sizeof(bytes)});
	EXPECT_EQ(memcmp(got<fi_eq_cm_entry>()->data, "data", 4), 0);
}

TEST_F(EventQueueTest, ApplicationsOwnEventsComeBackAsWritten)
{
	fi_eq_entry entry{&ep->fid, &ep->fid, 42};
	ASSERT_EQ(fi_eq_write(eq, FI_NOTIFY, &entry, sizeof(entry), 0),
		  ssize_t{sizeof(entry)});
	EXPECT_EQ(read(), ssize_t{sizeof(entry)});
	EXPECT_EQ(memcmp(buf, &entry, sizeof(entry)), 0);
}

TEST_F(EventQueueTest, ApplicationsOwnConnectionRequestIsNotTouched)
{
	fi_eq_cm_entry entry{};
	entry.fid = &pep->fid;
	entry.info = info.get();
	fi_eq_write(eq, FI_CONNREQ, &entry, sizeof(entry), 0);
	EXPECT_EQ(read(), ssize_t{sizeof(entry)});
	EXPECT_EQ(got<fi_eq_cm_entry>()->info, info.get());
}

TEST_F(EventQueueTest, ShortEventsAreNotTouched)
{
	char bytes[3] = {1, 2, 3};
	script(1000, bytes, sizeof(bytes));
	EXPECT_EQ(read(), 3);
	EXPECT_EQ(memcmp(buf, bytes, 3), 0);
}

TEST_F(EventQueueTest, ConnectionRequestGetsOurInfo)
{
	auto inner = make_info(kPlain);
	free(inner->fabric_attr->prov_name);
	inner->fabric_attr->prov_name = strdup("fake");
	fid handle{};
	handle.fclass = FI_CLASS_CONNREQ;
	inner->handle = &handle;
	fi_eq_cm_entry entry{};
	entry.fid = &inner_fabric->pep->fid;
	entry.info = inner.release();
	script(FI_CONNREQ, &entry, sizeof(entry));
	EXPECT_EQ(read(), ssize_t{sizeof(entry)});
	EXPECT_EQ(got<fi_eq_cm_entry>()->fid, &pep->fid);

	InfoPtr request(got<fi_eq_cm_entry>()->info);
	EXPECT_TRUE(is_persistent(*request));
	EXPECT_STREQ(request->fabric_attr->prov_name, "fake;ofi_pmem");
	fid_ep *accepted = nullptr;
	ASSERT_EQ(fi_endpoint(domain, request.get(), &accepted, nullptr), 0);
	EXPECT_EQ(inner_domain->ep_handle, &handle);
	EXPECT_EQ(fi_close(&accepted->fid), 0);
}

TEST_F(EventQueueTest, PeekedRequestStillBelongsToTheQueue)
{
	auto inner = make_info(kPlain);
	fi_eq_cm_entry entry{};
	entry.fid = &inner_fabric->pep->fid;
	entry.info = inner.get();
	script(FI_CONNREQ, &entry, sizeof(entry));
	EXPECT_EQ(read(FI_PEEK), ssize_t{sizeof(entry)});
	EXPECT_EQ(got<fi_eq_cm_entry>()->fid, &pep->fid);
	EXPECT_EQ(got<fi_eq_cm_entry>()->info, inner.get());
}

TEST_F(EventQueueTest, RejectPassesTheHandleAsItIs)
{
	using Reject = fake::Recorded<&fi_ops_cm::reject>;
	fid handle{};
	EXPECT_EQ(fi_reject(pep, &handle, "no", 2), 0);
	EXPECT_EQ(std::get<0>(Reject::args), inner_fabric->pep);
	EXPECT_EQ(std::get<1>(Reject::args), &handle);
}

TEST_F(EventQueueTest, PassiveEndpointAsHandleBecomesTheInnerOne)
{
	info->handle = &pep->fid;
	fid_ep *other = nullptr;
	ASSERT_EQ(fi_endpoint(domain, info.get(), &other, nullptr), 0);
	EXPECT_EQ(inner_domain->ep_handle, &inner_fabric->pep->fid);
	EXPECT_EQ(fi_close(&other->fid), 0);
}

TEST_F(EventQueueTest, RegistrationEventHasTheApplicationsContext)
{
	fid_mr *mr = nullptr;
	int mr_context = 0;
	ASSERT_EQ(fi_mr_reg(domain, buf, 8, FI_REMOTE_WRITE, 0, 1, 0, &mr,
			    &mr_context),
		  0);
	auto inner = &inner_domain->region->fid;
	fi_eq_entry entry{inner, inner->context, 0};
	script(FI_MR_COMPLETE, &entry, sizeof(entry));
	EXPECT_EQ(read(), ssize_t{sizeof(entry)});
	EXPECT_EQ(got<fi_eq_entry>()->fid, &mr->fid);
	EXPECT_EQ(got<fi_eq_entry>()->context, &mr_context);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

TEST_F(EventQueueTest, ErrorNamesTheOuterEndpointAndItsContext)
{
	auto inner = &inner_domain->ep->fid;
	inner_fabric->eq->error.fid = inner;
	inner_fabric->eq->error.context = inner->context;
	inner_fabric->eq->error.err = FI_ECONNREFUSED;
	fi_eq_err_entry entry{};
	EXPECT_GT(fi_eq_readerr(eq, &entry, 0), 0);
	EXPECT_EQ(entry.fid, &ep->fid);
	EXPECT_EQ(entry.context, &ep_context);
	EXPECT_EQ(entry.err, FI_ECONNREFUSED);
}

TEST_F(EventQueueTest, ClosedEndpointIsForgotten)
{
	fid_ep *other = nullptr;
	ASSERT_EQ(fi_endpoint(domain, info.get(), &other, nullptr), 0);
	fi_eq_entry entry{&inner_domain->ep->fid, nullptr, 0};
	EXPECT_EQ(fi_close(&other->fid), 0);
	script(FI_SHUTDOWN, &entry, sizeof(entry));
	EXPECT_GT(read(), 0);
	EXPECT_EQ(got<fi_eq_entry>()->fid, entry.fid);
}

} // namespace

} // namespace ofi_pmem
