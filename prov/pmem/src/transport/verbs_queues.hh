/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A completion queue with its channel and a channel of connection events. The
 * context of every connection identifier on it is a VerbsEventHandler.
 */
#pragma once

#include "transport/verbs_transport.hh"

#include <deque>

namespace ofi_pmem
{

/* A link or a listener, which gets connection events. */
class VerbsEventHandler
{
public:
	/* The parts of an event that are valid after its acknowledgement. */
	struct Event {
		rdma_cm_event_type type;
		int status;
		rdma_cm_id *id;
		/* These are valid for a connection request. */
		uint8_t responder_resources;
		uint8_t initiator_depth;
	};

	/* Returns true if the user of the queues must get `*told`. */
	[[nodiscard]] virtual bool on_event(const Event &event,
					    LinkEvent *told) = 0;

protected:
	~VerbsEventHandler() = default;
};

class VerbsQueues final : public Queues
{
public:
	[[nodiscard]] int open(ibv_context *device, int completions);

	size_t read_completions(Completion *completions,
				size_t count) noexcept override;
	bool read_event(LinkEvent *event) override;
	int trywait() noexcept override;
	int completion_fd() const noexcept override
	{
		return completion_channel_->fd;
	}
	int event_fd() const noexcept override { return events_->fd; }

	ibv_cq *cq() const noexcept { return cq_.get(); }
	rdma_event_channel *events() const noexcept { return events_.get(); }

private:
	void take_notifications() noexcept;

	VerbsPtr<rdma_event_channel> events_;
	VerbsPtr<ibv_comp_channel> completion_channel_;
	VerbsPtr<ibv_cq> cq_;
	/* The completion that trywait() found after it had armed the queue. */
	Completion found_{};
	bool has_found_ = false;
};

} // namespace ofi_pmem
