/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Registrations of programs that know nothing of persistent memory, by
 * FI_OFI_PMEM_REGIONS=detect and all: none that the inner provider takes is
 * refused for what its memory is, and no file is taken for other memory.
 */
#include "core/key.hh"
#include "core/params.hh"
#include "fixture/app_plane_fixture.hh"
#include "fixture/persist_fixture.hh"
#include "persist/capture.hh"
#include "persist/shared_file.hh"

#include <rdma/fi_errno.h>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace ofi_pmem
{

namespace
{

constexpr uint64_t kRead = FI_REMOTE_READ;
constexpr uint64_t kWrite = FI_REMOTE_READ | FI_REMOTE_WRITE;

class UnmodifiedProgram : public AppPlaneTest,
			  public testing::WithParamInterface<const char *>
{
protected:
	void SetUp() override
	{
		setenv("FI_OFI_PMEM_REGIONS", GetParam(), 1);
		ASSERT_EQ(load_params(), 0);
		AppTest::SetUp();
		prepare(kPersistent);
		open();
		test::write_file(path_, std::string(2 * page_, '.'));
		fd_ = test::open_rw(path_);
		ASSERT_TRUE(fd_);
	}

	void TearDown() override
	{
		close_endpoint();
		AppTest::TearDown();
		unsetenv("FI_OFI_PMEM_REGIONS");
		ASSERT_EQ(load_params(), 0);
	}

	static bool forces() { return !strcmp(GetParam(), "all"); }

	int reg(const void *memory, size_t len, uint64_t access, fid_mr **mr)
	{
		return fi_mr_reg(domain, memory, len, access, 0, 7, 0, mr,
				 nullptr);
	}

	void expect_region(const void *memory, size_t len, uint64_t access,
			   bool persistent)
	{
		fid_mr *mr = nullptr;
		ASSERT_EQ(reg(memory, len, access, &mr), 0);
		EXPECT_EQ(Key(fi_mr_key(mr)).persistent(), persistent);
		EXPECT_EQ(fi_close(&mr->fid), 0);
	}

	const size_t page_ = page_size();
	test::TempDir dir_;
	const std::string path_ = dir_.file("region");
	OwnedFd fd_;
};

TEST_P(UnmodifiedProgram, RegistersWhatTheInnerProviderTakes)
{
	static const char constant[64] = "constant";
	std::vector<char> heap(64);
	test::Mapped read_only(2 * page_, MAP_SHARED, fd_.get(), PROT_READ);
	test::Mapped longer(4 * page_, MAP_SHARED, fd_.get());
	test::Mapped reserved(2 * page_, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      PROT_NONE);
	test::Mapped hole(test::Mapped::kGap, MAP_PRIVATE | MAP_ANONYMOUS);
	hole.leave(page_);
	expect_region(longer.at(), 2 * page_, kWrite, true);
	expect_region(longer.at(), 4 * page_, kWrite, false);
	expect_region(read_only.at(), 2 * page_, kRead, true);
	expect_region(read_only.at(), 2 * page_, kWrite, false);
	expect_region(heap.data(), heap.size(), kWrite, forces());
	expect_region(heap.data(), heap.size(), FI_READ, false);
	expect_region(constant, sizeof(constant), kRead, forces());
	expect_region(constant, sizeof(constant), kWrite, false);
	expect_region(reserved.at(), 2 * page_, kWrite, false);
	expect_region(hole.at(), 2 * page_, kWrite, false);
	expect_region(heap.data(), 0, kWrite, false);

	iovec iov[] = {{heap.data(), 8}, {longer.at(), 8}};
	fid_mr *mr = nullptr;
	ASSERT_EQ(fi_mr_regv(domain, iov, 2, kWrite, 0, 7, 0, &mr, nullptr), 0);
	EXPECT_FALSE(Key(fi_mr_key(mr)).persistent());
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

/*
 * A file is a region even if it has the inode number of one that failed and was
 * removed.
 */
TEST_P(UnmodifiedProgram, ReadsAFileOfWhichASyncFailed)
{
	{
		SharedFile::Ptr failed;
		ASSERT_EQ(SharedFile::open(fd_, O_RDWR, &failed), 0);
		failed->fail(EIO);
	}
	test::Mapped memory(2 * page_, MAP_SHARED, fd_.get(), PROT_READ);
	expect_region(memory.at(), 2 * page_, kRead, true);
}

TEST_P(UnmodifiedProgram, HearsOfAFileThatCannotBeOpened)
{
	test::Mapped memory(2 * page_, MAP_SHARED, fd_.get());
	{
		test::FewDescriptors none(0);
		fid_mr *mr = nullptr;
		EXPECT_EQ(reg(memory.at(), page_, kWrite, &mr), -FI_EMFILE);
		EXPECT_EQ(mr, nullptr);
		EXPECT_EQ(inner_domain->region, nullptr);
		/* Local memory is nobody's target. */
		expect_region(memory.at(), page_, FI_READ | FI_WRITE, false);
	}
	expect_region(memory.at(), page_, kWrite, true);
}

INSTANTIATE_TEST_SUITE_P(Regions, UnmodifiedProgram,
			 testing::Values("detect", "all"), [](const auto &one) {
				 return std::string(one.param);
			 });

/* Under simulated power failure, and no port is free for the service. */
class UnpublishedRegion : public AppPlaneTest
{
protected:
	void SetUp() override
	{
		setenv("FI_OFI_PMEM_BACKEND", "powerfail", 1);
		std::string port = std::to_string(taken_port());
		setenv("FI_OFI_PMEM_PORT_RANGE", (port + "-" + port).c_str(),
		       1);
		ASSERT_EQ(load_params(), 0);
		AppTest::SetUp();
		prepare(kPersistent);
		open();
		test::write_file(path_, std::string(page_size(), '.'));
		fd_ = test::open_rw(path_);
		ASSERT_TRUE(fd_);
	}

	void TearDown() override
	{
		fake::MemoryRegion::closing = nullptr;
		close_endpoint();
		AppTest::TearDown();
		unsetenv("FI_OFI_PMEM_BACKEND");
		unsetenv("FI_OFI_PMEM_PORT_RANGE");
		ASSERT_EQ(load_params(), 0);
	}

	uint16_t taken_port()
	{
		sockaddr_in name{};
		name.sin_family = AF_INET;
		socklen_t len = sizeof(name);
		auto *address = reinterpret_cast<sockaddr *>(&name);
		EXPECT_EQ(bind(socket_.get(), address, len), 0);
		EXPECT_EQ(listen(socket_.get(), 1), 0);
		EXPECT_EQ(getsockname(socket_.get(), address, &len), 0);
		return ntohs(name.sin_port);
	}

	OwnedFd socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	test::TempDir dir_;
	const std::string path_ = dir_.file("region");
	OwnedFd fd_;
};

TEST_F(UnpublishedRegion, KeepsItsPagesUntilTheInnerRegionIsClosed)
{
	test::Mapped memory(page_size(), MAP_SHARED, fd_.get());
	auto begin = reinterpret_cast<uintptr_t>(memory.at());
	auto captured = [&] {
		MutexLock guard(capture_lock());
		return is_captured(begin, begin + page_size());
	};
	bool captured_when_closed = false;
	fake::MemoryRegion::closing = [&] {
		captured_when_closed = captured();
	};
	fid_mr *mr = nullptr;
	EXPECT_EQ(fi_mr_reg(domain, memory.at(), page_size(), kWrite, 0, 7,
			    FI_RMA_PMEM, &mr, nullptr),
		  -FI_EADDRINUSE);
	EXPECT_TRUE(captured_when_closed);
	EXPECT_FALSE(captured());
}

} // namespace

} // namespace ofi_pmem
