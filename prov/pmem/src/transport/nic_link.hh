/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A link over a NIC: its message buffers are registered, and each message takes
 * a buffer at either end.
 */
#pragma once

#include "seal/record.hh"
#include "transport/link.hh"

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace ofi_pmem
{

/*
 * Holds message buffers of equal size in one anonymous mapping, touched on use.
 */
class BufferArena
{
public:
	BufferArena() = default;
	BufferArena(const BufferArena &) = delete;
	BufferArena &operator=(const BufferArena &) = delete;
	~BufferArena();

	[[nodiscard]] int open(const Transport &transport, uint16_t count,
			       size_t bytes, uint64_t access);

	uint8_t *at(uint16_t slot) const noexcept
	{
		return &base_[size_t{slot} * bytes_];
	}
	size_t bytes() const noexcept { return bytes_; }
	void *desc() const noexcept
	{
		return memory_ ? memory_->desc : nullptr;
	}
	uint16_t count() const noexcept { return count_; }

private:
	uint8_t *base_ = nullptr;
	size_t len_ = 0;
	size_t bytes_ = 0;
	uint16_t count_ = 0;
	std::unique_ptr<LinkMemory> memory_;
};

class NicLink : public Link
{
public:
	int seal(std::unique_ptr<Sealer> out,
		 std::unique_ptr<Opener> in) override;
	ssize_t open_received(uint16_t slot, size_t len) noexcept override;
	const uint8_t *received(uint16_t slot) const noexcept override
	{
		return receive_buffers_.at(slot) +
		       (opener_ ? kRecordHeader : 0);
	}

	size_t free_sends() const noexcept override
	{
		return free_sends_.size();
	}
	uint8_t *begin(size_t len) noexcept override;
	[[nodiscard]] int send() noexcept override;
	[[nodiscard]] int send_waiting() noexcept override;
	bool has_waiting() const noexcept override
	{
		return filled_ || !waiting_.empty();
	}

	/* As many messages leave together as a buffer holds. */
	void hold() noexcept override { holding_ = true; }
	[[nodiscard]] int release() noexcept override;
	void sent(uint16_t slot) noexcept override;

	uint16_t borrow() noexcept override;
	void give_back(uint16_t slot) noexcept override
	{
		free_sends_.push_back(slot);
	}
	uint8_t *borrowed(uint16_t slot) const noexcept override
	{
		return send_buffers_.at(slot);
	}
	void *borrowed_desc() const noexcept override
	{
		return send_buffers_.desc();
	}

protected:
	explicit NicLink(const LinkAttr &attr) noexcept : Link(attr) {}

	[[nodiscard]] int open_buffers(const Transport &transport);
	[[nodiscard]] int post_receives() noexcept;

	[[nodiscard]] virtual int post_send(uint16_t slot,
					    size_t len) noexcept = 0;
	/* Its queue entry is free again. */
	virtual void send_done() noexcept {}

	BufferArena receive_buffers_;
	BufferArena send_buffers_;

private:
	struct Waiting {
		uint16_t slot;
		size_t len;
	};

	/* Room for a message: the buffer begun last, or what is sealed to it.
	 */
	uint8_t *room() noexcept
	{
		return sealer_ ? plain_.get() : send_buffers_.at(begun_);
	}
	[[nodiscard]] int seal_filled(size_t *len) noexcept;
	[[nodiscard]] int post_filled() noexcept;

	std::vector<uint16_t> free_sends_;
	std::deque<Waiting> waiting_;
	uint16_t begun_ = 0;   /* the buffer of the last message */
	size_t begun_len_ = 0; /* of that message */
	size_t filled_ = 0;    /* bytes of complete messages in the buffer */
	bool holding_ = false;
	int failed_ = 0; /* posting failed; the next send() reports it */
	std::unique_ptr<Sealer> sealer_;
	std::unique_ptr<Opener> opener_;
	std::unique_ptr<uint8_t[]> plain_; /* what is sealed next */
};

} // namespace ofi_pmem
