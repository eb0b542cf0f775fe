/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The application above an initiator: makes calls of a fuzzer's input, as the
 * endpoint would let them pass, and holds their completions against them. Each
 * buffer is freed when the call gives it back.
 */
#pragma once

#include "initiator/channel_table.hh"
#include "input.hh"
#include "script_link.hh"

#include <functional>
#include <memory>
#include <unordered_map>

namespace ofi_pmem::fuzz
{

class Application final : public OpOwner
{
public:
	explicit Application(Initiator *initiator);
	Application(const Application &) = delete;
	Application &operator=(const Application &) = delete;

	/*
	 * How often success may have been reported until now, and where regions
	 * are.
	 */
	std::function<size_t()> successes;
	std::function<uint64_t()> base;

	void call(Input *input);
	void answer_notification(Input *input);

	/* Closes the endpoint: nothing is left without its completion. */
	void close();

	ChannelTable &table() noexcept { return *table_; }

private:
	struct Call {
		Bytes buffer;  /* local data, digests */
		Bytes compare; /* of an atomic */
		Bytes result;
		size_t successes = 0; /* when it was accepted */
		bool needs_answer = true;
	};
	using CallPtr = std::unique_ptr<Call>;

	int peer_address(fi_addr_t, IpAddress *address) noexcept override;
	int reserve_completion() noexcept override
	{
		return queue_full_ ? -FI_EAGAIN : 0;
	}
	void unreserve_completion() noexcept override {}
	void completed(const OpResult &result) noexcept override;
	void gate_may_open() noexcept override {}
	void notification_ready() noexcept override {}
	int commit_local(const iovec *, size_t) noexcept override
	{
		return local_result_;
	}

	void write_or_read(Input *input);
	void atomic(Input *input);
	void flush(Input *input);
	void verify(Input *input);
	void drain_all(Input *input);
	void submit(CallPtr call, const OpRequest &request, fi_addr_t peer);
	std::vector<fi_rma_iov> make_ranges(Input *input, size_t unit,
					    size_t longest);

	std::unique_ptr<ChannelTable> table_;
	std::unordered_map<void *, CallPtr> calls_; /* by their contexts */
	uintptr_t last_context_ = 0;
	bool queue_full_ = false;
	int local_result_ = 0;
};

} // namespace ofi_pmem::fuzz
