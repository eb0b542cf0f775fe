/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A link whose other end, network and NIC are the fuzzer: messages and
 * completions arrive when it says so.
 */
#pragma once

#include "harness.hh"
#include "transport/nic_link.hh"

#include <rdma/fi_errno.h>

#include <sanitizer/asan_interface.h>

#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace ofi_pmem::fuzz
{

using Bytes = std::vector<uint8_t>;

class ScriptLink final : public NicLink
{
public:
	/* Told of each message when it is sent, and of each chain. */
	using OnSend = std::function<void(const uint8_t *bytes, size_t len)>;
	using OnChain =
		std::function<void(const OneSided *chain, size_t count)>;

	explicit ScriptLink(const LinkAttr &link_attr)
		: NicLink(link_attr), poisoned_(link_attr.receives)
	{
	}
	~ScriptLink() override
	{
		for (uint16_t slot = 0; slot < poisoned_.size(); slot++)
			unpoison(slot);
		if (on_close)
			on_close();
	}

	[[nodiscard]] int open(const Transport &transport)
	{
		int ret = open_buffers(transport);
		return ret ? ret : post_receives();
	}

	int post_receive(uint16_t slot) noexcept override
	{
		unpoison(slot);
		posted_.push_back(slot);
		return 0;
	}

	/* Otherwise it waits in the network. */
	bool can_arrive() const noexcept { return !posted_.empty(); }

	/* Bytes behind the message in the buffer must not be looked at. */
	[[nodiscard]] Completion arrive(const Bytes &bytes)
	{
		uint16_t slot = posted_.front();
		posted_.pop_front();
		uint8_t *buffer = receive_buffers_.at(slot);
		size_t len = std::min(bytes.size(), attr().message_bytes);
		std::copy_n(bytes.begin(), len, buffer);
		size_t behind = std::min(attr().message_bytes - len, kPoisoned);
		poisoned_[slot] = {buffer + len, behind};
		ASAN_POISON_MEMORY_REGION(buffer + len, behind);
		return {handle(Handle::receive, slot), len, 0};
	}

	/* Completes the oldest of the sends and chains that are under way. */
	bool has_unfinished() const noexcept { return !unfinished_.empty(); }
	[[nodiscard]] Completion finish(int err = 0)
	{
		Completion completion{unfinished_.front(), 0, err};
		unfinished_.pop_front();
		return completion;
	}

	int post_chain(const OneSided *chain, size_t count,
		       uint16_t slot) noexcept override
	{
		if (full)
			return -FI_EAGAIN;
		if (on_chain)
			on_chain(chain, count);
		unfinished_.push_back(handle(Handle::one_sided, slot));
		return 0;
	}
	void chain_done(uint16_t) noexcept override {}

	OnSend on_send;
	OnChain on_chain;
	std::function<void()> on_close;
	bool full = false;	/* what is posted is refused for now */
	bool broken = false;	/* and this is for ever */
	bool injecting = false; /* sends are done at once */

private:
	int post_send(uint16_t slot, size_t len) noexcept override
	{
		if (broken)
			return -FI_ECONNRESET;
		if (full)
			return -FI_EAGAIN;
		require(len <= attr().message_bytes,
			"a message fits its buffer");
		on_send(send_buffers_.at(slot), len);
		if (injecting) {
			sent(slot);
			return 0;
		}
		unfinished_.push_back(handle(Handle::send, slot));
		return 0;
	}

	void unpoison(uint16_t slot) noexcept
	{
		auto [at, len] = std::exchange(poisoned_[slot], {});
		ASAN_UNPOISON_MEMORY_REGION(at, len);
	}

	/*
	 * This many bytes behind a message are poisoned: all would take too
	 * long.
	 */
	static constexpr size_t kPoisoned = 4096;
	struct Poisoned {
		uint8_t *at = nullptr;
		size_t len = 0;
	};

	std::vector<Poisoned> poisoned_; /* by slot */
	std::deque<uint16_t> posted_;
	std::deque<Handle> unfinished_;
};

} // namespace ofi_pmem::fuzz
