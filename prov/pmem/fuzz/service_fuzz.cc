/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A whole service with its thread and some hostile initiators. The input is a
 * script which the service's own queues read: what arrives, completes, connects
 * and leaves between two looks at them is all up to it, and the same each time.
 */
#include "service/service.hh"

#include "core/params.hh"
#include "hostile_initiator.hh"
#include "script_transport.hh"

#include <condition_variable>
#include <mutex>

namespace ofi_pmem::fuzz
{

namespace
{

constexpr size_t kChannels = 4;
constexpr uint32_t kNoLink = 1000;

/* One connection and its other end. */
struct Peer {
	explicit Peer(FuzzRegions *regions) : initiator(regions) {}

	void attach(ScriptLink *accepted)
	{
		link = accepted;
		link->on_send = [this](const uint8_t *bytes, size_t len) {
			initiator.answered(bytes, len);
		};
		link->on_close = [this] { link = nullptr; };
	}

	HostileInitiator initiator;
	ScriptLink *link = nullptr; /* while the service has it */
	Bytes arriving;
};

/* All but the constructor, wait() and check_ends() on the service's thread. */
class ServiceScript final : public ScriptEvents
{
public:
	ServiceScript(Input *input, FuzzRegions *regions)
		: input_(input), regions_(regions)
	{
	}

	size_t read_completions(Completion *into,
				size_t count) noexcept override
	{
		ready_.clear();
		while (!input_->empty() && ready_.size() < count) {
			if (!step(input_->take<uint8_t>()))
				break;
		}
		if (ready_.empty() && input_->empty())
			wind_up(count);
		std::copy(ready_.begin(), ready_.end(), into);
		return ready_.size();
	}

	/* The service would sleep: at the end it may. */
	int trywait() noexcept override
	{
		if (!input_->empty() || !events.empty() || any_unfinished())
			return -FI_EAGAIN;
		std::lock_guard guard(mutex_);
		ended_ = true;
		changed_.notify_all();
		return 0;
	}

	/*
	 * Returns when the script has ended and the service has nothing to do.
	 */
	void wait()
	{
		std::unique_lock lock(mutex_);
		changed_.wait(lock, [this] { return ended_; });
	}

	void check_ends() const
	{
		for (const auto &peer : peers_) {
			if (!peer->link)
				continue;
			require(!peer->initiator.doomed(),
				"what is malformed or out of turn ends a "
				"session");
			require(peer->initiator.satisfied(),
				"every request is answered");
		}
	}

private:
	/* False where the service is to look at what there is. */
	bool step(uint8_t command)
	{
		Peer *peer = peer_of(command >> 4);
		switch (command & 0xf) {
		case 0:
		case 1:
		case 2:
			if (peer)
				gather(peer);
			return true;
		case 3:
		case 4:
		case 5:
			if (peer)
				arrive(peer);
			return true;
		case 6:
		case 7:
			return false;
		case 8:
			connect();
			return false;
		case 9:
			if (peer)
				leave(*peer, command & 0x80
						     ? LinkEvent::Kind::closed
						     : LinkEvent::Kind::failed);
			return false;
		case 10:
			if (peer)
				complete(peer, command & 0x80 ? FI_EIO : 0);
			return true;
		case 11:
			if (peer)
				peer->link->full = !peer->link->full;
			return true;
		case 12:
			if (peer)
				peer->link->injecting = !peer->link->injecting;
			return true;
		case 13:
			if (peer)
				peer->link->broken = command & 0x80;
			return true;
		case 14:
			disturb(command >> 4);
			return true;
		default:
			/* A completion arrives of a link that is gone. */
			ready_.push_back({{kNoLink, Handle::send, 0}, 0, 0});
			return true;
		}
	}

	Peer *peer_of(size_t index)
	{
		if (peers_.empty())
			return nullptr;
		Peer *peer = peers_[index % peers_.size()].get();
		return peer->link ? peer : nullptr;
	}

	void connect()
	{
		if (peers_.size() == kChannels)
			return;
		peers_.push_back(std::make_unique<Peer>(regions_));
		LinkEvent event;
		event.kind = LinkEvent::Kind::request;
		event.request = std::make_unique<ScriptRequest>(
			[peer = peers_.back().get()](ScriptLink *link) {
				peer->attach(link);
			});
		events.push_back(std::move(event));
	}

