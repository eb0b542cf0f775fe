/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * service_scale [ROUNDS] measures how much faster two threads of a service
 * execute what two initiators have sent than one does. The streams are recorded
 * beforehand, so that initiators take little of the cores: commits of 4 KiB,
 * each followed by a verification of the 64 KiB around it. It prints, for each
 * round, the times and their ratio, and the median of the ratios.
 */
#include "core/params.hh"
#include "fixture/persist_fixture.hh"
#include "fixture/plane_fixture.hh"
#include "fixture/raw_peer.hh"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

namespace ofi_pmem
{

namespace
{

using Clock = std::chrono::steady_clock;

constexpr size_t kRegion = 4 << 20; /* of each initiator */
constexpr size_t kBlock = 64 << 10;
constexpr size_t kWrite = 4096;
constexpr uint64_t kGroups = 5000; /* of a write and a verification */
constexpr size_t kStreams = 2;

void check(bool good, const char *what)
{
	if (good)
		return;
	std::fprintf(stderr, "service_scale: %s failed\n", what);
	std::_Exit(1);
}

template <typename Part>
void append(std::vector<uint8_t> *stream, const Part &part)
{
	auto bytes = reinterpret_cast<const uint8_t *>(&part);
	stream->insert(stream->end(), bytes, bytes + sizeof(part));
}

/* What one initiator sends after its greeting. */
std::vector<uint8_t> record(uint64_t token)
{
	std::vector<uint8_t> stream;
	uint64_t sequence = 0;
	for (uint64_t group = 0; group < kGroups; group++) {
		uint64_t offset = group * kBlock % kRegion;
		sequence++;
		auto write = wire::make<wire::Write>(
			sequence, sequence, wire::kFlush | wire::kCommit,
			kWrite);
		write.token = token;
		write.offset = offset;
		append(&stream, write);
		stream.resize(stream.size() + kWrite,
			      static_cast<uint8_t>(group));
		sequence++;
		auto verify = wire::make<wire::Verify>(sequence, sequence, 0,
						       sizeof(wire::Range));
		verify.algorithm =
			static_cast<uint8_t>(DigestAlgorithm::sha256);
		verify.count = 1;
		append(&stream, verify);
		wire::Range block{};
		block.token = token;
		block.offset = offset;
		block.length = kBlock;
		append(&stream, block);
	}
	return stream;
}

/* Replays a stream, until all is answered. */
class Initiator
{
public:
	void connect(uint16_t port)
	{
		fd_ = socket(AF_INET, SOCK_STREAM, 0);
		auto address = test::ip_address("127.0.0.1", port);
		check(fd_ >= 0 && !::connect(fd_, address.raw(),
					     sizeof(sockaddr_in)),
		      "connecting");
		append(&greeting_,
		       test::RawPeer::hello(wire::kVersion, wire::kVersion));
		check(send(fd_, greeting_.data(), greeting_.size(), 0) ==
			      static_cast<ssize_t>(greeting_.size()),
		      "greeting");
		wire::HelloAck ack;
		check(recv(fd_, &ack, sizeof(ack), MSG_WAITALL) == sizeof(ack),
		      "the answer to the greeting");
	}
	void replay(const std::vector<uint8_t> &stream)
	{
		size_t sent = 0;
		while (last_ < 2 * kGroups) {
			bool more = sent < stream.size();
			pollfd ready{fd_,
				     static_cast<short>(more ? POLLIN | POLLOUT
							     : POLLIN),
				     0};
			poll(&ready, 1, -1);
			if (ready.revents & POLLOUT)
				sent += send_some(stream, sent);
			if (ready.revents & POLLIN)
				receive();
		}
	}
	~Initiator() { close(fd_); }

private:
	size_t send_some(const std::vector<uint8_t> &stream, size_t sent) const
	{
		ssize_t count = send(fd_, &stream[sent], stream.size() - sent,
				     MSG_DONTWAIT);
		check(count > 0, "sending");
		return static_cast<size_t>(count);
	}
	/* Answers are in order: the last one counts. */
	void receive()
	{
		size_t had = received_.size();
		received_.resize(had + kBlock);
		ssize_t count =
			recv(fd_, &received_[had], kBlock, MSG_DONTWAIT);
		check(count > 0, "receiving");
		received_.resize(had + static_cast<size_t>(count));
		size_t done = 0;
		size_t length;
		while ((length = wire::first_length(received_.data() + done,
						    received_.size() - done))) {
			wire::Ack ack;
			std::memcpy(&ack, received_.data() + done,
				    std::min(length, sizeof(ack)));
			check(ack.header.type != wire::Type::ack || !ack.status,
			      "a request");
			last_ = ack.header.sequence;
			done += length;
		}
		received_.erase(received_.begin(),
				received_.begin() +
					static_cast<ptrdiff_t>(done));
	}

