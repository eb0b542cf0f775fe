/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/mr_refusal.hh"

#include "fixture/app_fixture.hh"
#include "fixture/persist_fixture.hh"

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

namespace
{

class RefusedMemory : public test::PersistTest
{
protected:
	std::string text(const char *memory, int ret, size_t len = 100)
	{
		iovec iov[] = {{heap_, sizeof(heap_)},
			       {const_cast<char *>(memory), len}};
		return refused_memory(*info_, iov, 2, ret);
	}

	InfoPtr info_ = make_info(FI_RMA);
	char heap_[8];
};

bool has(const std::string &text, const std::string &words)
{
	return text.find(words) != std::string::npos;
}

TEST_F(RefusedMemory, FileIsNamedWithProviderErrorAndRemedy)
{
	test::Mapped memory(len_, MAP_SHARED, fd_.get());
	for (int ret : {-FI_EFAULT, -FI_EOPNOTSUPP}) {
		auto found = text(memory.at(page_), ret);
		EXPECT_TRUE(has(found, "provider fake cannot")) << found;
		EXPECT_TRUE(has(found, path_)) << found;
		EXPECT_TRUE(has(found, fi_strerror(-ret))) << found;
		EXPECT_TRUE(has(found, "(" + std::to_string(-ret) + ")"));
		EXPECT_TRUE(has(found, "length 100")) << found;
		EXPECT_TRUE(has(found, "device DAX")) << found;
	}
}

TEST_F(RefusedMemory, OtherErrorsHaveOtherCauses)
{
	test::Mapped memory(len_, MAP_SHARED, fd_.get());
	EXPECT_EQ(text(memory.at(), -FI_ENOMEM), "");
	EXPECT_EQ(text(memory.at(), -FI_ENOKEY), "");
}

TEST_F(RefusedMemory, LimitIsExplainedWhereMemoryIsPinned)
{
	free(info_->fabric_attr->prov_name);
	info_->fabric_attr->prov_name = strdup("verbs;ofi_rxm;ofi_pmem");
	auto found = text(heap_, -FI_ENOMEM);
	EXPECT_TRUE(has(found, "provider verbs;ofi_rxm cannot")) << found;
	EXPECT_TRUE(has(found, "RLIMIT_MEMLOCK")) << found;
}

TEST_F(RefusedMemory, MemoryWithoutAFileHasAnotherCause)
{
	test::Mapped memory(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	EXPECT_EQ(text(memory.at(), -FI_EFAULT), "");
	memory.unmap();
	EXPECT_EQ(text(heap_, -FI_EFAULT), "");
}

} // namespace

} // namespace ofi_pmem
