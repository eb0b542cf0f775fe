/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A transport carries the channels of one application domain: reliable
 * connections on the network or NIC that the domain uses, with queues,
 * registered memory and listeners. There are two implementations:
 * verbs_transport.hh over raw RC queue pairs, and for everything else
 * socket_transport.hh over TCP sockets. Users of these interfaces do not know
 * which they have.
 *
 * The initiator and the service of a domain share a transport, which does not
 * change after it was opened, so any thread may call it. Each of the two has
 * its own queues, a service for each of its threads, and uses them, and the
 * links on them, from one thread at a time.
 */
#pragma once

#include "core/address.hh"

#include <rdma/fabric.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class Link;

/* Whether hardware or software places what arrives. */
enum class NicKind { unknown, hardware, software };

/* Has the context of a posted operation: its link, its kind and its slot. */
struct Handle {
	enum Kind : uint16_t {
		receive = 1,
		send = 2,
		one_sided = 3,
		rest = 4, /* more of a payload can be read */
	};

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
	int err;    /* 0 or a positive fi_errno; FI_ENOTCONN: closed by peer */
};

struct LinkAttr {
	uint32_t id;	   /* in its handles; unique on its queues */
	uint16_t receives; /* message buffers of each kind */
	uint16_t sends;
	size_t message_bytes; /* the size of each */
	uint16_t chains = 0;  /* slots of post_chain() */
	/*
	 * Writes that are too long for a message are sent, or received, as
	 * Link::send_long() and Link::rest() say.
	 */
	bool long_writes = false;
};

class Queues;

/* A connection request. Destroying it without accepting it refuses it. */
class ConnectRequest
{
public:
	virtual ~ConnectRequest() = default;

	/* Returns the address that it comes from, or null if that is not known
	 * before it is accepted. */
	virtual const IpAddress *peer() const noexcept { return nullptr; }

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
	[[nodiscard]] virtual size_t read_completions(Completion *completions,
						      size_t count) = 0;

	/* Returns false if there is none. */
	[[nodiscard]] virtual bool read_event(LinkEvent *event) = 0;

	/* Some link is amid a message, see Link::amid_message(). */
	virtual bool any_amid_message() const noexcept { return false; }

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

/* Says what a transport can do. */
struct TransportTraits {
	/* There are one-sided operations and memory registered for them. */
	bool one_sided = true;
	/* Links may have LinkAttr::long_writes. */
	bool long_writes = false;
	/* A connection request can be accepted on other queues than those that
	 * reported it, by another thread. */
	bool accepts_elsewhere = false;
	/* Local buffers need a descriptor (FI_MR_LOCAL). */
	bool needs_local_memory = false;
	/* No one-sided operation has more bytes. */
	uint64_t max_transfer = 0;
	/* No one-sided operation has more local buffers. */
	size_t max_buffers = 8;
	/* No post_chain() takes more operations. */
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
	 * RDMA READ on the queue pair of writes completes after these have been
	 * placed.
	 */
	bool placement_wait = false;
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
 * the application opened it. Returns a negative fi_errno, on verbs that of the
 * device if it cannot do what the links need.
 */
[[nodiscard]] int open_transport(const fi_info &app_info,
				 std::unique_ptr<Transport> *transport);

} // namespace ofi_pmem
