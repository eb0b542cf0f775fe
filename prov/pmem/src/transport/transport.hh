/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A transport carries the channels of one application domain: reliable
 * connections on the core provider and NIC that the domain uses, with queues,
 * registered memory and listeners. There are two implementations:
 * fi_transport.hh over libfabric's MSG endpoints, and verbs_transport.hh over
 * raw RC queue pairs, which alone have FLUSH and ATOMIC WRITE. Users of these
 * interfaces do not know which they have.
 *
 * The initiator and the service of a domain share a transport, which does not
 * change after it was opened, so any thread may call it. Each of the two has
 * its own queues and uses them, and the links on them, from one thread at a
 * time.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <rdma/fabric.h>

#include "core/address.hh"

namespace ofi_pmem
{

class Link;

/* Whether hardware or software places what arrives. */
enum class NicKind { unknown, hardware, software };

/* The context of a posted operation: its link, its kind and its slot. */
struct Handle {
	enum Kind : uint16_t { receive = 1, send = 2, one_sided = 3 };

	uint32_t link;
	Kind kind;
	uint16_t slot;

	/*
	 * This is a number, never a pointer: completions of a closed link can
	 * still be in the queue, and then name a link id that nobody has.
	 */
	uint64_t to_number() const noexcept
	{
		return uint64_t{link} << 32 | uint64_t{kind} << 16 | slot;
	}

	static Handle from_number(uint64_t value) noexcept
	{
		return {static_cast<uint32_t>(value >> 32),
			static_cast<Kind>(value >> 16 & 0xffff),
			static_cast<uint16_t>(value)};
	}
};

/* A completed operation. A link does not survive one that failed. */
struct Completion {
	Handle handle;
	size_t len; /* of a received message, bytes */
	int err;    /* 0 or a positive fi_errno */
};

/*
 * The least number of receives that a link posts at once. On sockets it posts
 * no more: a message without a receive waits in the kernel, the memory stays in
 * the caches, and each receive costs the tcp provider of libfabric 2.1 16 KiB.
 */
inline constexpr uint16_t kFewReceives = 8;

struct LinkAttr {
	uint32_t id;	   /* in its handles; unique on its queues */
	uint16_t receives; /* message buffers of each kind */
	uint16_t sends;
	size_t message_bytes; /* the size of each */
	uint16_t chains = 0;  /* slots of post_chain() */
};

class Queues;

/* A connection request. Destroying it without accepting it refuses it. */
class ConnectRequest
{
public:
	virtual ~ConnectRequest() = default;

	/* Called at most once. The link is usable after its `connected` event.
	 */
	[[nodiscard]] virtual int accept(Queues *queues, const LinkAttr &attr,
					 std::unique_ptr<Link> *link) = 0;
};

struct LinkEvent {
	enum class Kind { request, connected, closed, failed };

	Kind kind = Kind::failed;
	uint32_t link = 0; /* unless it is a request */
	int err = 0;	   /* for a failure: a positive fi_errno */
	std::unique_ptr<ConnectRequest> request;
};

/*
 * The links of one user deliver completions and connection events here, each
 * with a file descriptor to wait on. It outlives its links.
 */
class Queues
{
public:
	virtual ~Queues() = default;

	/* Reads up to `count` completions; returns how many. */
	[[nodiscard]] virtual size_t
	read_completions(Completion *completions, size_t count) noexcept = 0;

	/* Returns false if there is none. */
	[[nodiscard]] virtual bool read_event(LinkEvent *event) = 0;

	/* Returns 0 if it is safe to block on both file descriptors, or
	 * -FI_EAGAIN if the caller must read first. */
	[[nodiscard]] virtual int trywait() noexcept = 0;

	virtual int completion_fd() const noexcept = 0;
	virtual int event_fd() const noexcept = 0;
};

/* Accepts connections until it is destroyed; its queues get the requests. */
class Listener
{
public:
	virtual ~Listener() = default;
	virtual uint16_t port() const noexcept = 0;
};

/* Memory registered for the links of a transport, until it is destroyed. */
class LinkMemory
{
public:
	virtual ~LinkMemory() = default;

	void *desc = nullptr;	/* for our own operations on it */
	uint64_t base = 0;	/* the remote address of its first byte */
	uint64_t key = 0;	/* for remote operations on it */
	bool flushable = false; /* the NIC executes FLUSH on it */
	NicKind nic = NicKind::unknown;
};

/* The abilities of a transport. */
struct TransportTraits {
	/* Local buffers need a descriptor (FI_MR_LOCAL). */
	bool needs_local_memory = false;
	/* Largest one-sided operation, bytes. */
	uint64_t max_transfer = 0;
	/* The maximum local buffers of one one-sided operation. */
	size_t max_buffers = 8;
	/* The maximum operations of one post_chain(). */
	size_t max_chain = 1;
	/* Writes of up to this many bytes need no registered local buffer. */
	size_t inline_bytes = 0;
	/*
	 * A write completes when the remote NIC has acknowledged it. This holds
	 * for InfiniBand and RoCE reliable connections, not for iWARP (the
	 * local TCP stack) or tcp.
	 */
	bool reliable_ack = false;
	/* FLUSH can be posted on the queue pair that carries the writes. */
	bool native_flush = false;
	/* ATOMIC WRITE can be posted there, too. */
	bool atomic_write = false;
	/*
	 * There is an operation that completes after the writes before it have
	 * been placed: RDMA READ on their queue pair, tcp's delivery complete.
	 */
	bool placement_wait = false;
	/* That operation is OneSided::Kind::write_visible, not a READ. */
	bool visible_writes = false;
	/* tcp: the target's CPU places data, whatever its NIC is. */
	bool cpu_placed = false;
};

class Transport
{
public:
	virtual ~Transport() = default;

	const TransportTraits &traits() const noexcept { return traits_; }

	const IpAddress &own_address() const noexcept { return own_address_; }

	/* All return 0 or a negative fi_errno. */
	[[nodiscard]] virtual int
	open_queues(size_t completions,
		    std::unique_ptr<Queues> *queues) const = 0;

	/* Starts to connect; an event on `queues` reports the outcome. */
	[[nodiscard]] virtual int
	connect(const IpAddress &peer, Queues *queues, const LinkAttr &attr,
		std::unique_ptr<Link> *link) const = 0;

	/*
	 * Listens at this address and port; for port 0 the system chooses one.
	 * Returns -FI_ENODEV if it is the address of another NIC than the
	 * domain's.
	 */
	[[nodiscard]] virtual int
	listen(const IpAddress &address, Queues *queues,
	       std::unique_ptr<Listener> *listener) const = 0;

	/*
	 * Registers memory; `access` is that of fi_mr(3). With `persistent` it
	 * becomes flushable if transport and memory allow it.
	 */
	[[nodiscard]] virtual int
	register_memory(const void *base, size_t len, uint64_t access,
			bool persistent,
			std::unique_ptr<LinkMemory> *memory) const = 0;

protected:
	void learn_own_address(const fi_info &app_info) noexcept;

	TransportTraits traits_;
	/* The domain's address; a wildcard if it is not bound to one. */
	IpAddress own_address_;
};

/*
 * Opens the transport for a domain; `app_info` is the info, of ours, with which
 * the application opened it. Returns a negative fi_errno if its core provider
 * offers no reliable connections with RMA and send-after-write order.
 */
[[nodiscard]] int open_transport(const fi_info &app_info,
				 std::unique_ptr<Transport> *transport);

} // namespace ofi_pmem
