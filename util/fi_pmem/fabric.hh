/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The libfabric objects that both sides need: the choice of a provider, then
 * fabric, event queue, domain and completion queue, and one place to sleep
 * until any of them, or a signal, has news.
 */
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include "core/fid.hh"

namespace fi_pmem
{

class Report;
class Signals;

using ofi_pmem::FidPtr;

struct InfoFree {
	void operator()(fi_info *info) const { fi_freeinfo(info); }
};
using InfoPtr = std::unique_ptr<fi_info, InfoFree>;

/* What to ask fi_getinfo for. */
struct Target {
	std::string provider; /* empty: verbs;ofi_pmem, else tcp;ofi_pmem */
	std::string host;     /* may be empty for a passive endpoint */
	uint16_t port = 0;
	bool passive = false;
	bool rdm = false;  /* endpoints without connection */
	uint64_t caps = 0; /* besides those of messages and RMA */
	const char *option = "--provider"; /* which has named it */
};

/* Tells Report and returns an exit code if nothing offers persistent RMA. */
[[nodiscard]] int find_info(Report &report, const Target &target,
			    InfoPtr *info);

/*
 * By its name, an empty one being the default. Others' commits flush processor
 * caches only, and some progress only while they are polled.
 */
[[nodiscard]] inline bool has_ofi_pmem(const std::string &provider)
{
	return provider.empty() ||
	       provider.find("ofi_pmem") != std::string::npos;
}

/* Each by its own name, whether it is offered or not. */
[[nodiscard]] std::vector<std::string> loaded_providers();

/*
 * What ofi_pmem layers on here, by the names that applications ask for; with
 * endpoints of this type.
 */
[[nodiscard]] std::vector<std::string>
persistent_providers(fi_ep_type type = FI_EP_UNSPEC);

/* What is asked for last by who names no provider. */
[[nodiscard]] const char *default_provider(bool rdm);

/* The error of an event queue, copied out of it. */
struct EventError {
	fid *object = nullptr;
	int error = 0;		  /* positive fi_errno */
	std::string private_data; /* of a refusal */
};

/* Room for one connection event and the private data of any provider. */
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
	/* `info` must outlive this object. */
	[[nodiscard]] int open(Report &report, const Signals &signals,
			       fi_info *info, size_t cq_entries);

	/*
	 * An endpoint bound and enabled; what succeeds completes if it was
	 * posted with FI_COMPLETION. Without connection it shares the peers of
	 * insert_peer(). `*ep` is set once the endpoint exists:
	 * from then on it owns a connection request in `info`, even on failure.
	 */
	[[nodiscard]] int open_endpoint(fi_info *info, FidPtr<fid_ep> *ep);

	/* Of an endpoint without connection. 0 or a negative fi_errno. */
	[[nodiscard]] int insert_peer(const void *address, fi_addr_t *peer);

	/* As peers know it, opaque; empty if the provider does not tell. */
	[[nodiscard]] static std::string name_of(fid *endpoint);

	[[nodiscard]] int register_memory(void *base, size_t length,
					  uint64_t access, uint64_t flags,
					  FidPtr<fid_mr> *mr);

	/* Memory of operations; nothing where they need no registration. */
	[[nodiscard]] int register_local(void *base, size_t length,
					 uint64_t access, FidPtr<fid_mr> *mr);

	/*
	 * Posts the receive of a message, which completes with this context;
	 * `mr` as of register_local(). 0 or a negative fi_errno.
	 */
	[[nodiscard]] static int post_receive(fid_ep *ep, void *room,
					      size_t bytes, fid_mr *mr,
					      void *context);

	/* Its endpoints have no connections: insert_peer(). */
	[[nodiscard]] bool connectionless() const { return av_ != nullptr; }

	/*
	 * One event: its size with `*event` set, 0 if there is none, or
	 * -FI_EAVAIL with `*error` set.
	 */
	[[nodiscard]] ssize_t next_event(uint32_t *event, EventBuffer *buffer,
					 EventError *error);

	/*
	 * Sleeps until there may be news, or something to read from `input_fd`
	 * (-1: from none), at most `timeout_ms` (-1: no end). While the process
	 * has no descriptor left connection events are no news, but looked at
	 * now and then.
	 */
	void wait(int timeout_ms, int input_fd = -1);

	/* Also until this descriptor is readable; whether it was. */
	void watch(int fd) { watched_fd_ = fd; }
	[[nodiscard]] bool watched_is_readable();

	/*
	 * Whether wait() has found since the last call that the process has no
	 * descriptor left, so that nobody can connect.
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
	FidPtr<fid_av> av_; /* only for endpoints without connection */
	uint64_t mr_mode_ = 0;
	size_t mr_key_bytes_ = 0;
	int eq_fd_ = -1;
	int cq_fd_ = -1;
	int signal_fd_ = -1;
	int watched_fd_ = -1;
	bool watched_is_readable_ = false;
	bool exhausted_ = false;
	bool out_of_descriptors_ = false;
	std::chrono::steady_clock::time_point accepts_at_{};
	uint32_t wakeups_ = 0;
};

} // namespace fi_pmem
