/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/connection.hh"

#include "core/log.hh"
#include "core/params.hh"

namespace ofi_pmem
{

namespace
{

/* Answers never outnumber requests; the greeting needs one receive more. */
constexpr uint16_t kReceives = wire::kMaxCredits + 1;
/* The inner provider may still use a request's buffer when its answer has come,
 * so there are more buffers than credits. */
constexpr uint16_t kSends = 2 * wire::kMaxCredits;

} // namespace

Connection::~Connection()
{
	close();
}

int Connection::connect()
{
	LinkAttr attr{initiator_->new_link_id(),
		      kReceives,
		      kSends,
		      wire::kMaxMessage,
		      kMaxChains,
		      transport().traits().long_writes};
	std::unique_ptr<Link> link;
	int ret = transport().connect(peer_, initiator_->queues(), attr, &link);
	if (ret) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "cannot connect to %s port %u: %s (%d)",
			  peer_.host().c_str(), peer_.port(), fi_strerror(-ret),
			  -ret);
		return ret;
	}
	link_ = std::move(link);
	deadline_ = std::chrono::steady_clock::now() +
		    std::chrono::milliseconds(params().connect_timeout_ms);
	initiator_->add_link(link_->id(), user_);
	return 0;
}

void Connection::close() noexcept
{
	if (!link_)
		return;
	if (connecting())
		initiator_->connected();
	initiator_->remove_link(link_->id());
	link_.reset();
}

bool Connection::late() const noexcept
{
	return std::chrono::steady_clock::now() >= deadline_;
}

void Connection::posted(int ret)
{
	if (!ret || error_)
		return;
	error_ = ret;
	attend();
}

} // namespace ofi_pmem
