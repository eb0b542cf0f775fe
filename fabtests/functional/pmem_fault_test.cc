/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A world that misbehaves: peers that die or hang, strangers on the service's
 * port, files that shrink, disks that are full. Errors reach the initiator,
 * the target lives, nothing hangs, no acknowledged byte is lost.
 */
#include "common/initiator.hh"
#include "common/random.hh"
#include "common/stranger.hh"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <filesystem>

using namespace pmem_test;

namespace
{

constexpr size_t kPage = 4096;
constexpr size_t kRegionLen = 64 * kPage;
constexpr size_t kSizes[] = {64, 20000}; /* inline, one-sided */

/* A target with one region, and an initiator connected to it. */
class Pair
{
public:
	Pair(Stack stack, Memory memory) : Pair(stack, child_options(memory)) {}

	Pair(Stack stack, const ChildOptions &child)
		: file(kRegionLen), target(node_options(stack), child),
		  region(target.add_file(file.path(), kRegionLen)),
		  initiator(stack)
	{
		target.connect(initiator.node());
	}

	void expect_service()
	{
		target.ping();
		Bytes wanted = pattern(++writes_, 300);
		initiator.write_and_wait(region, 17, wanted,
					 FI_COMMIT_COMPLETE);
		EXPECT_EQ(difference(file.read(17, 300), wanted), "");
	}

	/* One commit and one read of each size, all in vain. */
	void expect_failures(uint64_t offset)
	{
		for (size_t len : kSizes) {
			LocalBuffer buffer(initiator.node(), len);
			ssize_t ret =
				initiator.write(region, offset, buffer,
						FI_COMMIT_COMPLETE, &context_);
			EXPECT_NE(outcome(initiator, ret, &context_).err, 0);
			ret = initiator.read(region, offset, buffer, &context_);
			EXPECT_NE(outcome(initiator, ret, &context_).err, 0);
		}
		ssize_t ret = initiator.drain(region, &context_);
		drain_error_ = outcome(initiator, ret, &context_).err;
	}

	int drain_error() const { return drain_error_; }

	static NodeOptions node_options(Stack stack)
	{
		NodeOptions options;
		options.stack = stack;
		return options;
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
	Initiator initiator;

private:
	fi_context2 context_{};
	uint64_t writes_ = 0;
	int drain_error_ = 0;
};

class PmemPeer : public testing::TestWithParam<Setup>
{
protected:
	PmemPeer() : pair(GetParam().stack, GetParam().memory) {}

