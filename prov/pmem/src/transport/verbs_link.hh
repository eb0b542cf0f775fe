/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A link over an RC queue pair. Everything in a channel goes through this one
 * pair: a FLUSH covers what its own queue pair wrote, and a message arrives
 * behind the writes before it (IBA volume 1, 9.4.9 and A19).
 */
#pragma once

#include "transport/nic_link.hh"
#include "transport/verbs_queues.hh"

#include <vector>

namespace ofi_pmem
{

class VerbsLink final : public NicLink, private VerbsEventHandler
{
public:
	VerbsLink(const LinkAttr &attr,
		  const VerbsTransport &transport) noexcept
		: NicLink(attr), transport_(transport)
	{
	}
	~VerbsLink() override;

	/*
	 * Checks whether a queue pair with all that is needed can be made. Gets
	 * how many bytes it copies into its queue, at most kMaxInline.
	 */
	[[nodiscard]] static int probe(const VerbsTransport &transport,
				       uint32_t *inline_bytes);

	[[nodiscard]] int connect(const IpAddress &peer, VerbsQueues *queues);

	/* `id` is that of a connection request; it is taken in every case. */
	[[nodiscard]] int accept(VerbsPtr<rdma_cm_id> id,
				 const rdma_conn_param &asked,
				 VerbsQueues *queues);

	int post_receive(uint16_t slot) noexcept override;
	int post_chain(const OneSided *chain, size_t count,
		       uint16_t slot) noexcept override;
	void chain_done(uint16_t slot) noexcept override;

private:
	bool on_event(const Event &event, LinkEvent *told) override;
	[[nodiscard]] int proceed(const Event &event, bool *connected);
	[[nodiscard]] int resolve_route();
	[[nodiscard]] int open_queue_pair();
	[[nodiscard]] int request_connection();
	rdma_conn_param parameters() const noexcept;

	int post_send(uint16_t slot, size_t len) noexcept override;
	void send_done() noexcept override { free_entries_++; }
	bool is_copied(const OneSided &operation) const noexcept;
	static iovec gather(const OneSided &operation,
			    uint8_t *gathered) noexcept;
	static size_t list_buffers(const OneSided &operation,
				   ibv_sge *pieces) noexcept;

	/* By the extended calls. */
	[[nodiscard]] int post_send_extended(uint16_t slot,
					     size_t len) noexcept;
	void post_one(const OneSided &operation) noexcept;
	void set_buffers(const OneSided &operation) noexcept;
	[[nodiscard]] int post_chain_extended(const OneSided *chain,
					      size_t count,
					      uint64_t number) noexcept;

	/* By ibv_post_send(3). */
	[[nodiscard]] int post_send_basic(uint16_t slot, size_t len) noexcept;
	[[nodiscard]] int post_one_basic(const OneSided &operation,
					 uint64_t number,
					 unsigned flags) noexcept;
	[[nodiscard]] int post_chain_basic(const OneSided *chain, size_t count,
					   uint64_t number) noexcept;

	const VerbsTransport &transport_;
	VerbsQueues *queues_ = nullptr;
	VerbsPtr<rdma_cm_id> id_; /* owns its queue pair, see ~VerbsLink() */
	ibv_qp_ex *qp_ = nullptr; /* null: it has no extended calls */
	bool established_ = false;
	/* Returns the number of free entries in the send queue. */
	size_t free_entries_ = 0;
	std::vector<uint8_t> chain_lengths_; /* by slot */
};

} // namespace ofi_pmem
