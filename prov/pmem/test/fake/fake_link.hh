/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The ends of a connection on FakeNic: what is posted waits in a link until the
 * NIC executes it, and what arrives and completes waits in queues.
 */
#pragma once

#include "fake/fake_nic.hh"
#include "transport/nic_link.hh"

#include <rdma/fi_errno.h>

#include <sys/eventfd.h>
#include <unistd.h>

namespace ofi_pmem::test
{

inline std::vector<uint8_t> gather(const std::vector<iovec> &local)
{
	std::vector<uint8_t> bytes;
	for (const iovec &one : local) {
		auto from = static_cast<const uint8_t *>(one.iov_base);
		bytes.insert(bytes.end(), from, from + one.iov_len);
	}
	return bytes;
}

/* A file descriptor that is readable when something has been added. */
class Bell
{
public:
	Bell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
	~Bell() { close(fd_); }
	Bell(const Bell &) = delete;
	Bell &operator=(const Bell &) = delete;

	int fd() const noexcept { return fd_; }
	void ring() noexcept
	{
		uint64_t one = 1;
		static_cast<void>(!write(fd_, &one, sizeof(one)));
	}
	void silence() noexcept
	{
		uint64_t count;
		static_cast<void>(!read(fd_, &count, sizeof(count)));
	}

private:
	int fd_;
};

class FakeQueues final : public Queues
{
public:
	explicit FakeQueues(FakeNic *nic) : nic_(nic) {}

	size_t read_completions(Completion *completions,
				size_t count) noexcept override
	{
		std::lock_guard guard(nic_->mutex_);
		nic_->run();
		size_t got = std::min(count, completions_.size());
		for (size_t i = 0; i < got; i++) {
			completions[i] = completions_.front();
			completions_.pop_front();
		}
		return got;
	}
	bool read_event(LinkEvent *event) override
	{
		std::lock_guard guard(nic_->mutex_);
		if (events_.empty())
			return false;
		*event = std::move(events_.front());
		events_.pop_front();
		return true;
	}
	int trywait() noexcept override
	{
		std::lock_guard guard(nic_->mutex_);
		if (!completions_.empty() || !events_.empty())
			return -FI_EAGAIN;
		completion_bell_.silence();
		event_bell_.silence();
		return 0;
	}
	int completion_fd() const noexcept override
	{
		return completion_bell_.fd();
	}
	int event_fd() const noexcept override { return event_bell_.fd(); }

	/* The caller holds the lock. */
	void complete(const Completion &completion)
	{
		completions_.push_back(completion);
		completion_bell_.ring();
	}
	void tell(LinkEvent::Kind kind, uint32_t link, int err)
	{
		LinkEvent event;
		event.kind = kind;
		event.link = link;
		event.err = err;
		tell(std::move(event));
	}
	void tell(LinkEvent event)
	{
		events_.push_back(std::move(event));
		event_bell_.ring();
	}

private:
	FakeNic *nic_;
	std::deque<Completion> completions_;
	std::deque<LinkEvent> events_;
	Bell completion_bell_;
	Bell event_bell_;
};

class FakeLink final : public NicLink
{
public:
	FakeLink(FakeNic *nic, FakeQueues *queues, const LinkAttr &attr,
		 bool initiator)
		: NicLink(attr), nic_(nic), queues_(queues),
		  initiator_(initiator)
	{
		nic_->links_.push_back(this);
	}

	~FakeLink() override
	{
		std::lock_guard guard(nic_->mutex_);
		auto &links = nic_->links_;
		links.erase(std::find(links.begin(), links.end(), this));
		if (peer_) {
			peer_->peer_ = nullptr;
			peer_->breaks(FI_ECONNRESET);
			peer_->queues_->tell(LinkEvent::Kind::closed,
					     peer_->id(), 0);
		}
	}

	[[nodiscard]] int open(const Transport &transport)
	{
		int ret = open_buffers(transport);
		return ret ? ret : post_receives();
	}

	int post_receive(uint16_t slot) noexcept override
	{
		std::lock_guard guard(nic_->mutex_);
		receives_.push_back(slot);
		return 0;
	}

	int post_chain(const OneSided *chain, size_t count,
		       uint16_t slot) noexcept override
	{
		std::lock_guard guard(nic_->mutex_);
		if (count > nic_->traits.max_chain)
			return -FI_EINVAL;
		if (queue_.size() + count > nic_->capacity)
			return -FI_EAGAIN;
		nic_->chains_++;
		for (size_t i = 0; i < count; i++)
			enqueue(chain[i], slot, i + 1 == count);
		nic_->run();
		return 0;
	}
	void chain_done(uint16_t) noexcept override {}

	/* The caller holds the lock. */
	void breaks(int err)
	{
		broken_ = true;
		for (const WorkRequest &request : queue_)
			queues_->complete({handle_of(request), 0, err});
		queue_.clear();
		unplaced_.clear();
	}
	Handle handle_of(const WorkRequest &request) const noexcept
	{
		return handle(request.message ? Handle::send
					      : Handle::one_sided,
			      request.slot);
	}
	void complete_done()
	{
		while (!queue_.empty() && queue_.front().done) {
			if (queue_.front().signaled)
				queues_->complete(
					{handle_of(queue_.front()), 0, 0});
			queue_.pop_front();
		}
	}
	/* False while it has posted no receive. */
	[[nodiscard]] bool receive(const std::vector<uint8_t> &bytes)
	{
		if (receives_.empty())
			return false;
		uint16_t slot = receives_.front();
		receives_.pop_front();
		std::copy(bytes.begin(), bytes.end(),
			  receive_buffers_.at(slot));
		queues_->complete(
			{handle(Handle::receive, slot), bytes.size(), 0});
		return true;
	}

	struct Unplaced {
		uint64_t addr;
		std::vector<uint8_t> bytes;
	};

	FakeNic *nic_;
	FakeQueues *queues_;
	bool initiator_;
	FakeLink *peer_ = nullptr;
	bool broken_ = false;
	std::deque<WorkRequest> queue_;
	std::deque<Unplaced> unplaced_;
	std::deque<uint16_t> receives_;

private:
	int post_send(uint16_t slot, size_t len) noexcept override
	{
		std::lock_guard guard(nic_->mutex_);
		if (queue_.size() == nic_->capacity)
			return -FI_EAGAIN;
		WorkRequest request;
		request.message = true;
		request.slot = slot;
		request.len = len;
		request.local = {{send_buffers_.at(slot), len}};
		request.signaled = true;
		nic_->chains_++;
		add(std::move(request));
		nic_->run();
		return 0;
	}

	void enqueue(const OneSided &operation, uint16_t slot, bool last)
	{
		WorkRequest request;
		request.kind = operation.kind;
		request.addr = operation.addr;
		request.key = operation.key;
		request.len = operation.len;
		request.local.assign(operation.iov,
				     operation.iov + operation.iov_count);
		request.slot = slot;
		request.signaled = last;
		if (operation.kind == OneSided::Kind::atomic_write ||
		    (request.posted() &&
		     operation.len <= nic_->traits.inline_bytes)) {
			request.bytes = gather(request.local);
			request.copied = true;
		}
		add(std::move(request));
	}

	void add(WorkRequest request)
	{
		if (initiator_)
			nic_->record(request, nic_->chains_);
		queue_.push_back(std::move(request));
		if (broken_)
			breaks(FI_ECANCELED);
	}
};

} // namespace ofi_pmem::test
