/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The libfabric objects that both sides need: it chooses a provider, opens
 * fabric, event queue, domain and completion queue, and has one place to sleep
 * until any of them, or a signal, has news.
 */
#pragma once

#include "shared/fid.hh"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <chrono>
#include <string>
#include <vector>

namespace fi_pmem
{

class ErrorSink;
class Interrupt;

using ofi_pmem::FidPtr;
using ofi_pmem::InfoPtr;

/* Says what to ask fi_getinfo for. */
struct Target {
	std::string provider; /* empty: verbs;ofi_pmem, else tcp;ofi_pmem */
	std::string host;     /* may be empty for a passive endpoint */
	uint16_t port = 0;
	bool passive = false;
	bool rdm = false;  /* endpoints without a connection */
	uint64_t caps = 0; /* besides those of messages and RMA */
	/* Errors name the options that named them. */
	const char *provider_option = "--provider";
	const char *host_option = "--bind";
};

/* Returns an exit code if nothing offers persistent RMA. */
[[nodiscard]] int find_info(ErrorSink &sink, const Target &target,
			    InfoPtr *info);

/*
 * Goes by the name; an empty one is the default. Commits of other providers
 * only flush processor caches, and some of these make progress only while they
 * are polled.
 */
[[nodiscard]] inline bool has_ofi_pmem(const std::string &provider)
{
	return provider.empty() ||
	       provider.find("ofi_pmem") != std::string::npos;
}

/* Returns each provider by its own name, whether it is offered or not. */
[[nodiscard]] std::vector<std::string> loaded_providers();

/*
 * Returns what ofi_pmem layers on here with endpoints of this type, by the
 * names that applications ask for.
 */
[[nodiscard]] std::vector<std::string>
persistent_providers(fi_ep_type type = FI_EP_UNSPEC);

/* Returns the last provider that is tried if the user names none. */
[[nodiscard]] const char *default_provider(bool rdm);

/* Holds the error of an event queue, copied out of it. */
struct EventError {
	fid *object = nullptr;
	int error = 0;		  /* positive fi_errno */
	std::string private_data; /* sent with a refusal */
};

/* Has room for one connection event and the private data of any provider. */
struct alignas(fi_eq_cm_entry) EventBuffer {
	char bytes[sizeof(fi_eq_cm_entry) + 512];

	[[nodiscard]] const fi_eq_cm_entry &entry() const
	{
		return *reinterpret_cast<const fi_eq_cm_entry *>(bytes);
	}
};

class Fabric
{
public:
	/*
	 * `info` must outlive this object; `interrupt`, which is open, wakes
	 * wait().
	 */
	[[nodiscard]] int open(ErrorSink &sink, const Interrupt &interrupt,
			       fi_info *info, size_t cq_entries);

	/*
	 * Opens an endpoint, bound and enabled; an operation that succeeds
	 * completes if it was posted with FI_COMPLETION. An endpoint without a
	 * connection shares the peers of insert_peer(). `*ep` is set once the
	 * endpoint exists: from then on it owns a connection request in `info`,
	 * even on failure.
	 */
	[[nodiscard]] int open_endpoint(fi_info *info, FidPtr<fid_ep> *ep);

	/*
	 * Adds a peer of endpoints without a connection. Returns 0 or a
	 * negative fi_errno.
	 */
	[[nodiscard]] int insert_peer(const void *address, fi_addr_t *peer);

	/*
	 * Returns the opaque address by which peers know the endpoint; empty if
	 * the provider does not report it.
	 */
	[[nodiscard]] static std::string name_of(fid *endpoint);

	[[nodiscard]] int register_memory(void *base, size_t length,
					  uint64_t access, uint64_t flags,
					  FidPtr<fid_mr> *mr);

	/*
	 * Registers the memory of operations, or nothing if they need no
	 * registration.
	 */
	[[nodiscard]] int register_local(void *base, size_t length,
					 uint64_t access, FidPtr<fid_mr> *mr);

	/*
	 * Posts the receive of a message, which completes with this context;
	 * `mr` comes from register_local(). Returns 0 or a negative fi_errno.
	 */
	[[nodiscard]] static int post_receive(fid_ep *ep, void *room,
					      size_t bytes, fid_mr *mr,
					      void *context);

	/* The endpoints have no connections; see insert_peer(). */
	[[nodiscard]] bool connectionless() const { return av_ != nullptr; }

	/*
	 * Reads one event. Returns its size with `*event` set, 0 if there is
	 * none, or -FI_EAVAIL with `*error` set.
	 */
	[[nodiscard]] ssize_t next_event(uint32_t *event, EventBuffer *buffer,
					 EventError *error);

	/*
	 * Sleeps until there may be news, or input from `input_fd` (unless that
	 * is -1), at most `timeout_ms` (-1: without limit). While the process
	 * has no descriptor left, connection events do not wake it, but are
	 * looked at now and then.
	 */
	void wait(int timeout_ms, int input_fd = -1);

	/*
	 * wait() also wakes when this descriptor is readable; the second call
	 * says whether it was.
	 */
	void watch(int fd) { watched_fd_ = fd; }
	[[nodiscard]] bool watched_is_readable();

	/*
	 * Returns whether wait() has found since the last call that the process
	 * has no descriptor left, so that nobody can connect.
	 */
	[[nodiscard]] bool take_exhausted();

	[[nodiscard]] fid_fabric *fabric() { return fabric_.get(); }
	[[nodiscard]] fid_domain *domain() { return domain_.get(); }
	[[nodiscard]] fid_eq *eq() { return eq_.get(); }
	[[nodiscard]] fid_cq *cq() { return cq_.get(); }
	[[nodiscard]] uint64_t mr_mode() const { return mr_mode_; }

private:
	[[nodiscard]] int get_wait_fds();
	void look_for_descriptors();

	FidPtr<fid_fabric> fabric_;
	FidPtr<fid_eq> eq_;
	FidPtr<fid_domain> domain_;
	FidPtr<fid_cq> cq_;
	FidPtr<fid_av> av_; /* only for endpoints without a connection */
	uint64_t mr_mode_ = 0;
	size_t mr_key_bytes_ = 0;
	int eq_fd_ = -1;
	int cq_fd_ = -1;
	int interrupt_fd_ = -1;
	int watched_fd_ = -1;
	bool watched_is_readable_ = false;
	bool exhausted_ = false;
	bool out_of_descriptors_ = false;
	std::chrono::steady_clock::time_point accepts_at_{};
	uint32_t wakeups_ = 0;
};

} // namespace fi_pmem
