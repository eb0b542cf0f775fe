/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * In a process that was started without standard files, none of our files gets
 * a number of theirs.
 */
#include "core/descriptors.hh"

#include "bridge/wait_fd.hh"
#include "fake/fake_nic.hh"
#include "fixture/persist_fixture.hh"
#include "initiator/initiator.hh"
#include "initiator/watchdog.hh"
#include "persist/read_back.hh"
#include "service/service.hh"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>

namespace ofi_pmem::test
{

namespace
{

bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Closes the standard files as long as it lives. */
class WithoutStandardFiles
{
public:
	WithoutStandardFiles()
	{
		for (int fd = 0; fd < kFirstDescriptor; fd++) {
			saved_[fd] =
				fcntl(fd, F_DUPFD_CLOEXEC, kFirstDescriptor);
			close(fd);
		}
	}
	~WithoutStandardFiles()
	{
		for (int fd = 0; fd < kFirstDescriptor; fd++) {
			close(fd);
			if (saved_[fd] < 0)
				continue;
			dup2(saved_[fd], fd);
			close(saved_[fd]);
		}
	}

	/* How many of their numbers something has. */
	static int taken()
	{
		int count = 0;
		for (int fd = 0; fd < kFirstDescriptor; fd++)
			count += is_open(fd);
		return count;
	}

private:
	int saved_[kFirstDescriptor];
};

int tell_wait_fd(fid *, int, void *fd)
{
	*static_cast<int *>(fd) = kFirstDescriptor;
	return 0;
}

/* The two bells of a fake transport's queues, which are the inner provider's.
 */
constexpr int kBells = 2;

} // namespace

TEST(Descriptors, MoveAboveTheStandardFiles)
{
	WithoutStandardFiles without;
	int low = eventfd(0, EFD_CLOEXEC);
	int moved = above_standard(low);
	bool low_is_open = is_open(low);
	int flags = fcntl(moved, F_GETFD);
	int same = above_standard(moved);
	close(moved);
	EXPECT_EQ(low, 0);
	EXPECT_GE(moved, kFirstDescriptor);
	EXPECT_FALSE(low_is_open);
	EXPECT_TRUE(flags & FD_CLOEXEC);
	EXPECT_EQ(same, moved);
	errno = EMFILE;
	EXPECT_EQ(above_standard(-1), -1);
	EXPECT_EQ(errno, EMFILE);
}

TEST(Descriptors, WaitObjectsHaveNoStandardNumber)
{
	fi_ops ops{};
	ops.size = sizeof(ops);
	ops.control = tell_wait_fd;
	fid inner{};
	inner.ops = &ops;
	int opened = eventfd(0, EFD_CLOEXEC);
	int taken = 0;
	int ret = 0;
	int watchdog_ret = 0;
	{
		WithoutStandardFiles without;
		WaitFd wait;
		ret = wait.open(&inner);
		Watchdog watchdog;
		watchdog_ret = watchdog.open();
		taken = WithoutStandardFiles::taken();
	}
	close(opened);
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(watchdog_ret, 0);
	EXPECT_EQ(taken, 0);
}

TEST(Descriptors, ServiceAndInitiatorHaveNoStandardNumber)
{
	auto nic = std::make_shared<FakeNic>();
	FakeTransport transport(nic);
	RegionTable table;
	int service_ret = 0;
	int initiator_ret = 0;
	int service_takes = 0;
	int initiator_takes = 0;
	{
		WithoutStandardFiles without;
		Service service(transport, &table);
		service_ret = service.open();
		service_takes = WithoutStandardFiles::taken();
	}
	{
		WithoutStandardFiles without;
		Initiator initiator(transport, {});
		initiator_ret = initiator.open(true);
		initiator_takes = WithoutStandardFiles::taken();
	}
	EXPECT_EQ(service_ret, 0);
	EXPECT_EQ(service_takes, kBells);
	EXPECT_EQ(initiator_ret, 0);
	EXPECT_EQ(initiator_takes, kBells);
}

class DescriptorsOfFiles : public PersistTest
{
};

TEST_F(DescriptorsOfFiles, HaveNoStandardNumber)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	ReadBackBuffer buffer;
	RegionDeclaration declared;
	declared.fd = fd_.get();
	int taken = 0;
	int ret = 0;
	Inspection found;
	Inspection by_declaration;
	{
		WithoutStandardFiles without;
		found = inspect(memory);
		by_declaration = inspect_memory(memory.at(), memory.size(),
						never_captured, declared);
		ret = buffer.open();
		taken = WithoutStandardFiles::taken();
	}
	EXPECT_TRUE(found.file.fd);
	EXPECT_TRUE(by_declaration.file.fd);
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(taken, 0);
}

} // namespace ofi_pmem::test
