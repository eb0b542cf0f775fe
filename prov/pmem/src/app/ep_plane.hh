/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence half of an endpoint of a persistent domain. It has the
 * channels for RMA and atomics to persistent regions, and passes their
 * completions to the application's queues and counters. Aliases share that of
 * the endpoint they were made from.
 */
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "app/atomic.hh"
#include "app/av.hh"
#include "app/persistence.hh"
#include "app/transmit_gate.hh"
#include "core/progress.hh"
#include "plane/channel_table.hh"

namespace ofi_pmem
{

class CompletionQueue;
class Counter;
class Endpoint;

/* One RMA call towards a persistent key. */
struct PersistentCall {
	const fi_msg_rma *msg;
	uint64_t flags; /* of the call, or the default ones */
	bool write;
	bool report;	      /* owes a completion entry */
	bool ordered = false; /* see OpRequest */
};

/* A flush of ranges of persistent regions, or of these regions. */
struct FlushCall {
	const fi_msg_rma *msg; /* without local buffers */
	FlushScope scope;
	Level level; /* delivery: visible only */
	bool report;
	bool checked; /* FI_PMEM_VERIFY; commit only */
};

/* A verification of ranges of persistent regions. */
struct VerifyCall {
	const fi_msg_rma *msg; /* without local buffers */
	VerifyOp verify;
	size_t digests_size; /* bytes */
	bool report;
};

/* FI_PRIORITY, which has no name since 2.0, is a hint that we may ignore. */
inline constexpr uint64_t kPriority = 1ULL << 22;

/* All ranges are persistent and served at the same port: one peer. */
bool same_service(const fi_msg_rma &msg) noexcept;

class EndpointPlane final : private OpOwner,
			    private AvListener,
			    private DeferredWork
{
public:
	explicit EndpointPlane(Endpoint *endpoint) noexcept
		: endpoint_(endpoint)
	{
	}
	~EndpointPlane() override;

	[[nodiscard]] int open();

	/*
	 * Called before the inner endpoint is closed: from now on readers do
	 * no work that uses it. resume() is called if it was not closed.
	 */
	void suspend() noexcept;
	void resume();

	/* The endpoint was bound; these install the hooks that this needs. */
	void bound_to_av(AddressVector *av);
	void bound_to_cq(CompletionQueue *cq);
	void bound_to_counter(Counter *counter);

	/* Any thread that may use the endpoint may call these. */
	[[nodiscard]] ssize_t submit(const PersistentCall &call) noexcept;
	[[nodiscard]] ssize_t submit(const AtomicCall &call) noexcept;
	[[nodiscard]] ssize_t submit(const FlushCall &call) noexcept;
	[[nodiscard]] ssize_t submit(const VerifyCall &call) noexcept;

	/* See ChannelTable. */
	[[nodiscard]] ssize_t drain_all(void *context, bool report,
					bool checked) noexcept;

	/*
	 * Gets the region behind `key` at `peer`, with its reason. On
	 * -FI_EAGAIN make progress, then try again. Other errors are those of a
	 * write to it.
	 */
	[[nodiscard]] int query(fi_addr_t peer, uint64_t key,
				RemoteRegion *region) noexcept;

	/*
	 * Does an application-plane transmit by `inner_call`. Returns
	 * -FI_EAGAIN while it would overtake what FI_FENCE or FI_ORDER_SAW
	 * order it behind.
	 */
	template <typename InnerCall>
	ssize_t transmit(fi_addr_t peer, uint64_t flags, Transmit kind,
			 InnerCall &&inner_call) noexcept
	{
		int ret = pass_gate(peer, flags, kind);
		if (ret)
			return ret;
		if (!gate_)
			return inner_call();
		gate_->begin(kind);
		ssize_t sent = inner_call();
		gate_->end(kind, !sent);
		return sent;
	}

	/* Null if FI_FENCE was not granted. */
	TransmitGate *gate() noexcept { return gate_.get(); }

	/* The inner endpoint is closed: outstanding operations are cancelled.
	 */
	void close() noexcept;

private:
	/* OpOwner */
	int peer_address(fi_addr_t peer, IpAddress *address) noexcept override;
	int reserve_completion() noexcept override;
	void unreserve_completion() noexcept override;
	void completed(const OpResult &result) noexcept override;
	void gate_may_open() noexcept override;
	void notification_ready() noexcept override;
	int commit_local(const iovec *iov, size_t count) noexcept override;
	/* AvListener */
	void address_removed(fi_addr_t address) noexcept override;
	/* DeferredWork */
	void run_deferred() noexcept override;

	/* Returns 0, or the error of calls in a child process. */
	[[nodiscard]] int check_process() const noexcept;
	[[nodiscard]] int pass_gate(fi_addr_t peer, uint64_t flags,
				    Transmit kind) noexcept;
	[[nodiscard]] int check(const PersistentCall &call,
				OpRequest *request) const noexcept;
	[[nodiscard]] ssize_t submit(const OpRequest &request,
				     fi_addr_t peer) noexcept;
	/* ep_plane_atomic.cc */
	[[nodiscard]] int check_operation(const AtomicCall &call,
					  size_t *max_elements) const noexcept;
	[[nodiscard]] int check_elements(const AtomicCall &call,
					 size_t *elements) const noexcept;
	[[nodiscard]] ssize_t notify(const Notification &note) noexcept;
	void count(const OpResult &result) noexcept;
	fi_addr_t identity(fi_addr_t peer) const noexcept;

	Endpoint *endpoint_;
	std::unique_ptr<TransmitGate> gate_;
	std::unique_ptr<ChannelTable> channels_;
	AddressVector *av_ = nullptr;
	/* The gate refused a transmit, and somebody may wait for it. */
	std::atomic<bool> gated_{false};
	/* Notifications may be ready to be sent. */
	std::atomic<bool> notifications_{false};
	std::vector<CompletionQueue *> queues_;
	std::vector<Counter *> counters_;
};

} // namespace ofi_pmem
