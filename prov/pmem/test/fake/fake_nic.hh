/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A network and its NICs in one process, with FLUSH and ATOMIC WRITE: what is
 * posted on a link is recorded, and executed on the memory of FakeMedium.
 *
 * Strong: everything is placed as it is posted, as Soft-RoCE does it. Weak: no
 * stronger than InfiniBand and PCIe promise, in an order drawn from a seed. A
 * write is acknowledged before it is placed; writes and messages pass a FLUSH,
 * READ or ATOMIC WRITE before them that is not done; a FLUSH knows only what
 * its own link wrote; and what is placed may become durable by itself, line by
 * line, as caches write back when they like.
 */
#pragma once

#include "fake/fake_backend.hh"
#include "transport/link.hh"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace ofi_pmem::test
{

class FakeLink;
class FakeListener;
class FakeQueues;

/* An operation or message of an initiator, as it was posted. */
struct Posted {
	std::string name; /* of OneSided::Kind, or "message" */
	uint64_t addr;
	uint64_t len;
	size_t chain;		    /* the number of its doorbell, from 1 */
	std::vector<uint8_t> bytes; /* of a message, and what is sent inline */
	std::vector<iovec> local;   /* its buffers */
};

/* Operations that were posted and are not complete, in the order posted. */
struct WorkRequest {
	bool message = false;
	OneSided::Kind kind{};
	uint64_t addr = 0;
	uint64_t key = 0;
	size_t len = 0;
	std::vector<iovec> local;
	std::vector<uint8_t> bytes; /* copied when posted */
	bool copied = false;
	uint16_t slot = 0;
	bool signaled = false;
	bool done = false;

	/* PCIe's words: executed by a request that nobody answers. */
	bool posted() const noexcept
	{
		return message || kind == OneSided::Kind::write;
	}
};

/* Every function but the constructor takes the lock. */
class FakeNic
{
public:
	/* A test sets these before it connects. */
	TransportTraits traits = soft_roce();
	NicKind kind = NicKind::software;
	bool flushable = true;
	/* Unfinished operations of a link; what is beyond is refused. */
	size_t capacity = 1024;
	/* An address of another NIC, or one that fails otherwise. */
	std::optional<IpAddress> elsewhere;
	int elsewhere_error = -FI_ENODEV;

	/* The traits of Soft-RoCE. */
	static TransportTraits soft_roce() noexcept;

	/* The memory at the addresses of `medium` is that of a target. */
	void attach(FakeMedium *medium);

	void be_weak(uint64_t seed);

	/*
	 * `step` is called after every step of a weak NIC that did something,
	 * on any thread.
	 */
	void watch(std::function<void()> step);

	/* After hold() nothing is executed, until release(). */
	void hold();
	void release();

	/* The next one-sided operation of this kind fails at the target. */
	void fail_next(OneSided::Kind operation);

	/* Returns hosts and ports, in the order of their listeners. */
	std::vector<std::string> listening();

	/* The first one that it chooses. */
	static constexpr uint16_t kFirstPort = 1001;

	/* How often memory was registered. */
	size_t registrations();

	/* Returns what the initiators have posted since the last call. */
	std::vector<Posted> take_posted();

private:
	friend class FakeLink;
	friend class FakeQueues;
	friend class FakeRequest;
	friend class FakeListener;
	friend class FakeMemory;
	friend class FakeTransport;

	struct Registration {
		uint64_t base;
		size_t len;
		bool flushable;
	};

	/* All of these are called with the lock held. */
	uint64_t add_memory(const void *base, size_t len, bool persistent);
	[[nodiscard]] bool allowed(const WorkRequest &request) const;
	void record(const WorkRequest &request, size_t chain);
	void run();
	bool random_step();
	[[nodiscard]] bool execute(FakeLink *link, WorkRequest *request);
	[[nodiscard]] bool execute_one_sided(FakeLink *link,
					     WorkRequest *request);
	void queue_error(FakeLink *link);
	void fetch(const WorkRequest &request);
	bool survives_in_nic(uint64_t addr) const;
	void place_all(FakeLink *link);
	void place_first(FakeLink *link);
	void persist(uint64_t addr, size_t len);
	void evict_line();
	FakeMedium *medium_at(uint64_t addr, size_t len, size_t *offset) const;
	uint64_t below(uint64_t bound) { return random_() % bound; }

	std::mutex mutex_;
	std::vector<FakeMedium *> media_;
	std::map<uint64_t, Registration> memory_; /* by key */
	std::vector<FakeListener *> listeners_;
	std::vector<FakeLink *> links_;
	std::vector<Posted> posted_;
	uint64_t last_key_ = 0;
	uint16_t last_port_ = kFirstPort - 1;
	size_t chains_ = 0;
	bool weak_ = false;
	bool held_ = false;
	std::function<void()> after_step_;
	bool failing_ = false;
	OneSided::Kind fails_{};
	std::mt19937_64 random_;
};

class FakeTransport final : public Transport
{
public:
	explicit FakeTransport(std::shared_ptr<FakeNic> nic);

	int open_queues(size_t completions,
			std::unique_ptr<Queues> *queues) const override;
	int connect(const IpAddress &peer, Queues *queues, const LinkAttr &attr,
		    std::unique_ptr<Link> *link) const override;
	int listen(const IpAddress &address, Queues *queues,
		   std::unique_ptr<Listener> *listener) const override;
	int register_memory(const void *base, size_t len, uint64_t access,
			    bool persistent,
			    std::unique_ptr<LinkMemory> *memory) const override;

private:
	/* Registered memory also keeps it. */
	std::shared_ptr<FakeNic> nic_;
};

} // namespace ofi_pmem::test