	Pair pair;
};

TEST_P(PmemPeer, GoneBeforeTheFirstOperation)
{
	pair.target.kill();
	pair.expect_failures(0);
	EXPECT_NE(pair.drain_error(), 0);
}

TEST_P(PmemPeer, GoneAfterSomeOperations)
{
	Bytes wanted = pattern(1, 10000);
	pair.initiator.write_and_wait(pair.region, 0, wanted,
				      FI_COMMIT_COMPLETE);
	pair.target.kill();
	pair.expect_failures(0);
	EXPECT_NE(pair.drain_error(), 0);
	EXPECT_EQ(difference(pair.file.read(0, wanted.size()), wanted), "");
}

TEST_P(PmemPeer, GoneAmidOperationsThatAllEnd)
{
	constexpr size_t kOps = 48;
	constexpr size_t kLen = 5000;
	Initiator &initiator = pair.initiator;
	initiator.drain_and_wait(pair.region);
	std::vector<std::unique_ptr<LocalBuffer>> buffers;
	std::vector<fi_context2> contexts(kOps);
	for (size_t i = 0; i < kOps; i++) {
		size_t len = i % 2 ? kLen : 50;
		buffers.push_back(std::make_unique<LocalBuffer>(
			initiator.node(), pattern(i, len)));
		LocalBuffer &buffer = *buffers.back();
		ssize_t ret =
			i % 4 == 3 ? initiator.read(pair.region, 0, buffer,
						    &contexts[i])
				   : initiator.write(pair.region, i * kLen,
						     buffer, FI_COMMIT_COMPLETE,
						     &contexts[i]);
		check(ret, "posting");
	}
	pair.target.kill();
	std::vector<bool> ended(kOps);
	for (size_t i = 0; i < kOps; i++) {
		Completion completion = initiator.completions().wait();
		size_t op = static_cast<size_t>(
			static_cast<fi_context2 *>(completion.context) -
			contexts.data());
		ASSERT_LT(op, kOps);
		EXPECT_FALSE(ended[op]) << "two completions of " << op;
		ended[op] = true;
		if (completion.err || op % 4 == 3)
			continue;
		const Bytes &wanted = buffers[op]->bytes;
		EXPECT_EQ(difference(pair.file.read(op * kLen, wanted.size()),
				     wanted),
			  "");
	}
}

TEST_P(PmemPeer, AnotherTargetIsNotConcerned)
{
	pair.expect_service();
	Target other(GetParam().stack, GetParam().memory);
	RegionFile other_file(kRegionLen);
	RemoteRegion other_region =
		other.add_file(other_file.path(), kRegionLen);
	/*
	 * With RDM this is the same endpoint, with MSG another one of the same
	 * domain.
	 */
	pair.target.kill();
	other.connect(pair.initiator.node());
	Bytes wanted = pattern(7, 9000);
	pair.initiator.write_and_wait(other_region, 3, wanted,
				      FI_COMMIT_COMPLETE);
	EXPECT_EQ(difference(other_file.read(3, wanted.size()), wanted), "");
}

TEST_P(PmemPeer, HangsAndTheInitiatorCanStillClose)
{
	pair.expect_service();
	pair.target.stop();
	std::vector<fi_context2> contexts(8);
	LocalBuffer buffer(pair.initiator.node(), pattern(1, 10000));
	for (fi_context2 &context : contexts)
		check(pair.initiator.write(pair.region, 0, buffer,
					   FI_COMMIT_COMPLETE, &context),
		      "fi_writemsg");
	Deadline deadline;
	pair.initiator.node().eps.clear();
	EXPECT_FALSE(deadline.passed());
}

const Setup kPeers[] = {{Stack::msg, Memory::powerfail},
			{Stack::msg, Memory::page},
			{Stack::rdm, Memory::powerfail},
			{Stack::rdm, Memory::page}};

INSTANTIATE_TEST_SUITE_P(Stacks, PmemPeer, testing::ValuesIn(kPeers),
			 CaseName());

class PmemPort : public testing::TestWithParam<Stack>
{
protected:
	PmemPort() : pair(GetParam(), Memory::powerfail) {}

	void expect_newcomer_is_served()
	{
		Initiator newcomer(GetParam());
		pair.target.connect(newcomer.node());
		newcomer.write_and_wait(pair.region, 9000, pattern(3, 6000),
					FI_COMMIT_COMPLETE);
	}

