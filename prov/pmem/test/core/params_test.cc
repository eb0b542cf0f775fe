/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/params.hh"

#include "shared/params_check.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

using namespace ofi_pmem;

TEST(Params, DefaultsAreThoseOfTheManPage)
{
	Params defaults;
	EXPECT_EQ(defaults.spin_us, 20u);
	EXPECT_EQ(defaults.inline_size, 4096u);
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

TEST(Params, AProblemNamesVariableValueAndWhatIsAccepted)
{
	EXPECT_EQ(params_problem(), "");
	const char *const kBad[][3] = {
		{"FI_OFI_PMEM_METHOD", "psychic", "message"},
		{"FI_OFI_PMEM_SPIN_US", "9x", "0 to 1000000"},
		{"FI_OFI_PMEM_PORT_RANGE", "9-8", "low-high"},
		{"FI_OFI_PMEM_DIGEST", "md5", "sha256"},
		{"FI_OFI_PMEM_SERVICE_CPUS", "0-", "node:N"},
		{"FI_OFI_PMEM_LEDGER", "maybe", "yes or no"},
		{"FI_OFI_PMEM_AUTH_KEY_FILE", "no-such-key", "No such file"}};
	for (const auto &[variable, value, accepted] : kBad) {
		const char *was = getenv(variable);
		std::string saved = was ? was : "";
		setenv(variable, value, 1);
		std::string problem = params_problem();
		EXPECT_NE(problem.find(variable), std::string::npos) << problem;
		EXPECT_NE(problem.find(value), std::string::npos) << problem;
		EXPECT_NE(problem.find(accepted), std::string::npos) << problem;
		EXPECT_LT(load_params(), 0) << variable;
		unsetenv(variable);
		if (was)
			setenv(variable, saved.c_str(), 1);
		EXPECT_EQ(params_problem(), "");
	}
	EXPECT_EQ(load_params(), 0);
}

TEST(Params, VariablesThatAreNoParametersAreFound)
{
	EXPECT_TRUE(unknown_variables().empty());
	setenv("FI_OFI_PMEM_SPIN_MS", "3", 1);
	setenv("FI_OFI_PMEM_SPIN_US", "3", 1);
	setenv("FI_OFI_PMEM_", "", 1);
	auto unknown = unknown_variables();
	std::sort(unknown.begin(), unknown.end());
	EXPECT_EQ(unknown, (std::vector<std::string>{"FI_OFI_PMEM_",
						     "FI_OFI_PMEM_SPIN_MS"}));
	EXPECT_EQ(load_params(), 0);
	unsetenv("FI_OFI_PMEM_SPIN_MS");
	unsetenv("FI_OFI_PMEM_SPIN_US");
	unsetenv("FI_OFI_PMEM_");
	EXPECT_EQ(load_params(), 0);
}
