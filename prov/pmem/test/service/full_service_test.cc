/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A service that has as many channels as it may refuses others, in words. */
#include "fixture/raw_peer.hh"

namespace ofi_pmem::test
{

namespace
{

class FullService : public PlaneFixture,
		    public ::testing::WithParamInterface<const char *>
{
protected:
	void SetUp() override
	{
		set_param(GetParam(), "2");
		PlaneFixture::SetUp();
		key_ = add_region(&media_.emplace_back(kRegionLen));
	}
	ssize_t commit()
	{
		return submit(kCommit, &value_, sizeof(value_), 0, key_);
	}

	uint64_t key_ = 0;
	uint64_t value_ = 1;
};

TEST_P(FullService, RefusesAndGoesOnWhenThereIsRoom)
{
	RawPeer first(*transport_, service_->port());
	first.greet();
	{
		RawPeer second(*transport_, service_->port());
		second.greet();
		EXPECT_EQ(commit(), -FI_ECONNREFUSED);
		EXPECT_EQ(table_.events().take(DomainEvents::channels), 1U);
	}
	auto deadline = Clock::now() + kPatience;
	ssize_t ret;
	while ((ret = commit()) == -FI_ECONNREFUSED && Clock::now() < deadline)
		;
	EXPECT_EQ(ret, 0);
	EXPECT_FALSE(wait().failure);
}

INSTANTIATE_TEST_SUITE_P(Limits, FullService,
			 ::testing::Values("FI_OFI_PMEM_MAX_CHANNELS",
					   "FI_OFI_PMEM_MAX_PER_ADDRESS"),
			 [](const auto &test) {
				 return std::string(test.param + 16);
			 });

class SilentStrangers : public PlaneFixture
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_MAX_PER_ADDRESS", "2");
		PlaneFixture::SetUp();
	}
};

/* One that greets and one that does not are at the limit of neither kind. */
TEST_F(SilentStrangers, AreCountedApart)
{
	RawPeer greeted(*transport_, service_->port());
	greeted.greet();
	RawPeer silent(*transport_, service_->port());
	RawPeer third(*transport_, service_->port());
	third.greet();
}

} // namespace

} // namespace ofi_pmem::test
