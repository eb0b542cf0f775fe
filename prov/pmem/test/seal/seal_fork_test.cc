/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A child, however it is forked, neither repeats nonces nor has keys. */
#include "fixture/persist_fixture.hh"
#include "seal/fork_marker.hh"
#include "seal/seal_fixture.hh"

#include <rdma/fi_errno.h>

#include <sys/syscall.h>

namespace ofi_pmem::test
{

namespace
{

pid_t raw_fork()
{
	return static_cast<pid_t>(syscall(SYS_fork));
}

pid_t raw_clone()
{
	return static_cast<pid_t>(
		syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
}

class SealFork : public ::testing::TestWithParam<pid_t (*)()>
{
protected:
	/* Returns what a child returns; it must not need any lock. */
	static int in_child(const std::function<int()> &body)
	{
		pid_t child = GetParam()();
		if (!child)
			_exit(body());
		int status = -1;
		EXPECT_EQ(waitpid(child, &status, 0), child);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}

	std::shared_ptr<RegionKey> key_ = make_key(Cipher::aes_256_gcm);
	SealedStream stream_{key_};
};

TEST_P(SealFork, ChildSealsNothing)
{
	Bytes plain = counting(10);
	Bytes record(sealed_length(10));
	iovec one{plain.data(), plain.size()};
	EXPECT_EQ(in_child([&] {
			  for (int i = 0; i < 2; i++) {
				  if (stream_.sealer.seal(&one, 1, 10,
							  record.data()) !=
				      -FI_EOPNOTSUPP)
					  return 1;
			  }
			  return 0;
		  }),
		  0);
	EXPECT_EQ(stream_.unseal(stream_.seal(plain)), plain);
}

TEST_P(SealFork, GrandchildIsNoBetter)
{
	Bytes plain = counting(10);
	Bytes record(sealed_length(10));
	iovec one{plain.data(), plain.size()};
	EXPECT_EQ(in_child([&] {
			  return in_child([&] {
				  return stream_.sealer.seal(&one, 1, 10,
							     record.data()) !=
					 -FI_EOPNOTSUPP;
			  });
		  }),
		  0);
}

TEST_P(SealFork, ChildHasNoKey)
{
	EXPECT_EQ(in_child([&] {
			  Schedule schedule;
			  Bytes zeros(32);
			  Bytes bytes(32);
			  const Secret &secret = key_->secret();
			  return secret.size() ||
				 secret.equals(zeros.data(), 32) ||
				 secret.copy(bytes.data(), 32) ||
				 schedule.open(*key_, counting_hash(1));
		  }),
		  0);
	EXPECT_EQ(key_->secret().size(), 32u);
}

TEST_P(SealFork, MarkOfAChildIsItsOwn)
{
	ForkMarker marker;
	EXPECT_FALSE(marker.own());
	ASSERT_TRUE(marker.open());
	EXPECT_TRUE(marker.own());
	EXPECT_EQ(in_child([&] {
			  ForkMarker another;
			  bool good = !marker.own() && another.open() &&
				      another.own() && !marker.own();
			  return good ? in_child([&] {
				  return marker.own() || another.own();
			  })
				      : 2;
		  }),
		  0);
	EXPECT_TRUE(marker.own());
}

INSTANTIATE_TEST_SUITE_P(Seal, SealFork,
			 ::testing::Values(&fork, &raw_fork, &raw_clone));

} // namespace

} // namespace ofi_pmem::test
