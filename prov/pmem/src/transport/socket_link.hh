/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A link over a TCP socket, which carries the messages end to end, without a
 * framing of its own.
 */
#pragma once

#include "core/owned_fd.hh"
#include "transport/link.hh"
#include "transport/out_queue.hh"
#include "transport/sealed_output.hh"
#include "transport/socket_queues.hh"
#include "transport/socket_reader.hh"

namespace ofi_pmem
{

class SocketLink final : public Link
{
public:
	SocketLink(const LinkAttr &attr, SocketQueues *queues,
		   OwnedFd fd) noexcept
		: Link(attr), queues_(queues), fd_(std::move(fd)),
		  out_(queues->spare())
	{
	}
	~SocketLink() override;

	/* Takes a socket that is connected, or connects it; returns 0 or a
	 * negative fi_errno. */
	[[nodiscard]] int open();
	[[nodiscard]] int connect(IpAddress peer);
	/* Connecting has succeeded or failed; returns 0 or a positive fi_errno.
	 */
	[[nodiscard]] int finish_connecting();

	int fd() const noexcept { return fd_.get(); }

	/* Its queues call this when the socket is ready for these epoll events.
	 * Returns whether there is a completion. */
	[[nodiscard]] bool attend(uint32_t events, Completion *completion);
	/* They call this when there may be something to receive. */
	[[nodiscard]] bool try_receive(Completion *completion);

	int seal(std::unique_ptr<Sealer> out,
		 std::unique_ptr<Opener> in) override;
	const uint8_t *received(uint16_t) const noexcept override
	{
		return reader_.bytes();
	}
	int post_receive(uint16_t slot) noexcept override;
	size_t rest() const noexcept override { return reader_.rest(); }
	size_t rest_here() const noexcept override
	{
		return reader_.rest_here();
	}
	ssize_t read_rest(uint8_t *into, size_t len) noexcept override;

	uint64_t received_bytes() const noexcept override
	{
		return reader_.received_bytes();
	}
	bool amid_message() const noexcept override
	{
		return reader_.amid_message();
	}

	size_t free_sends() const noexcept override;
	uint8_t *begin(size_t len) override;
	int send() override;
	int send_long(const iovec *payload, size_t count) override;
	int send_waiting() noexcept override;
	bool has_waiting() const noexcept override
	{
		return holding_ && !out_.empty();
	}
	void hold() noexcept override { holding_ = true; }
	bool gathers() const noexcept override
	{
		return out_.left() < kMostGathered;
	}
	int release() noexcept override { return send_waiting(); }
	void sent(uint16_t) noexcept override {}
	uint64_t position() const noexcept override { return position_; }
	uint64_t sent_bytes() const noexcept override
	{
		return position_ - out_.left();
	}

private:
	static constexpr size_t kMostGathered = 65536;

	[[nodiscard]] int set_options() const noexcept;
	[[nodiscard]] bool receive(Completion *completion);
	void note_amid() noexcept;
	[[nodiscard]] bool fail(int err, Completion *completion) noexcept;
	[[nodiscard]] int flush() noexcept;
	[[nodiscard]] int seal_more() noexcept;
	[[nodiscard]] int send_all(OutQueue *queue) noexcept;
	bool all_sent() const noexcept
	{
		return out_.empty() && (!sealed_ || sealed_->records().empty());
	}
	[[nodiscard]] int watch() noexcept;
	[[nodiscard]] int resume() noexcept;

	SocketQueues *queues_;
	OwnedFd fd_;
	bool connecting_ = false;
	bool over_ = false;   /* nothing more can be received or sent */
	bool paused_ = false; /* nothing is received for now */
	bool awaits_rest_ = false;
	bool holding_ = false;
	bool amid_ = false;    /* its queues know that it is amid a message */
	uint32_t watched_ = 0; /* epoll events */
	SocketReader reader_;
	OutQueue out_;
	std::unique_ptr<SealedOutput> sealed_; /* through which out_ leaves */
	size_t begun_ = 0;	/* the length of the message begun last */
	uint64_t position_ = 0; /* behind all that was given to out_ */
};

} // namespace ofi_pmem
