/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/auth_key.hh"

#include "core/params.hh"
#include "fixture/app_fixture.hh"
#include "fixture/persist_fixture.hh"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace ofi_pmem
{

namespace
{

const AuthKey kKey(16, 'k');
const AuthKey kOther(16, 'o');

class AuthKeyFile : public ::testing::Test
{
protected:
	void SetUp() override
	{
		char name[] = "auth_key_test.XXXXXX";
		int fd = mkstemp(name);
		ASSERT_GE(fd, 0);
		::close(fd);
		path_ = name;
	}
	void TearDown() override { unlink(path_.c_str()); }

	void holds(const std::string &text)
	{
		FILE *file = fopen(path_.c_str(), "w");
		ASSERT_NE(file, nullptr);
		ASSERT_EQ(fwrite(text.data(), 1, text.size(), file),
			  text.size());
		ASSERT_EQ(fclose(file), 0);
	}

	/* Why it is refused; empty when it is not. */
	std::string refusal(const std::string &path)
	{
		std::string why;
		bool read = read_auth_key(path.c_str(), &key_, &why);
		EXPECT_EQ(read, why.empty());
		return why;
	}

	std::string path_;
	AuthKey key_;
};

TEST_F(AuthKeyFile, IsAllBytes)
{
	std::string text("0123456789\0\n abc\n", 17);
	holds(text);
	EXPECT_EQ(refusal(path_), "");
	EXPECT_EQ(key_, AuthKey(text.begin(), text.end()));
}

TEST_F(AuthKeyFile, HasBetween16And4096)
{
	holds(std::string(15, 'k'));
	EXPECT_NE(refusal(path_).find("16 bytes"), std::string::npos);
	holds(std::string(4097, 'k'));
	EXPECT_NE(refusal(path_).find("4096"), std::string::npos);
	holds(std::string(4096, 'k'));
	EXPECT_EQ(refusal(path_), "");
}

TEST_F(AuthKeyFile, IsItsOwnersAlone)
{
	holds(std::string(16, 'k'));
	for (mode_t mode : {0660, 0650, 0604, 0620, 0602}) {
		ASSERT_EQ(chmod(path_.c_str(), mode), 0);
		EXPECT_NE(refusal(path_).find("chmod 600"), std::string::npos);
	}
	ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
	EXPECT_EQ(refusal(path_), "");
}

TEST_F(AuthKeyFile, OfAUserIsNotItsGroups)
{
	holds(std::string(16, 'k'));
	if (!geteuid()) {
		ASSERT_EQ(chown(path_.c_str(), 1, getegid()), 0);
	}
	ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
	EXPECT_NE(refusal(path_).find("chmod 600"), std::string::npos);
}

/* An administrator gives a key to a service in this way. */
TEST_F(AuthKeyFile, OfRootIsForAGroupOfTheProcess)
{
	if (geteuid())
		GTEST_SKIP() << "only root can give a file to root";
	holds(std::string(16, 'k'));
	ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
	ASSERT_EQ(chown(path_.c_str(), 0, 23), 0);
	EXPECT_NE(refusal(path_).find("chmod 600"), std::string::npos);
	int status = test::run_in_child([&] {
		gid_t groups[] = {22, 23};
		if (setgroups(2, groups) || setgid(21) || setuid(20))
			return 1;
		return refusal(path_).empty() && key_ == kKey ? 0 : 2;
	});
	EXPECT_TRUE(test::exited_with(status, 0)) << status;
	ASSERT_EQ(chmod(path_.c_str(), 0660), 0);
	ASSERT_EQ(chown(path_.c_str(), 0, getegid()), 0);
	EXPECT_NE(refusal(path_), "");
	ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
	EXPECT_EQ(refusal(path_), "");
}

TEST_F(AuthKeyFile, IsAFile)
{
	EXPECT_NE(refusal("."), "");
	EXPECT_NE(refusal("/dev/null"), "");
	EXPECT_NE(refusal(path_ + "-none"), "");
	EXPECT_TRUE(key_.empty());
}

TEST_F(AuthKeyFile, OfTheEnvironmentMustBeGood)
{
	holds(std::string(16, 'k'));
	setenv("FI_OFI_PMEM_AUTH_KEY_FILE", path_.c_str(), 1);
	EXPECT_EQ(load_params(), 0);
	EXPECT_EQ(params().auth_key, kKey);
	holds("short");
	EXPECT_EQ(load_params(), -FI_EINVAL);
	unsetenv("FI_OFI_PMEM_AUTH_KEY_FILE");
	EXPECT_EQ(load_params(), 0);
	EXPECT_TRUE(params().auth_key.empty());
}

void name_at_endpoint(fi_info *info, const AuthKey &key)
{
	auto domain = std::exchange(info->domain_attr, nullptr);
	set_auth_key(info, key);
	info->domain_attr = domain;
}

InfoPtr persistent_hints()
{
	auto hints = make_info(FI_RMA | FI_RMA_PMEM);
	hints->domain_attr->mr_mode = FI_MR_PROV_KEY;
	return hints;
}

TEST(AuthKeyOfInfo, EitherAttributeNamesIt)
{
	auto hints = persistent_hints();
	EXPECT_TRUE(auth_key_of(*hints).empty());
	name_at_endpoint(hints.get(), kKey);
	EXPECT_EQ(auth_key_of(*hints), kKey);
	EXPECT_EQ(refusal(hints.get(), Variant::persistent), nullptr);
	set_auth_key(hints.get(), kKey);
	EXPECT_EQ(refusal(hints.get(), Variant::persistent), nullptr);
	name_at_endpoint(hints.get(), kOther);
	EXPECT_NE(refusal(hints.get(), Variant::persistent), nullptr);
	EXPECT_EQ(refusal(hints.get(), Variant::plain), nullptr);
}

TEST(AuthKeyOfInfo, AShortOneIsRefused)
{
	auto hints = persistent_hints();
	set_auth_key(hints.get(), AuthKey(15, 'k'));
	EXPECT_NE(refusal(hints.get(), Variant::persistent), nullptr);
}

TEST(AuthKeyOfInfo, IsOursAndNotTheInnerProviders)
{
	auto hints = persistent_hints();
	name_at_endpoint(hints.get(), kKey);
	auto below = inner_hints(*hints, "fake", Variant::persistent);
	EXPECT_TRUE(auth_key_of(*below).empty());
	auto offered = make_info(FI_RMA);
	make_persistent_info(hints.get(), offered.get());
	EXPECT_EQ(offered->ep_attr->auth_key_size, kKey.size());
	EXPECT_EQ(offered->domain_attr->auth_key_size, kKey.size());
	EXPECT_EQ(auth_key_of(*offered), kKey);
	auto copy = copy_info(*offered);
	EXPECT_EQ(auth_key_of(*copy), kKey);
	EXPECT_EQ(auth_key_of(*inner_hints(*hints, "fake", Variant::plain)),
		  kKey);
}

} // namespace

} // namespace ofi_pmem