	Pair pair;
};

TEST_P(PmemPort, ScanDisturbsNobody)
{
	for (int i = 0; i < 200; i++) {
		Stranger stranger(pair.region.service_port());
		ASSERT_TRUE(stranger.connected());
		if (i % 2)
			stranger.reset_on_close();
		if (i % 20 == 0)
			pair.expect_service();
	}
	pair.expect_service();
	expect_newcomer_is_served();
}

TEST_P(PmemPort, GarbageDisturbsNobody)
{
	Random random(17);
	for (uint64_t i = 0; i < 60; i++) {
		Stranger stranger(pair.region.service_port());
		ASSERT_TRUE(stranger.connected());
		stranger.send(pattern(i, random.between(1, 70000)));
		if (i % 3 == 1)
			stranger.end_of_stream();
		if (i % 3 == 2)
			stranger.reset_on_close();
		pair.expect_service();
	}
	expect_newcomer_is_served();
}

TEST_P(PmemPort, SilentConnectionsDisturbNobody)
{
	std::vector<std::unique_ptr<Stranger>> silent;
	for (size_t i = 0; i < 40; i++) {
		silent.push_back(
			std::make_unique<Stranger>(pair.region.service_port()));
		ASSERT_TRUE(silent.back()->connected());
		if (i % 2) /* half a header */
			silent.back()->send(pattern(i, 5));
		pair.expect_service();
	}
	expect_newcomer_is_served();
	silent.clear();
	pair.expect_service();
	expect_newcomer_is_served();
}

/* A libfabric program that found the port, but does not speak our protocol. */
TEST_P(PmemPort, ForeignProtocolDisturbsNobody)
{
	for (uint64_t round = 0; round < 6; round++) {
		NodeOptions options = Pair::node_options(Stack::msg);
		options.plain = true;
		Initiator stranger(options);
		Address service = pair.target.address();
		sockaddr_in name{};
		memcpy(&name, service.data, sizeof(name));
		name.sin_port = htons(pair.region.service_port());
		memcpy(service.data, &name, sizeof(name));
		try {
			stranger.node().connect(service);
			Bytes bytes = pattern(round, 40 + 100 * round);
			LocalBuffer text(stranger.node(), bytes);
			fi_context2 context{};
			for (int i = 0; i < 10; i++)
				static_cast<void>(fi_send(
					stranger.ep(), text.data(), text.size(),
					text.desc(), 0, &context));
			stranger.completions().poll();
		} catch (const std::runtime_error &) {
			/* Refused, which is as good. */
		}
		pair.expect_service();
	}
	expect_newcomer_is_served();
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemPort, testing::ValuesIn(kStacks),
			 CaseName());

class PmemFile : public testing::TestWithParam<Stack>
{
protected:
	static constexpr size_t kLimit = 16 * kPage;
};

TEST_P(PmemFile, ShrunkUnderTheMappingIsAnError)
{
	Pair pair(GetParam(), Memory::page);
	pair.expect_service();
	pair.file.resize(kPage);
	pair.expect_failures(8 * kPage);
	pair.target.ping();
	EXPECT_EQ(pair.file.read().size(), kPage);
	/* Once it has its size again, a new registration serves it. */
	pair.file.resize(kRegionLen);
	pair.target.close_region(pair.region);
	pair.region = pair.target.add_file(pair.file.path(), kRegionLen);
	pair.expect_service();
}

TEST_P(PmemFile, ShrunkBeforeTheFirstOperationIsAnError)
{
	Pair pair(GetParam(), Memory::page);
	pair.file.resize(0);
	pair.expect_failures(0);
	pair.target.ping();
}

/* No more bytes fit: some writes fail, the others are served. */
TEST_P(PmemFile, SizeLimitIsAnErrorOfTheWriteBeyondIt)
{
	ChildOptions child = child_options(Memory::page);
	child.file_size_limit = kLimit;
	Pair pair(GetParam(), child);
	pair.expect_service();
	LocalBuffer buffer(pair.initiator.node(), pattern(1, 20000));
	fi_context2 context{};
	for (size_t len : kSizes) {
		ssize_t ret =
			pair.initiator.write(pair.region, kLimit, buffer, 0,
					     len, FI_COMMIT_COMPLETE, &context);
		Failure failure = outcome(pair.initiator, ret, &context);
		EXPECT_NE(failure.err, 0);
		EXPECT_GT(failure.completion.text.size(), 3u);
		pair.expect_service();
	}
}

TEST_P(PmemFile, FullDiskIsAnErrorOfTheWrite)
{
	std::string image = work_dir() + "/image";
	std::string mount_point = work_dir() + "/mnt";
	std::filesystem::create_directory(mount_point);
	std::string make = "rm -f " + image + "; truncate -s 2M " + image +
			   " && mkfs.ext4 -q -F " + image + " >/dev/null 2>&1";
	if (system(make.c_str()))
		GTEST_SKIP() << "mkfs.ext4 does not run";
	Target target(Pair::node_options(GetParam()),
		      child_options(Memory::page));
	try {
		target.mount(image, mount_point);
	} catch (const FabricError &error) {
		GTEST_SKIP() << error.what();
	}
	/* The mount is the target's own; so the way there is through it. */
	std::string seen = "/proc/" + std::to_string(target.pid()) + "/root" +
			   mount_point + "/";
	std::string fill = "cd " + seen + " && truncate -s 1M region && " +
			   "! dd if=/dev/zero of=full bs=4k 2>/dev/null";
	ASSERT_EQ(system(fill.c_str()), 0);
	RemoteRegion region = target.add_file(mount_point + "/region", 1 << 20);
	Initiator initiator(GetParam());
	target.connect(initiator.node());
	LocalBuffer buffer(initiator.node(), pattern(1, 300000));
	fi_context2 context{};
	ssize_t ret = initiator.write(region, 0, buffer, FI_COMMIT_COMPLETE,
				      &context);
	Failure failure = outcome(initiator, ret, &context);
	EXPECT_NE(failure.err, 0);
	target.ping();
	/*
	 * When it has space again and is registered again, it is served again.
	 */
	ASSERT_EQ(unlink((seen + "full").c_str()), 0);
	target.close_region(region);
	region = target.add_file(mount_point + "/region", 1 << 20);
	initiator.expect_success(initiator.write(region, 0, buffer,
						 FI_COMMIT_COMPLETE, &context),
				 &context);
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemFile, testing::ValuesIn(kStacks),
			 CaseName());

} // namespace
