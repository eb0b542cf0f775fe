/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * commit_cost METHOD COUNT makes COUNT commits of 8 bytes, one after the other,
 * through the functions of libfabric, with initiator and target in one process.
 * METHOD is "native" (IB FLUSH on a NIC that executes at once) or "socket" (a
 * request to the service over loopback, which stores it in a mapped file).
 *
 * util/scripts/test/instructions.sh counts instructions by callgrind: those of
 * Committer::post() and read() are the initiator's, those of
 * ServiceThread::read_completions() the target's.
 */
#include "digest/digest.hh"
#include "fake/fake_nic.hh"
#include "fixture/app_plane_fixture.hh"

#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace
{

/* Domains use this NIC; null: what their core provider has. */
std::shared_ptr<ofi_pmem::test::FakeNic> nic;

} // namespace

/*
 * A domain opens its own transport, so nothing else than the linker can put
 * another one there (--wrap).
 */
extern "C" {
#define OPEN_TRANSPORT(prefix)                                                 \
	prefix##_ZN8ofi_pmem14open_transportERK7fi_infoPSt10unique_ptrINS_9TransportESt14default_deleteIS4_EE
int OPEN_TRANSPORT(__real_)(const fi_info &,
			    std::unique_ptr<ofi_pmem::Transport> *);
int OPEN_TRANSPORT(__wrap_)(const fi_info &info,
			    std::unique_ptr<ofi_pmem::Transport> *transport)
{
	if (!nic)
		return OPEN_TRANSPORT(__real_)(info, transport);
	*transport = std::make_unique<ofi_pmem::test::FakeTransport>(nic);
	return 0;
}
}

namespace ofi_pmem
{

class Committer : public AppPlaneTest
{
public:
	void open(bool native);
	void commit_often(long count);

private:
	static constexpr size_t kRegion = 1 << 20;

	void TestBody() override {}
	[[gnu::noinline]] ssize_t post(const fi_msg_rma &message);
	[[gnu::noinline]] ssize_t read(fi_cq_msg_entry *entry);
	void add_fake_region();
	void add_file();
	void connect(const fi_msg_rma &message);
	void await_answer() const;
	static void let_service_sleep();
	[[nodiscard]] bool leads_to_service(int fd) const;
	static ssize_t check(ssize_t ret);

	test::FakeMedium medium_{kRegion};
	uint64_t base_ = 0;
	uint64_t key_ = 0;
	int fd_ = -1; /* of the channel, at the initiator */
};

ssize_t Committer::check(ssize_t ret)
{
	if (ret < 0) {
		std::fprintf(stderr, "commit_cost: %zd\n", ret);
		std::_Exit(1);
	}
	return ret;
}

/* It is flushed by the NIC alone. */
void Committer::add_fake_region()
{
	medium_.domain = PersistenceDomain::memory_controller;
	medium_.granularity = Granularity::cache_line;
	nic->attach(&medium_);
	RegionRequest request{};
	request.memory = medium_.visible.data();
	request.len = kRegion;
	request.access = FI_REMOTE_WRITE | FI_REMOTE_READ;
	request.backend = std::make_unique<test::FakeBackend>(&medium_);
	Key key(0);
	check(persistence().add_region(std::move(request), &key));
	key_ = key.value();
}

/* A file in the working directory. PMEM2_FORCE_GRANULARITY applies. */
void Committer::add_file()
{
	char name[] = "commit_cost.XXXXXX";
	int fd = static_cast<int>(check(mkstemp(name)));
	check(posix_fallocate(fd, 0, kRegion) ? -1 : 0);
	void *memory = mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	check(memory == MAP_FAILED ? -1 : 0);
	fid_mr *mr = nullptr;
	check(fi_mr_reg(domain, memory, kRegion,
			FI_REMOTE_WRITE | FI_REMOTE_READ, 0, 1, FI_RMA_PMEM,
			&mr, nullptr));
	unlink(name);
	key_ = fi_mr_key(mr);
}

void Committer::open(bool native)
{
	if (native)
		nic = std::make_shared<test::FakeNic>();
	check(load_params());
	own_digests(); /* once, at no fixed cost, so not on counted threads */
	AppTest::SetUp();
	prepare(kPersistent);
	info->tx_attr->iov_limit = 1;
	info->tx_attr->rma_iov_limit = 1;
	AppPlaneTest::open();
	native ? add_fake_region() : add_file();
}

ssize_t Committer::post(const fi_msg_rma &message)
{
	return fi_writemsg(ep, &message, FI_COMMIT_COMPLETE | FI_COMPLETION);
}

ssize_t Committer::read(fi_cq_msg_entry *entry)
{
	return fi_cq_read(cq, entry, 1);
}

bool Committer::leads_to_service(int fd) const
{
	sockaddr_in peer{};
	socklen_t length = sizeof(peer);
	return !getpeername(fd, reinterpret_cast<sockaddr *>(&peer), &length) &&
	       peer.sin_family == AF_INET &&
	       ntohs(peer.sin_port) == Key(key_).port();
}

/* So that every read of the queue finds something, as often in each run. */
void Committer::await_answer() const
{
	constexpr int kLongestMs = 1000;
	pollfd readable{fd_, POLLIN, 0};
	if (fd_ >= 0)
		poll(&readable, 1, kLongestMs);
}

/* The first commit connects the channel; how long it waits is not counted. */
void Committer::connect(const fi_msg_rma &message)
{
	check(AppPlaneTest::post([&] {
		return fi_writemsg(ep, &message,
				   FI_COMMIT_COMPLETE | FI_COMPLETION);
	}));
	wait();
	for (int fd = 0; !nic && fd < FD_SETSIZE; fd++) {
		if (leads_to_service(fd))
			fd_ = fd;
	}
}

/* Or it would now and then miss the look that finds nothing more to do. */
void Committer::let_service_sleep()
{
	std::this_thread::sleep_for(std::chrono::microseconds(500));
}

void Committer::commit_often(long count)
{
	uint64_t value = 1;
	iovec local{&value, sizeof(value)};
	fi_rma_iov range{base_, sizeof(value), key_};
	fi_msg_rma message{};
	message.msg_iov = &local;
	message.iov_count = 1;
	message.rma_iov = &range;
	message.rma_iov_count = 1;
	message.context = &value;
	connect(message);
	fi_cq_msg_entry entry;
	for (long i = 0; i < count; i++) {
		check(post(message));
		await_answer();
		ssize_t ret;
		while ((ret = read(&entry)) == -FI_EAGAIN)
			continue;
		check(ret);
		if (nic)
			nic->take_posted();
		else
			let_service_sleep();
	}
}

} // namespace ofi_pmem

int main(int argc, char **argv)
{
	bool native = argc == 3 && !std::strcmp(argv[1], "native");
	if (!native && (argc != 3 || std::strcmp(argv[1], "socket"))) {
		std::fprintf(stderr,
			     "usage: commit_cost native|socket COUNT\n");
		return 2;
	}
	/* The end of the process closes what was opened. */
	auto &committer = *new ofi_pmem::Committer;
	committer.open(native);
	committer.commit_often(std::atol(argv[2]));
	std::_Exit(0);
}
