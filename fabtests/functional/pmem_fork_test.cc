/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fork(2) with everything open. Every call tells the child that it has no part
 * in it, whether its parent goes on or ends as daemon(3) lets it, and what the
 * child closes its parent keeps. The end of a program that closes nothing is
 * tested, too.
 */
#include "common/local_target.hh"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pmem_test;

namespace
{

/* A target and an initiator that is connected to it. */
struct Pair {
	explicit Pair(const NodeOptions &options)
		: target(options), initiator(options)
	{
		target.node.listen();
		connect(initiator);
		target.add_region();
	}

	void connect(Initiator &another)
	{
		target.connect(another.node(), target.node.address());
	}

	int commit() { return target.commit_from(initiator); }

	LocalTarget target;
	Initiator initiator;
};

/* Complaints of a child go to its standard error. */
bool same(int64_t got, int64_t wanted, const char *what)
{
	if (got != wanted)
		fprintf(stderr, "in the child, %s: %lld, not %lld\n", what,
			static_cast<long long>(got),
			static_cast<long long>(wanted));
	return got == wanted;
}

bool registers_nothing(Node &node)
{
	constexpr size_t kLen = 4096;
	RegionFile file(kLen);
	Mapping memory(file.path(), kLen);
	fid_mr *mr = nullptr;
	bool good = true;
	for (uint64_t flags : {uint64_t{FI_RMA_PMEM}, uint64_t{0}}) {
		int ret =
			fi_mr_reg(node.domain.get(), memory.data(), kLen,
				  FI_REMOTE_WRITE, 0, 99, flags, &mr, nullptr);
		good = same(ret, -FI_EOPNOTSUPP, "fi_mr_reg") && good;
	}
	return good;
}

bool opens_nothing(Node &node)
{
	fid_domain *domain = nullptr;
	fid_ep *ep = nullptr;
	fid_cq *cq = nullptr;
	fi_cq_attr attr{};
	return same(fi_domain(node.fabric.get(), node.info.get(), &domain,
			      nullptr),
		    -FI_EOPNOTSUPP, "fi_domain") &&
	       same(fi_endpoint(node.domain.get(), node.info.get(), &ep,
				nullptr),
		    -FI_EOPNOTSUPP, "fi_endpoint") &&
	       same(fi_cq_open(node.domain.get(), &attr, &cq, nullptr),
		    -FI_EOPNOTSUPP, "fi_cq_open");
}

bool posts_nothing(Pair &pair, LocalBuffer &buffer)
{
	fi_context2 context{};
	Initiator &from = pair.initiator;
	ssize_t commit = from.write(pair.target.region, 0, buffer,
				    FI_COMMIT_COMPLETE, &context);
	ssize_t drain = from.drain(pair.target.region, &context);
	ssize_t sent = fi_send(from.ep(), buffer.data(), buffer.size(),
			       buffer.desc(), from.peer(), &context);
	ssize_t received = fi_recv(from.ep(), buffer.data(), buffer.size(),
				   buffer.desc(), from.peer(), &context);
	fi_cq_entry entry;
	ssize_t read = fi_cq_read(from.node().cq.get(), &entry, 1);
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	int queried = from.ops()->query(from.ep(), from.peer(),
					pair.target.region.key, &attr);
	return same(commit, -FI_EOPNOTSUPP, "a commit") &&
	       same(drain, -FI_EOPNOTSUPP, "a drain") &&
	       same(sent, -FI_EOPNOTSUPP, "a send") &&
	       same(received, -FI_EOPNOTSUPP, "a receive") &&
	       same(read, -FI_EOPNOTSUPP, "reading a queue") &&
	       same(queried, -FI_EOPNOTSUPP, "a query");
}

/* Closes everything but the file, which is the parent's. */
void close_all(Node &node)
{
	node.eps.clear();
	node.pep.reset();
	node.cq.reset();
	node.av.reset();
	node.domain.reset();
	node.eq.reset();
	node.fabric.reset();
}

/*
 * Checks what a child can do with what it inherits, and what it can open
 * itself.
 */
bool check_child(Pair &pair, LocalBuffer &buffer)
{
	NodeOptions options = pair.initiator.node().options;
	bool good = posts_nothing(pair, buffer) &&
		    registers_nothing(pair.target.node) &&
		    opens_nothing(pair.target.node);
	for (Node *node : {&pair.initiator.node(), &pair.target.node})
		for (auto &ep : node->eps)
			good = same(fi_shutdown(ep.get(), 0), 0,
				    "fi_shutdown") &&
			       good;
	buffer.mr.reset();
	pair.target.mr.reset();
	close_all(pair.initiator.node());
	close_all(pair.target.node);
	good = same(close_failures(), 0, "fi_close") && good;
	Pair own(options);
	return same(own.commit(), 0, "a commit of its own") && good;
}

/* Runs in a child, which must end in time. */
template <typename Body> pid_t start(Body body)
{
	fflush(nullptr);
	pid_t child = fork();
	if (child)
		return child;
	alarm(static_cast<unsigned>(kTimeout.count()));
	bool good = false;
	try {
		good = body();
	} catch (const std::exception &error) {
		fprintf(stderr, "in the child: %s\n", error.what());
	}
	_exit(good ? 0 : 1);
}

int status_of(pid_t child)
{
	int status = -1;
	waitpid(child, &status, 0);
	return status;
}

class PmemFork : public testing::TestWithParam<Stack>
{
protected:
	static NodeOptions options(bool automatic)
	{
		NodeOptions chosen;
		chosen.stack = GetParam();
		chosen.automatic = automatic;
		/* Sends pass the persistence plane, too. */
		chosen.msg_order = FI_ORDER_SAW;
		return chosen;
	}
};

TEST_P(PmemFork, ParentKeepsWhatItsChildCloses)
{
	for (bool automatic : {false, true}) {
		Pair pair(options(automatic));
		LocalBuffer buffer(pair.initiator.node(), 100);
		ASSERT_EQ(pair.commit(), 0);
		pid_t child = start([&] { return check_child(pair, buffer); });
		EXPECT_EQ(status_of(child), 0);
		EXPECT_EQ(pair.commit(), 0);
		Initiator another(options(automatic));
		pair.connect(another);
		EXPECT_EQ(pair.target.commit_from(another), 0);
	}
	EXPECT_EQ(close_failures(), 0);
}

TEST_P(PmemFork, ChildThatGoesOnAloneIsTold)
{
	int verdict[2];
	ASSERT_EQ(pipe2(verdict, O_CLOEXEC), 0);
	pid_t parent = start([&] {
		Pair pair(options(false));
		LocalBuffer buffer(pair.initiator.node(), 100);
		if (!same(pair.commit(), 0, "a commit before the fork"))
			return false;
		pid_t self = getpid();
		start([&] {
			Deadline deadline;
			while (getppid() == self)
				deadline.spin("the parent does not end");
			bool good = check_child(pair, buffer);
			return write(verdict[1], good ? "+" : "-", 1) == 1;
		});
		_exit(0);
	});
	EXPECT_EQ(status_of(parent), 0);
	close(verdict[1]);
	char answer = 0;
	EXPECT_EQ(read(verdict[0], &answer, 1), 1);
	EXPECT_EQ(answer, '+');
	close(verdict[0]);
}

/* Its service may be at work while libfabric unloads providers. */
TEST_P(PmemFork, ProgramMayEndWithoutClosing)
{
	for (int i = 0; i < 10; i++) {
		pid_t child = start([&]() -> bool {
			LocalTarget target(options(false));
			target.add_region();
			exit(0);
		});
		EXPECT_EQ(status_of(child), 0);
	}
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemFork, testing::ValuesIn(kStacks),
			 CaseName());

} // namespace
