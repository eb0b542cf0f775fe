/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/service.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <system_error>

namespace ofi_pmem
{

namespace
{

size_t threads_for(const Transport &transport) noexcept
{
	return transport.traits().accepts_elsewhere ? params().service_threads
						    : 1;
}

void warn_cannot_listen(int ret) noexcept
{
	PMEM_WARN(FI_LOG_DOMAIN,
		  "persistence service cannot listen where the endpoints do, "
		  "port range %u-%u: %s (%d)",
		  params().port_low, params().port_high, fi_strerror(-ret),
		  -ret);
}

} // namespace

Service::Service(const Transport &transport, RegionTable *table,
		 const AuthKey &key, const KeyRing &keys)
	: transport_(transport), table_(table), auth_key_(key),
	  listeners_(transport), channels_(threads_for(transport))
{
	const Gate gate{auth_key_, keys, table->events(),
			table->wrong_proofs()};
	const ServiceThread::Common common{transport_, table_, gate, &channels_,
					   this};
	for (size_t i = 0; i < threads_for(transport); i++)
		threads_.push_back(std::make_unique<ServiceThread>(common, i));
}

Service::~Service()
{
	for (auto &thread : threads_)
		thread->stop();
	listeners_.close();
}

size_t Service::stripes() noexcept
{
	return params().ledger ? 1 : params().service_threads + 1;
}

void Service::set_policies(const std::function<Policy()> &make)
{
	for (auto &thread : threads_)
		thread->set_policy(make());
}

int Service::open(std::vector<IpAddress> addresses, const Locality &near)
{
	for (auto &thread : threads_) {
		int ret = thread->open();
		if (ret)
			return ret;
	}
	if (addresses.empty())
		addresses.push_back(transport_.own_address());
	int ret = listeners_.open(std::move(addresses), first().queues());
	if (ret == -FI_ENODEV) /* they all belong to other NICs */
		ret = listeners_.open({transport_.own_address()},
				      first().queues());
	if (ret) {
		warn_cannot_listen(ret);
		return ret;
	}
	port_ = listeners_.port();
	start_threads(near);
	return 0;
}

/*
 * The first, without which there is no service, comes last: when it accepts,
 * those that could not be started are gone.
 */
void Service::start_threads(const Locality &near)
{
	size_t started = 1;
	try {
		for (; started < threads_.size(); started++)
			threads_[started]->start(near);
	} catch (const std::system_error &error) {
		PMEM_WARN(FI_LOG_DOMAIN,
			  "the service has %zu of %zu threads: %s", started,
			  threads_.size(), error.what());
		while (threads_.size() > started) {
			threads_.pop_back();
			channels_.retire(threads_.size());
		}
	}
	first().start(near);
}

int Service::listen_at(const IpAddress &address)
{
	/* The thread may be at work, and a child has none. */
	if (!origin_.inherited() && listeners_.covers(address))
		return 0;
	int ret = -FI_ECANCELED;
	first().execute([&] { ret = listeners_.add(address); });
	if (ret)
		PMEM_WARN(FI_LOG_DOMAIN,
			  "persistence service cannot listen at %s port %u, "
			  "which its keys name: %s (%d)",
			  address.host().c_str(), port_, fi_strerror(-ret),
			  -ret);
	return ret;
}

void Service::listen_again()
{
	if (!listeners_.complete())
		first().execute([&] { listeners_.retry(); });
}

void Service::disconnect_users(uint64_t token)
{
	for (auto &thread : threads_)
		thread->disconnect_users(token);
}

void Service::disconnect_removed()
{
	for (auto &thread : threads_)
		thread->disconnect_removed();
}

bool Service::exporter(uint64_t connection, TrafficSecret *secret)
{
	for (auto &thread : threads_) {
		if (thread->exporter(connection, secret))
			return true;
	}
	return false;
}

void Service::requested(std::unique_ptr<ConnectRequest> request)
{
	std::unique_ptr<ServiceThread::Admission> admission;
	const char *limit = channels_.admit(request->peer(), &admission);
	if (limit) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "channel from %s refused: %s is reached, there are "
			  "%zu channels",
			  request->peer() ? request->peer()->host().c_str()
					  : "an unknown address",
			  limit, channels_.size());
		table_->events().refused(DomainEvents::channels);
		return;
	}
	ServiceThread &thread = *threads_[admission->thread()];
	thread.serve(std::move(request), std::move(admission));
}

void Service::superseded(size_t thread)
{
	threads_[thread]->silence_superseded();
}

/* Without the first, nobody accepts. */
void Service::ended(size_t thread) noexcept
{
	channels_.retire(thread);
	if (!thread)
		listeners_.close();
}

} // namespace ofi_pmem
