/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/params.hh"

#include <gtest/gtest.h>

TEST(Params, DefaultsAreThoseOfTheManPage)
{
	ofi_pmem::Params defaults;
	EXPECT_EQ(defaults.spin_us, 20u);
	EXPECT_EQ(defaults.inline_size, 4096u);
}
