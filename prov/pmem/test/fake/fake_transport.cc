/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* How FakeNic is reached: connections and registered memory. */
#include "fake/fake_link.hh"

namespace ofi_pmem::test
{

class FakeRequest final : public ConnectRequest
{
public:
	FakeRequest(FakeNic *nic, const Transport &transport, FakeLink *from)
		: nic_(nic), transport_(transport), from_(from)
	{
	}
	~FakeRequest() override
	{
		std::lock_guard guard(nic_->mutex_);
		if (!taken_ && alive())
			from_->queues_->tell(LinkEvent::Kind::failed,
					     from_->id(), FI_ECONNREFUSED);
	}
	int accept(Queues *queues, const LinkAttr &attr,
		   std::unique_ptr<Link> *link) override
	{
		std::unique_ptr<FakeLink> made;
		{
			std::lock_guard guard(nic_->mutex_);
			made = std::make_unique<FakeLink>(
				nic_, static_cast<FakeQueues *>(queues), attr,
				false);
		}
		int ret = made->open(transport_);
		std::lock_guard guard(nic_->mutex_);
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
	/* The caller holds the lock. */
	FakeListener(FakeNic *nic, const IpAddress &address, FakeQueues *queues)
		: nic_(nic), address_(address), queues_(queues)
	{
		nic_->listeners_.push_back(this);
	}
	~FakeListener() override
	{
		std::lock_guard guard(nic_->mutex_);
		auto &all = nic_->listeners_;
		all.erase(std::find(all.begin(), all.end(), this));
	}
	uint16_t port() const noexcept override { return address_.port(); }

	/* No listener may cover another one's address, as in the kernel. */
	bool excludes(const IpAddress &other) const
	{
		return port() == other.port() &&
		       (address_.covers(other) || other.covers(address_));
	}
	bool takes(const IpAddress &peer) const
	{
		return port() == peer.port() && address_.covers(peer);
	}
	FakeQueues *queues() const { return queues_; }
	std::string name() const
	{
		return address_.host() + ' ' + std::to_string(port());
	}

private:
	FakeNic *nic_;
	IpAddress address_;
	FakeQueues *queues_;
};

std::vector<std::string> FakeNic::listening()
{
	std::lock_guard guard(mutex_);
	std::vector<std::string> all;
	for (const FakeListener *one : listeners_)
		all.push_back(one->name());
	return all;
}

class FakeMemory final : public LinkMemory
{
public:
	explicit FakeMemory(std::shared_ptr<FakeNic> owner)
		: owner_(std::move(owner))
	{
	}
	~FakeMemory() override
	{
		std::lock_guard guard(owner_->mutex_);
		owner_->memory_.erase(key);
	}

private:
	std::shared_ptr<FakeNic> owner_;
};

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
		std::lock_guard guard(nic_->mutex_);
		made = std::make_unique<FakeLink>(nic_.get(), ours, attr, true);
	}
	int ret = made->open(*this);
	if (ret)
		return ret;
	std::lock_guard guard(nic_->mutex_);
	auto listener = std::find_if(
		nic_->listeners_.begin(), nic_->listeners_.end(),
		[&](const FakeListener *one) { return one->takes(peer); });
	if (listener == nic_->listeners_.end()) {
		ours->tell(LinkEvent::Kind::failed, attr.id, FI_ECONNREFUSED);
	} else {
		LinkEvent event;
		event.kind = LinkEvent::Kind::request;
		event.request = std::make_unique<FakeRequest>(nic_.get(), *this,
							      made.get());
		(*listener)->queues()->tell(std::move(event));
	}
	*link = std::move(made);
	return 0;
}

int FakeTransport::listen(const IpAddress &address, Queues *queues,
			  std::unique_ptr<Listener> *listener) const
{
	std::lock_guard guard(nic_->mutex_);
	if (nic_->elsewhere && nic_->elsewhere->same_host(address))
		return nic_->elsewhere_error;
	IpAddress chosen = address;
	if (!chosen.port())
		chosen.set_port(++nic_->last_port_);
	for (const FakeListener *one : nic_->listeners_) {
		if (one->excludes(chosen))
			return -FI_EADDRINUSE;
	}
	*listener = std::make_unique<FakeListener>(
		nic_.get(), chosen, static_cast<FakeQueues *>(queues));
	return 0;
}

int FakeTransport::register_memory(const void *base, size_t len, uint64_t,
				   bool persistent,
				   std::unique_ptr<LinkMemory> *memory) const
{
	auto made = std::make_unique<FakeMemory>(nic_);
	std::lock_guard guard(nic_->mutex_);
	made->base = reinterpret_cast<uintptr_t>(base);
	made->key = nic_->add_memory(base, len, persistent);
	made->desc = made.get();
	made->flushable = persistent && nic_->flushable;
	made->nic = nic_->kind;
	*memory = std::move(made);
	return 0;
}

} // namespace ofi_pmem::test
