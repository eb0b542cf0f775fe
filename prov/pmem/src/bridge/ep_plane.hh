/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence half of an endpoint of a persistent domain. It has the
 * channels for RMA and atomics to persistent regions, and passes their
 * completions to the application's queues and counters. An alias shares the
 * half of the endpoint it was made from.
 */
#pragma once

#include "bridge/calls.hh"
#include "bridge/peer_directory.hh"
#include "bridge/persistence.hh"
#include "bridge/plane_counter.hh"
#include "bridge/plane_host.hh"
#include "bridge/plane_queue.hh"
#include "bridge/transmit_gate.hh"
#include "core/progress.hh"
#include "initiator/channel_table.hh"

#include <atomic>
#include <vector>

namespace ofi_pmem
{

/* FI_PRIORITY, which has no name since 2.0, is a hint that we may ignore. */
inline constexpr uint64_t kPriority = 1ULL << 22;

/* All ranges are persistent and served at the same port, so by one peer. */
bool same_service(const fi_msg_rma &msg) noexcept;

class EndpointPlane final : private OpOwner,
			    private AvListener,
			    private DeferredWork
{
public:
	explicit EndpointPlane(const PlaneHost &host) noexcept : host_(host) {}
	~EndpointPlane() override;

	[[nodiscard]] int open();

	/*
	 * Called before the inner endpoint is closed: from now on readers do
	 * no work that uses it. resume() is called if it was not closed.
	 */
	void suspend() noexcept;
	void resume();

	/* The endpoint was bound; these install the hooks that this needs. */
	void bound_to_av(PeerDirectory *av);
	void bound_to_cq(PlaneQueue *cq);
	void bound_to_counter(PlaneCounter *counter);

	/* Any thread that may use the endpoint may call these. */
	[[nodiscard]] ssize_t rma(const RmaCall &call) noexcept;
	[[nodiscard]] ssize_t atomic(const AtomicCall &call) noexcept;
	[[nodiscard]] ssize_t flush(const FlushCall &call) noexcept;
	[[nodiscard]] ssize_t verify(const VerifyCall &call) noexcept;

	/* These do what those of ChannelTable do. */
	[[nodiscard]] ssize_t drain_all(void *context, bool report,
					bool checked) noexcept;

	/*
	 * Gets the region behind `key` at `peer`, with the reason for its
	 * method, and the region key of its channel or null. On -FI_EAGAIN make
	 * progress, then try again. Other errors are those of a write to it.
	 */
	[[nodiscard]] int query(fi_addr_t peer, uint64_t key,
				RemoteRegion *region,
				KeyRing::Key *sealed_with) noexcept;

	/* For derive() and take_nonces() of struct fi_ops_pmem_ep. */
	[[nodiscard]] int exporter(fi_addr_t peer, uint64_t key,
				   TrafficSecret *secret,
				   uint64_t *connection) noexcept;
	[[nodiscard]] int take_nonces(fi_addr_t peer, uint64_t key,
				      uint64_t count, uint64_t *first,
				      uint64_t *connection) noexcept;

	/*
	 * Does an application-plane transmit with `inner_call`. Returns
	 * -FI_EAGAIN while it would overtake an operation that FI_FENCE or
	 * FI_ORDER_SAW puts before it.
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

	/* Returns null if FI_FENCE was not granted. */
	TransmitGate *gate() noexcept { return gate_.get(); }

	/* The inner endpoint is closed: outstanding operations are cancelled.
	 */
	void close() noexcept;

private:
	[[nodiscard]] static int check_key(Key key) noexcept;
	template <typename Use>
	[[nodiscard]] int use_seal(fi_addr_t peer, uint64_t key,
				   Use &&use) noexcept;

	/* These implement OpOwner. */
	int peer_address(fi_addr_t peer, IpAddress *address) noexcept override;
	int reserve_completion() noexcept override;
	void unreserve_completion() noexcept override;
	void completed(const OpResult &result) noexcept override;
	void gate_may_open() noexcept override;
	void notification_ready() noexcept override;
	int commit_local(const iovec *iov, size_t count) noexcept override;
	/* This implements AvListener. */
	void address_removed(fi_addr_t address) noexcept override;
	/* This implements DeferredWork. */
	void run_deferred() noexcept override;

	/* Returns 0, or the error of calls in a child process. */
	[[nodiscard]] int check_process() const noexcept;
	[[nodiscard]] int pass_gate(fi_addr_t peer, uint64_t flags,
				    Transmit kind) noexcept;
	[[nodiscard]] int check(const RmaCall &call) const noexcept;
	/* Every operation goes this way to the channels. */
	[[nodiscard]] ssize_t start(const OpRequest &request) noexcept;
	/* These are in ep_plane_atomic.cc. */
	[[nodiscard]] int check_operation(const AtomicCall &call,
					  size_t *max_elements) const noexcept;
	[[nodiscard]] int check_elements(const AtomicCall &call,
					 size_t *elements) const noexcept;
	[[nodiscard]] ssize_t notify(const Notification &note) noexcept;
	void count(const OpResult &result) noexcept;
	fi_addr_t identity(fi_addr_t peer) const noexcept;

	const Origin origin_;
	const PlaneHost &host_;
	std::unique_ptr<TransmitGate> gate_;
	std::unique_ptr<ChannelTable> channels_;
	PeerDirectory *av_ = nullptr;
	/* The gate refused a transmit, and somebody may wait for it. */
	std::atomic<bool> gated_{false};
	/* Notifications may be ready to be sent. */
	std::atomic<bool> notifications_{false};
	std::vector<PlaneQueue *> queues_;
	std::vector<PlaneCounter *> counters_;
};

} // namespace ofi_pmem
