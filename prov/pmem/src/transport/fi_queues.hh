/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* An inner completion queue and event queue, for the links of one user. */
#pragma once

#include "transport/fi_transport.hh"

#include <unordered_map>

namespace ofi_pmem
{

class FiQueues final : public Queues
{
public:
	explicit FiQueues(const FiTransport &transport) noexcept
		: transport_(transport)
	{
	}

	[[nodiscard]] int open(size_t completions);

	size_t read_completions(Completion *completions,
				size_t count) noexcept override;
	bool read_event(LinkEvent *event) override;
	int trywait() noexcept override;
	int completion_fd() const noexcept override { return cq_fd_; }
	int event_fd() const noexcept override { return eq_fd_; }

	fid_cq *cq() const noexcept { return cq_.get(); }
	fid_eq *eq() const noexcept { return eq_.get(); }

	/* Events name endpoints, even those that have been closed meanwhile. */
	void add(const fid *endpoint, uint32_t link)
	{
		links_[endpoint] = link;
	}
	void remove(const fid *endpoint) noexcept { links_.erase(endpoint); }

private:
	[[nodiscard]] size_t read_error(Completion *completion) noexcept;
	[[nodiscard]] bool known(const fid *endpoint, LinkEvent::Kind kind,
				 int err, LinkEvent *event) const;

	const FiTransport &transport_;
	FidPtr<fid_cq> cq_;
	FidPtr<fid_eq> eq_;
	int cq_fd_ = -1;
	int eq_fd_ = -1;
	std::unordered_map<const fid *, uint32_t> links_;
};

} // namespace ofi_pmem
