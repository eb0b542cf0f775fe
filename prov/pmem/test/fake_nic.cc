/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "fake_nic.hh"

#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include <rdma/fi_errno.h>

namespace ofi_pmem::test
{

namespace
{

using Guard = std::lock_guard<std::mutex>;

constexpr size_t kLine = 64;

const char *name_of(OneSided::Kind kind) noexcept
{
	switch (kind) {
	case OneSided::Kind::write:
		return "write";
	case OneSided::Kind::write_visible:
		return "write_visible";
	case OneSided::Kind::read:
		return "read";
	case OneSided::Kind::flush_persistent:
		return "flush_persistent";
	case OneSided::Kind::flush_visible:
		return "flush_visible";
	case OneSided::Kind::atomic_write:
		return "atomic_write";
	}
	return "?";
}

uint64_t number_of(const void *pointer) noexcept
{
	return reinterpret_cast<uintptr_t>(pointer);
}

std::vector<uint8_t> gather(const std::vector<iovec> &local)
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

} // namespace

class FakeQueues final : public Queues
{
public:
	explicit FakeQueues(FakeNic *nic) : nic_(nic) {}

	size_t read_completions(Completion *completions,
				size_t count) noexcept override
	{
		Guard guard(nic_->mutex_);
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
		Guard guard(nic_->mutex_);
		if (events_.empty())
			return false;
		*event = std::move(events_.front());
		events_.pop_front();
		return true;
	}
	int trywait() noexcept override
	{
		Guard guard(nic_->mutex_);
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

	/* With the lock held. */
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

class FakeLink final : public Link
{
public:
	FakeLink(FakeNic *nic, FakeQueues *queues, const LinkAttr &attr,
		 bool initiator)
		: Link(attr), nic_(nic), queues_(queues), initiator_(initiator)
	{
		nic_->links_.push_back(this);
	}

	~FakeLink() override
	{
		Guard guard(nic_->mutex_);
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
		Guard guard(nic_->mutex_);
		receives_.push_back(slot);
		return 0;
	}

	int post_chain(const OneSided *chain, size_t count,
		       uint16_t slot) noexcept override
	{
		Guard guard(nic_->mutex_);
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

	/* With the lock held. */
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
		Guard guard(nic_->mutex_);
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

class FakeRequest final : public ConnectRequest
{
public:
	FakeRequest(FakeNic *nic, const Transport &transport, FakeLink *from)
		: nic_(nic), transport_(transport), from_(from)
	{
	}
	~FakeRequest() override
	{
		Guard guard(nic_->mutex_);
		if (!taken_ && alive())
			from_->queues_->tell(LinkEvent::Kind::failed,
					     from_->id(), FI_ECONNREFUSED);
	}
	int accept(Queues *queues, const LinkAttr &attr,
		   std::unique_ptr<Link> *link) override
	{
		std::unique_ptr<FakeLink> made;
		{
			Guard guard(nic_->mutex_);
			made = std::make_unique<FakeLink>(
				nic_, static_cast<FakeQueues *>(queues), attr,
				false);
		}
		int ret = made->open(transport_);
		Guard guard(nic_->mutex_);
		if (ret || !alive())
			return ret ? ret : -FI_ECONNABORTED;
		taken_ = true;
		made->peer_ = from_;
		from_->peer_ = made.get();
		for (FakeLink *one : {made.get(), from_})
			one->queues_->tell(LinkEvent::Kind::connected,
					   one->id(), 0);
		*link = std::move(made);
		return 0;
	}

private:
	bool alive() const
	{
		const auto &links = nic_->links_;
		return std::find(links.begin(), links.end(), from_) !=
		       links.end();
	}

	FakeNic *nic_;
	const Transport &transport_;
	FakeLink *from_;
	bool taken_ = false;
};

class FakeListener final : public Listener
{
public:
	FakeListener(FakeNic *nic, uint16_t port) : nic_(nic), port_(port) {}
	~FakeListener() override
	{
		Guard guard(nic_->mutex_);
		nic_->listeners_.erase(port_);
	}
	uint16_t port() const noexcept override { return port_; }

private:
	FakeNic *nic_;
	uint16_t port_;
};

class FakeMemory final : public LinkMemory
{
public:
	explicit FakeMemory(std::shared_ptr<FakeNic> owner)
		: owner_(std::move(owner))
	{
	}
	~FakeMemory() override
	{
		Guard guard(owner_->mutex_);
		owner_->memory_.erase(key);
	}

private:
	std::shared_ptr<FakeNic> owner_;
};

TransportTraits FakeNic::soft_roce() noexcept
{
	TransportTraits traits;
	traits.needs_local_memory = true;
	traits.max_transfer = 1ULL << 31;
	traits.max_buffers = 1;
	traits.max_chain = 32;
	traits.inline_bytes = 256;
	traits.reliable_ack = true;
	traits.native_flush = true;
	traits.atomic_write = true;
	traits.placement_wait = true;
	return traits;
}

void FakeNic::attach(FakeMedium *medium)
{
	Guard guard(mutex_);
	media_.push_back(medium);
}

void FakeNic::be_weak(uint64_t seed)
{
	Guard guard(mutex_);
	weak_ = true;
	random_.seed(seed);
}

void FakeNic::watch(std::function<void()> step)
{
	Guard guard(mutex_);
	after_step_ = std::move(step);
}

void FakeNic::hold()
{
	Guard guard(mutex_);
	held_ = true;
}

void FakeNic::release()
{
	Guard guard(mutex_);
	held_ = false;
	run();
}

void FakeNic::fail_next(OneSided::Kind operation)
{
	Guard guard(mutex_);
	failing_ = true;
	fails_ = operation;
}

size_t FakeNic::registrations()
{
	Guard guard(mutex_);
	return last_key_;
}

std::vector<Posted> FakeNic::take_posted()
{
	Guard guard(mutex_);
	return std::exchange(posted_, {});
}

uint64_t FakeNic::add_memory(const void *base, size_t len, bool persistent)
{
	memory_[++last_key_] = {number_of(base), len, persistent && flushable};
	return last_key_;
}

void FakeNic::record(const WorkRequest &request, size_t chain)
{
	Posted posted{};
	posted.name = request.message ? "message" : name_of(request.kind);
	posted.addr = request.addr;
	posted.len = request.len;
	posted.chain = chain;
	posted.bytes = request.message ? gather(request.local) : request.bytes;
	posted.local = request.local;
	posted_.push_back(std::move(posted));
}

/* What a real NIC answers with a remote access error. */
bool FakeNic::allowed(const WorkRequest &request) const
{
	auto found = memory_.find(request.key);
	if (found == memory_.end())
		return false;
	const Registration &memory = found->second;
	bool flush = request.kind == OneSided::Kind::flush_persistent ||
		     request.kind == OneSided::Kind::flush_visible;
	/* Of 0 bytes Soft-RoCE flushes nothing, and acknowledges it. */
	if (!request.len && !flush)
		return false;
	if (flush && (!memory.flushable || request.len >= 1ULL << 32))
		return false;
	return request.addr >= memory.base && request.len <= memory.len &&
	       request.addr - memory.base <= memory.len - request.len;
}

/* With the lock held, whenever somebody posts or looks. */
void FakeNic::run()
{
	if (held_)
		return;
	if (weak_) {
		for (uint64_t steps = below(8); steps; steps--) {
			random_step();
			if (after_step_)
				after_step_();
		}
		return;
	}
	bool any = true;
	while (any) {
		any = false;
		for (FakeLink *link : links_) {
			while (!link->queue_.empty() &&
			       execute(link, &link->queue_.front())) {
				place_all(link);
				link->complete_done();
				any = true;
			}
		}
	}
}

/*
 * One of the links executes its first operation, or a posted one that passes
 * what is before it; or something is placed, or written back.
 */
void FakeNic::random_step()
{
	if (links_.empty())
		return;
	FakeLink *link = links_[below(links_.size())];
	if (below(2))
		place_first(link);
	if (!below(8))
		evict_line();
	auto &queue = link->queue_;
	size_t first = 0;
	while (first < queue.size() && queue[first].done)
		first++;
	if (first == queue.size())
		return;
	size_t chosen = first;
	if (!queue[first].posted() && below(2)) {
		while (chosen < queue.size() &&
		       (queue[chosen].done || !queue[chosen].posted()))
			chosen++;
		if (chosen == queue.size())
			chosen = first;
	}
	/* It takes its time, so that much can happen before it. */
	if (!queue[chosen].posted() && below(3))
		return;
	static_cast<void>(execute(link, &queue[chosen]));
	link->complete_done();
}

bool FakeNic::execute(FakeLink *link, WorkRequest *request)
{
	if (!link->peer_)
		return false;
	if (request->message) {
		/* PCIe keeps posted writes in order. */
		if (link->peer_->receives_.empty())
			return false;
		place_all(link);
		request->done = link->peer_->receive(gather(request->local));
		return request->done;
	}
	bool fails = failing_ && request->kind == fails_;
	if (fails || !allowed(*request)) {
		failing_ = false;
		queue_error(link);
		return false;
	}
	return execute_one_sided(link, request);
}

bool FakeNic::execute_one_sided(FakeLink *link, WorkRequest *request)
{
	size_t at = 0;
	switch (request->kind) {
	case OneSided::Kind::write:
	case OneSided::Kind::write_visible:
	case OneSided::Kind::atomic_write:
		if (medium_at(request->addr, request->len, &at))
			link->unplaced_.push_back(
				{request->addr,
				 request->copied ? request->bytes
						 : gather(request->local)});
		if (request->kind == OneSided::Kind::write_visible ||
		    survives_in_nic(request->addr))
			place_all(link);
		break;
	case OneSided::Kind::read:
		place_all(link);
		fetch(*request);
		break;
	case OneSided::Kind::flush_persistent:
		place_all(link);
		persist(request->addr, request->len);
		break;
	case OneSided::Kind::flush_visible:
		place_all(link);
		break;
	}
	request->done = true;
	return true;
}

/* Null for memory of the test that no medium is behind. */
FakeMedium *FakeNic::medium_at(uint64_t addr, size_t len, size_t *offset) const
{
	for (FakeMedium *medium : media_) {
		uint64_t base = number_of(medium->visible.data());
		size_t size = medium->visible.size();
		if (addr < base || len > size || addr - base > size - len)
			continue;
		*offset = addr - base;
		return medium;
	}
	return nullptr;
}

/* What a NIC has that a power failure spares is as good as placed. */
bool FakeNic::survives_in_nic(uint64_t addr) const
{
	size_t at = 0;
	FakeMedium *medium = medium_at(addr, 1, &at);
	return medium && medium->domain == PersistenceDomain::system;
}

void FakeNic::place_first(FakeLink *link)
{
	if (link->unplaced_.empty())
		return;
	const auto &write = link->unplaced_.front();
	size_t at = 0;
	FakeMedium *medium = medium_at(write.addr, write.bytes.size(), &at);
	medium->place(at, write.bytes);
	link->unplaced_.pop_front();
}

void FakeNic::place_all(FakeLink *link)
{
	while (!link->unplaced_.empty())
		place_first(link);
}

void FakeNic::fetch(const WorkRequest &request)
{
	size_t at = 0;
	FakeMedium *medium = medium_at(request.addr, request.len, &at);
	if (!medium)
		return;
	Guard guard(medium->mutex);
	for (const iovec &one : request.local) {
		std::memcpy(one.iov_base, &medium->visible[at], one.iov_len);
		at += one.iov_len;
	}
}

void FakeNic::persist(uint64_t addr, size_t len)
{
	size_t at = 0;
	FakeMedium *medium = medium_at(addr, len, &at);
	if (medium)
		medium->flush_by_nic(at, len);
}

void FakeNic::evict_line()
{
	if (media_.empty())
		return;
	FakeMedium *medium = media_[below(media_.size())];
	size_t lines = medium->visible.size() / kLine;
	/* Tests use the first of them most. */
	size_t at = below(below(lines) + 1) * kLine;
	medium->evict(at, kLine);
}

/* A queue pair in error executes nothing more, and flushes what is posted. */
void FakeNic::queue_error(FakeLink *link)
{
	WorkRequest failed = std::move(link->queue_.front());
	link->queue_.pop_front();
	link->queues_->complete({link->handle_of(failed), 0, FI_EACCES});
	link->breaks(FI_ECANCELED);
}

FakeTransport::FakeTransport(std::shared_ptr<FakeNic> nic)
	: nic_(std::move(nic))
{
	traits_ = nic_->traits;
	sockaddr_in loopback{};
	loopback.sin_family = AF_INET;
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	static_cast<void>(own_address_.assign(&loopback, sizeof(loopback)));
}

int FakeTransport::open_queues(size_t, std::unique_ptr<Queues> *queues) const
{
	*queues = std::make_unique<FakeQueues>(nic_.get());
	return 0;
}

int FakeTransport::connect(const IpAddress &peer, Queues *queues,
			   const LinkAttr &attr,
			   std::unique_ptr<Link> *link) const
{
	auto ours = static_cast<FakeQueues *>(queues);
	std::unique_ptr<FakeLink> made;
	{
		Guard guard(nic_->mutex_);
		made = std::make_unique<FakeLink>(nic_.get(), ours, attr, true);
	}
	int ret = made->open(*this);
	if (ret)
		return ret;
	Guard guard(nic_->mutex_);
	auto listener = nic_->listeners_.find(peer.port());
	if (listener == nic_->listeners_.end()) {
		ours->tell(LinkEvent::Kind::failed, attr.id, FI_ECONNREFUSED);
	} else {
		LinkEvent event;
		event.kind = LinkEvent::Kind::request;
		event.request = std::make_unique<FakeRequest>(nic_.get(), *this,
							      made.get());
		listener->second->tell(std::move(event));
	}
	*link = std::move(made);
	return 0;
}

int FakeTransport::listen(uint16_t port, Queues *queues,
			  std::unique_ptr<Listener> *listener) const
{
	Guard guard(nic_->mutex_);
	uint16_t chosen = port ? port : ++nic_->last_port_;
	if (nic_->listeners_.count(chosen))
		return -FI_EADDRINUSE;
	nic_->listeners_[chosen] = static_cast<FakeQueues *>(queues);
	*listener = std::make_unique<FakeListener>(nic_.get(), chosen);
	return 0;
}

int FakeTransport::register_memory(const void *base, size_t len, uint64_t,
				   bool persistent,
				   std::unique_ptr<LinkMemory> *memory) const
{
	auto made = std::make_unique<FakeMemory>(nic_);
	Guard guard(nic_->mutex_);
	made->base = number_of(base);
	made->key = nic_->add_memory(base, len, persistent);
	made->desc = made.get();
	made->flushable = persistent && nic_->flushable;
	made->nic = nic_->kind;
	*memory = std::move(made);
	return 0;
}

} // namespace ofi_pmem::test
