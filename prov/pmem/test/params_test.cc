/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/params.hh"

#include <cstdlib>

#include <gtest/gtest.h>

using namespace ofi_pmem;

TEST(Params, DefaultsAreThoseOfTheManPage)
{
	Params defaults;
	EXPECT_EQ(defaults.spin_us, 20u);
	EXPECT_FALSE(defaults.inline_size);
	EXPECT_EQ(defaults.digests, std::vector{DigestAlgorithm::xxh3_64});
	EXPECT_EQ(defaults.verify_block, 4096u);
}

TEST(Params, DigestsAreInTheOrderOfTheList)
{
	setenv("FI_OFI_PMEM_DIGEST", "sha256,crc32c", 1);
	EXPECT_EQ(load_params(), 0);
	EXPECT_EQ(params().digests, (std::vector{DigestAlgorithm::sha256,
						 DigestAlgorithm::crc32c}));
	unsetenv("FI_OFI_PMEM_DIGEST");
	EXPECT_EQ(load_params(), 0);
}

TEST(Params, WhatNobodyDeclaresIsTheWeakest)
{
	Params defaults;
	EXPECT_EQ(defaults.method, MethodChoice::automatic);
	EXPECT_EQ(defaults.domain, DomainChoice::automatic);
	EXPECT_EQ(defaults.ddio, DdioChoice::on);
	EXPECT_EQ(defaults.native_flush, NativeFlushChoice::automatic);
}

TEST(Params, DeclarationsOfTheAdministratorAreRead)
{
	setenv("FI_OFI_PMEM_METHOD", "native", 1);
	setenv("FI_OFI_PMEM_DOMAIN", "system", 1);
	setenv("FI_OFI_PMEM_DDIO", "off", 1);
	setenv("FI_OFI_PMEM_NATIVE_FLUSH", "vouched", 1);
	EXPECT_EQ(load_params(), 0);
	EXPECT_EQ(params().method, MethodChoice::native);
	EXPECT_EQ(params().domain, DomainChoice::system);
	EXPECT_EQ(params().ddio, DdioChoice::off);
	EXPECT_EQ(params().native_flush, NativeFlushChoice::vouched);
	unsetenv("FI_OFI_PMEM_METHOD");
	unsetenv("FI_OFI_PMEM_DOMAIN");
	unsetenv("FI_OFI_PMEM_DDIO");
	unsetenv("FI_OFI_PMEM_NATIVE_FLUSH");
	EXPECT_EQ(load_params(), 0);
	EXPECT_EQ(params().ddio, DdioChoice::on);
}
