/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* How FakeNic is reached: connections and registered memory. */
#include "fake_link.hh"

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
	FakeListener(FakeNic *nic, uint16_t port) : nic_(nic), port_(port) {}
	~FakeListener() override
	{
		std::lock_guard guard(nic_->mutex_);
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
	std::lock_guard guard(nic_->mutex_);
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
