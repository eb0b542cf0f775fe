/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Programs and inner providers of another version than our headers: what they
 * write behind our structures, read behind them, and call behind our tables;
 * and API versions from 1.0 on. util/check.sh runs these tests in a libfabric
 * that is newer than the one they were built against, too.
 */
#include "app/cq.hh"
#include "app/info.hh"
#include "core/params.hh"
#include "fixture/app_plane_fixture.hh"

#include <chrono>

namespace ofi_pmem
{

namespace
{

constexpr uint32_t kLater = FI_VERSION(2, 5);
constexpr uint32_t kBefore = FI_VERSION(1, 17);

class NoOp : public InternalOp
{
public:
	void inner_completed(int, int) noexcept override {}
};

class NewerLibfabric : public AppTest
{
protected:
	void open_queue()
	{
		open_domain(kPersistent);
		fi_cq_attr attr{};
		attr.format = FI_CQ_FORMAT_CONTEXT;
		ASSERT_EQ(fi_cq_open(domain, &attr, &cq_, nullptr), 0);
		inner_domain->cq->entry_size = sizeof(fi_cq_entry);
		inner_domain->cq->later_members = true;
	}

	void TearDown() override
	{
		if (cq_) {
			EXPECT_EQ(fi_close(&cq_->fid), 0);
		}
		AppTest::TearDown();
	}

	/* The application's failed operation, while one of ours is on its way;
	 * returns the source that is reported. */
	fi_addr_t read_failure(uint32_t version)
	{
		fabric->api_version = version;
		NoOp op;
		auto &queue = *static_cast<CompletionQueue *>(cq_);
		queue.plane().expect(&op);
		int context = 0;
		inner_domain->cq->fail(&context, FI_EIO);
		fi_cq_entry entry;
		EXPECT_EQ(fi_cq_read(cq_, &entry, 1), -FI_EAVAIL);
		queue.plane().forget(&op);
		Roomy<fi_cq_err_entry> error;
		set_error_source(&error, 1);
		EXPECT_EQ(cq_->ops->readerr(cq_, &error.known, 0), 1);
		EXPECT_EQ(error.known.op_context, &context);
		EXPECT_EQ(error.known.err, FI_EIO);
		return error_source(&error);
	}

