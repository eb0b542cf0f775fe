/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* How a channel uses the memory that an application registered. */
#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kLen = 5000; /* not inline */

class LocalMemoryUse : public NicFixture
{
protected:
	void SetUp() override
	{
		NicFixture::SetUp();
		open_region(add_medium(PersistenceDomain::memory_controller));
	}

	LocalMemory &known() { return initiator_->local_memory(); }

	/* The local address of the first operation posted. */
	const void *posted_from()
	{
		auto posted = nic_.take_posted();
		return posted.empty() || posted[0].local.empty()
			       ? nullptr
			       : posted[0].local[0].iov_base;
	}

	Bytes memory_of_application_ = Bytes(3 * kLen, 0x5c);
	uint8_t *data_ = memory_of_application_.data() + kLen;
	void *desc_ = &memory_of_application_;
};

} // namespace

TEST_F(LocalMemoryUse, WriteComesFromWhereItIsAndRegistersOnce)
{
	known().add(desc_, entry_of(&memory_of_application_, FI_WRITE));
	size_t before = nic_.registrations();
	for (int i = 0; i < 3; i++) {
		EXPECT_FALSE(transfer(kCommit, data_, kLen, desc_));
		EXPECT_EQ(posted_from(), data_);
	}
	EXPECT_EQ(nic_.registrations(), before + 1);
	EXPECT_EQ(durable(0, kLen), Bytes(kLen, 0x5c));
}

TEST_F(LocalMemoryUse, ReadEndsThereWhenItMay)
{
	Bytes stored(kLen, 0x77);
	commit(stored, 0);
	nic_.take_posted();
	known().add(desc_, entry_of(&memory_of_application_, FI_READ));
	size_t before = nic_.registrations();
	EXPECT_FALSE(transfer(kRead, data_, kLen, desc_));
	EXPECT_FALSE(transfer(kRead, data_, kLen, desc_));
	EXPECT_EQ(nic_.registrations(), before + 1);
	EXPECT_EQ(Bytes(data_, data_ + kLen), stored);
	/* Registered to be sent from: each read registers for itself. */
	known().remove(desc_);
	known().add(desc_, entry_of(&memory_of_application_, FI_WRITE));
	before = nic_.registrations();
	EXPECT_FALSE(transfer(kRead, data_, kLen, desc_));
	EXPECT_FALSE(transfer(kRead, data_, kLen, desc_));
	EXPECT_EQ(nic_.registrations(), before + 2);
}

TEST_F(LocalMemoryUse, DescriptorOfOtherMemoryIsNotBelieved)
{
	Bytes other(kLen, 0x11);
	known().add(desc_, entry_of(&memory_of_application_, FI_WRITE));
	EXPECT_FALSE(transfer(kCommit, other.data(), kLen, desc_));
	EXPECT_NE(posted_from(), other.data());
	EXPECT_EQ(durable(0, kLen), other);
	uint8_t *last = memory_of_application_.data() + 3 * kLen - 1;
	iovec beyond{last, 2};
	EXPECT_EQ(known().find(desc_, beyond, true), nullptr);
}

TEST_F(LocalMemoryUse, ClosedRegistrationIsForgotten)
{
	known().add(desc_, entry_of(&memory_of_application_, FI_WRITE));
	EXPECT_FALSE(transfer(kCommit, data_, kLen, desc_));
	EXPECT_EQ(posted_from(), data_);
	LocalMemory::Entry entry = known().remove(desc_);
	EXPECT_NE(entry.memory, nullptr);
	EXPECT_FALSE(transfer(kCommit, data_, kLen, desc_));
	EXPECT_NE(posted_from(), data_);
	known().add(desc_, entry);
	EXPECT_FALSE(transfer(kCommit, data_, kLen, desc_));
	EXPECT_EQ(posted_from(), data_);
}

} // namespace ofi_pmem::test