	int fd_ = -1;
	std::vector<uint8_t> greeting_;
	std::vector<uint8_t> received_;
	uint64_t last_ = 0;
};

/* Makes the memory of a file persistent; returns its token. */
uint64_t add_region(RegionTable *table, const test::Mapped &memory)
{
	check(memory.ok(), "mapping a file");
	auto region = std::make_unique<TargetRegion>();
	region->memory = reinterpret_cast<uint8_t *>(memory.at());
	region->len = kRegion;
	region->access = wire::kRemoteRead | wire::kRemoteWrite;
	check(!open_backend({memory.at(), kRegion, true}, &region->backend),
	      "opening a backend");
	uint64_t token = 0;
	check(!table->add(std::move(region), &token), "adding a region");
	return token;
}

/* Returns the seconds that a service with so many threads takes. */
double measure(const char *threads)
{
	setenv("FI_OFI_PMEM_SERVICE_THREADS", threads, 1);
	check(!load_params(), "reading the parameters");
	std::unique_ptr<Transport> transport;
	check(!open_transport(*test::app_info(), &transport),
	      "opening the transport");
	test::TempDir directory;
	OwnedFd file = test::open_rw(directory.file("regions"));
	check(file && !posix_fallocate(file.get(), 0, kStreams * kRegion),
	      "making a file");
	std::deque<test::Mapped> memory;
	RegionTable table(Service::stripes());
	Service service(*transport, &table);
	check(!service.open(), "opening the service");
	std::vector<std::vector<uint8_t>> streams;
	for (size_t i = 0; i < kStreams; i++) {
		memory.emplace_back(kRegion, MAP_SHARED, file.get(),
				    PROT_READ | PROT_WRITE,
				    static_cast<off_t>(i * kRegion));
		streams.push_back(record(add_region(&table, memory.back())));
	}
	Initiator initiators[kStreams];
	for (Initiator &one : initiators)
		one.connect(service.port());
	auto begin = Clock::now();
	std::vector<std::thread> replays;
	for (size_t i = 0; i < kStreams; i++)
		replays.emplace_back(
			[&, i] { initiators[i].replay(streams[i]); });
	for (std::thread &one : replays)
		one.join();
	return std::chrono::duration<double>(Clock::now() - begin).count();
}

} // namespace

} // namespace ofi_pmem

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
	if (argc > 2 || rounds < 1) {
		std::fprintf(stderr, "usage: service_scale [ROUNDS]\n");
		return 2;
	}
	std::vector<double> ratios;
	for (int i = 0; i < rounds; i++) {
		double one = ofi_pmem::measure("1");
		double two = ofi_pmem::measure("2");
		ratios.push_back(one / two);
		std::printf("one thread %.3f s, two threads %.3f s, ratio "
			    "%.2f\n",
			    one, two, ratios.back());
	}
	std::sort(ratios.begin(), ratios.end());
	std::printf("median of the ratios: %.2f\n", ratios[ratios.size() / 2]);
	return 0;
}