	fid_cq *cq_ = nullptr;
};

TEST_F(NewerLibfabric, ErrorsMayHaveMoreMembers)
{
	open_queue();
	EXPECT_EQ(read_failure(kLater), fake::CompletionQueue::kLaterSource);
}

TEST_F(NewerLibfabric, OlderProgramsHaveNoRoomForThem)
{
	open_queue();
	EXPECT_EQ(read_failure(kBefore), 1u);
}

TEST_F(NewerLibfabric, RegistrationsMayHaveMoreMembers)
{
	open_domain(kPersistent);
	fabric->api_version = kLater;
	inner_domain->reads_later_members = true;
	/* The application's own attributes have room behind them, too. */
	Roomy<fi_mr_attr> attr;
	char buf[64];
	iovec iov{buf, sizeof(buf)};
	attr.known.mr_iov = &iov;
	attr.known.iov_count = 1;
	attr.known.access = FI_REMOTE_WRITE;
	std::fill(std::begin(attr.later), std::end(attr.later), ~0ULL);
	fid_mr *mr = nullptr;
	ASSERT_EQ(fi_mr_regattr(domain, &attr.known, 0, &mr), 0);
	EXPECT_EQ(inner_domain->later_mr_attr, 0u);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

/*
 * Calls the slot as an inline function of later headers does, without a check.
 */
template <typename Ops> int call_later_slot(const Ops *ops)
{
	int (*slot)(const void *, uint64_t, void *);
	memcpy(&slot, ops + 1, sizeof(slot));
	return slot(ops, 0, nullptr);
}

TEST_F(NewerLibfabric, LaterSlotsRefuse)
{
	open_queue();
	EXPECT_EQ(call_later_slot(cq_->ops), -FI_ENOSYS);
	EXPECT_EQ(call_later_slot(domain->ops), -FI_ENOSYS);
	fi_cntr_attr attr{};
	fid_cntr *cntr = nullptr;
	ASSERT_EQ(fi_cntr_open(domain, &attr, &cntr, nullptr), 0);
	EXPECT_EQ(call_later_slot(cntr->ops), -FI_ENOSYS);
	EXPECT_EQ(fi_close(&cntr->fid), 0);
	fid_ep *ep = nullptr;
	ASSERT_EQ(fi_endpoint(domain, info.get(), &ep, nullptr), 0);
	EXPECT_EQ(call_later_slot(ep->ops), -FI_ENOSYS);
	EXPECT_EQ(fi_close(&ep->fid), 0);
}

/* Every registration of memory makes a region. */
class NewerRegistrations : public AppPlaneTest
{
protected:
	void SetUp() override
	{
		AppTest::SetUp();
		setenv("FI_OFI_PMEM_REGIONS", "all", 1);
		ASSERT_EQ(load_params(), 0);
		prepare(kPersistent);
		open();
	}

	void TearDown() override
	{
		unsetenv("FI_OFI_PMEM_REGIONS");
		EXPECT_EQ(load_params(), 0);
		close_endpoint();
		AppTest::TearDown();
	}
};

/* There mr_iov points to something else. */
TEST_F(NewerRegistrations, DeviceBuffersAreNoMemory)
{
	fabric->api_version = kLater;
	constexpr uint64_t kDmabuf = 1ULL << 40;
	struct {
		int fd = 5;
		uint64_t offset = 1 << 20;
		size_t len = 64;
		void *base = nullptr;
	} buffer;
	fi_mr_attr attr{};
	attr.mr_iov = reinterpret_cast<iovec *>(&buffer);
	attr.iov_count = 1;
	attr.access = FI_REMOTE_WRITE;
	fid_mr *mr = nullptr;
	ASSERT_EQ(fi_mr_regattr(domain, &attr, kDmabuf, &mr), 0);
	EXPECT_EQ(inner_domain->mr_flags, kDmabuf);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

/*
 * Runs over the real tcp, without libfabric's core between the program and us.
 */
class ApiVersion : public ::testing::Test
{
protected:
	void SetUp() override
	{
		hints_.reset(fi_allocinfo());
		hints_->caps = FI_MSG | FI_RMA;
		hints_->mode = FI_CONTEXT | FI_CONTEXT2;
		hints_->ep_attr->type = FI_EP_MSG;
		hints_->domain_attr->mr_mode = kMrBasic;
		name("tcp;ofi_pmem");
	}

	void TearDown() override
	{
		for (fid *object :
		     {ep_ ? &ep_->fid : nullptr, cq_ ? &cq_->fid : nullptr,
		      av_ ? &av_->fid : nullptr,
		      domain_ ? &domain_->fid : nullptr,
		      fabric_ ? &fabric_->fid : nullptr}) {
			if (object) {
				EXPECT_EQ(fi_close(object), 0);
			}
		}
		unsetenv("FI_OFI_PMEM_REGIONS");
		ASSERT_EQ(load_params(), 0);
	}

	void name(const char *provider)
	{
		free(hints_->fabric_attr->prov_name);
		hints_->fabric_attr->prov_name = strdup(provider);
	}

	/* A domain by the first info, with what the core adds to that. */
	void open(uint32_t version)
	{
		fi_info *found = nullptr;
		ASSERT_EQ(getinfo(version, "127.0.0.1", "0", FI_SOURCE,
				  hints_.get(), &found),
			  0);
		info_.reset(found);
		auto attr = found->fabric_attr;
		free(attr->prov_name);
		attr->prov_name = strdup(hints_->fabric_attr->prov_name);
		attr->api_version = version;
		ASSERT_EQ(Fabric::open(*attr, nullptr, &fabric_), 0);
		ASSERT_EQ(fi_domain(fabric_, found, &domain_, nullptr), 0);
	}

	void close()
	{
		EXPECT_EQ(fi_close(&domain_->fid), 0);
		EXPECT_EQ(fi_close(&fabric_->fid), 0);
		domain_ = nullptr;
		fabric_ = nullptr;
	}

	/* An endpoint that can receive, from anybody. */
	void open_endpoint()
	{
		fi_cq_attr attr{};
		attr.format = FI_CQ_FORMAT_CONTEXT;
		ASSERT_EQ(fi_cq_open(domain_, &attr, &cq_, nullptr), 0);
		fi_av_attr av_attr{};
		ASSERT_EQ(fi_av_open(domain_, &av_attr, &av_, nullptr), 0);
		ASSERT_EQ(fi_endpoint(domain_, info_.get(), &ep_, nullptr), 0);
		ASSERT_EQ(fi_ep_bind(ep_, &cq_->fid, FI_TRANSMIT | FI_RECV), 0);
		ASSERT_EQ(fi_ep_bind(ep_, &av_->fid, 0), 0);
		ASSERT_EQ(fi_enable(ep_), 0);
	}

	InfoPtr hints_;
	InfoPtr info_;
	fid_fabric *fabric_ = nullptr;
	fid_domain *domain_ = nullptr;
	fid_av *av_ = nullptr;
	fid_cq *cq_ = nullptr;
	fid_ep *ep_ = nullptr;
};

/* Programs that know nothing of persistence, nor of mode bits. */
TEST_F(ApiVersion, EveryOfferedInfoCanBeOpened)
{
	for (auto regions : {"flagged", "all"}) {
		setenv("FI_OFI_PMEM_REGIONS", regions, 1);
		ASSERT_EQ(load_params(), 0);
		for (uint32_t minor : {0, 1, 4, 5, 6, 17}) {
			SCOPED_TRACE(testing::Message()
				     << "API 1." << minor << ", " << regions);
			ASSERT_NO_FATAL_FAILURE(open(FI_VERSION(1, minor)));
			close();
		}
	}
}

/* A receive that is cancelled, while an operation of ours is on its way. */
TEST_F(ApiVersion, NewestProgramsReadErrors)
{
	name("tcp;ofi_rxm;ofi_pmem");
	hints_->caps |= FI_RMA_PMEM;
	hints_->ep_attr->type = FI_EP_RDM;
	hints_->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
				       FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	open(fi_version());
	ASSERT_TRUE(domain_);
	open_endpoint();
	NoOp op;
	auto &queue = *static_cast<CompletionQueue *>(cq_);
	queue.plane().make_places();
	ASSERT_EQ(queue.plane().reserve(), 0);
	queue.plane().expect(&op);
	char buf[8];
	fi_context2 context{};
	ASSERT_EQ(fi_recv(ep_, buf, sizeof(buf), nullptr, FI_ADDR_UNSPEC,
			  &context),
		  0);
	ASSERT_EQ(fi_cancel(&ep_->fid, &context), 0);
	fi_cq_entry entry;
	auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
	ssize_t ret;
	while ((ret = fi_cq_read(cq_, &entry, 1)) == -FI_EAGAIN &&
	       std::chrono::steady_clock::now() < end)
		continue;
	ASSERT_EQ(ret, -FI_EAVAIL);
	Roomy<fi_cq_err_entry> error;
	EXPECT_GE(cq_->ops->readerr(cq_, &error.known, 0), 0);
	EXPECT_EQ(error.known.op_context, &context);
	EXPECT_EQ(error.known.err, FI_ECANCELED);
	queue.plane().forget(&op);
	queue.plane().unreserve();
}

} // namespace

} // namespace ofi_pmem