	void leave(const Peer &peer, LinkEvent::Kind how)
	{
		LinkEvent event;
		event.kind = how;
		event.link = peer.link->id();
		events.push_back(std::move(event));
	}

	void gather(Peer *peer)
	{
		Bytes more = peer->initiator.make_message(input_);
		if (peer->arriving.size() + more.size() > wire::kMaxMessage)
			return;
		peer->arriving.insert(peer->arriving.end(), more.begin(),
				      more.end());
	}

	void arrive(Peer *peer)
	{
		if (peer->arriving.empty() || !peer->link->can_arrive())
			return;
		peer->initiator.sends(peer->arriving);
		ready_.push_back(peer->link->arrive(peer->arriving));
		peer->arriving.clear();
	}

	void complete(Peer *peer, int err)
	{
		if (peer->link->has_unfinished())
			ready_.push_back(peer->link->finish(err));
	}

	void disturb(uint8_t choice)
	{
		auto &medium =
			regions_->at(choice % FuzzRegions::kCount).medium;
		int err = choice & 8 ? -FI_EIO : 0;
		(choice & 4 ? medium.flush_result : medium.drain_result) = err;
	}

	bool any_unfinished() const noexcept
	{
		return std::any_of(
			peers_.begin(), peers_.end(), [](const auto &peer) {
				return peer->link &&
				       (peer->link->has_unfinished() ||
					peer->link->has_waiting());
			});
	}

	/* At the end the network takes and completes everything. */
	void wind_up(size_t count)
	{
		for (auto &peer : peers_) {
			if (!peer->link)
				continue;
			peer->link->full = false;
			while (peer->link->has_unfinished() &&
			       ready_.size() < count)
				complete(peer.get(), 0);
		}
	}

	Input *input_;
	FuzzRegions *regions_;
	std::vector<std::unique_ptr<Peer>> peers_;
	std::vector<Completion> ready_;
	std::mutex mutex_;
	std::condition_variable changed_;
	bool ended_ = false;
};

/* The script outlives the service, which owns its queues. */
class BorrowedQueues final : public Queues
{
public:
	explicit BorrowedQueues(ServiceScript *script) : script_(script) {}

	size_t read_completions(Completion *into,
				size_t count) noexcept override
	{
		return script_->read_completions(into, count);
	}
	bool read_event(LinkEvent *event) override
	{
		return script_->read_event(event);
	}
	int trywait() noexcept override { return script_->trywait(); }
	int completion_fd() const noexcept override
	{
		return script_->completion_fd();
	}
	int event_fd() const noexcept override { return script_->event_fd(); }

private:
	ServiceScript *script_;
};

class ServiceListener final : public Listener
{
public:
	uint16_t port() const noexcept override { return 7; }
};

class ServiceTransport final : public Transport
{
public:
	ServiceTransport(Input *input, FuzzRegions *regions)
		: script(input, regions)
	{
	}

	int open_queues(size_t, std::unique_ptr<Queues> *queues) const override
	{
		*queues = std::make_unique<BorrowedQueues>(&script);
		return 0;
	}
	int connect(const IpAddress &, Queues *, const LinkAttr &,
		    std::unique_ptr<Link> *) const override
	{
		return -FI_ENOSYS;
	}
	int listen(const IpAddress &, Queues *,
		   std::unique_ptr<Listener> *listener) const override
	{
		*listener = std::make_unique<ServiceListener>();
		return 0;
	}
	int register_memory(const void *, size_t, uint64_t, bool,
			    std::unique_ptr<LinkMemory> *) const override
	{
		return -FI_ENOSYS;
	}

	mutable ServiceScript script;
};

/* The service does not wait for what only comes when it looks. */
void set_parameters()
{
	environment() = {{"spin_us", "0"}, {"service_cpus", "none"}};
	require(!load_params(), "parameters are read");
}

void run(Input *input)
{
	static const bool ready = (set_parameters(), true);
	static_cast<void>(ready);
	FuzzRegions regions(input->take<uint8_t>() & 1);
	ServiceTransport transport(input, &regions);
	Service service(transport, &regions.table);
	require(!service.open(), "a service is opened");
	transport.script.wait();
	transport.script.check_ends();
}

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ofi_pmem::fuzz::Input input(data, len);
	ofi_pmem::fuzz::run(&input);
	return 0;
}
