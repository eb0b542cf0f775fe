/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/listeners.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <rdma/fi_errno.h>

#include <algorithm>

namespace ofi_pmem
{

namespace
{

/* The system chooses a port up to this often, until one is free at all
 * addresses. */
constexpr int kPortTries = 64;

/* An interface may be gone, or its address not be ready yet. */
void warn_left_out(const IpAddress &address, int error) noexcept
{
	PMEM_WARN(FI_LOG_DOMAIN,
		  "persistence service cannot listen at %s: %s (%d); regions "
		  "cannot be reached there until it can at a registration",
		  address.host().c_str(), fi_strerror(-error), -error);
}

} // namespace

int Listeners::open(std::vector<IpAddress> addresses, Queues *queues)
{
	queues_ = queues;
	/* A wildcard goes first and leaves the others nothing to do; [::] also
	 * covers that of IPv4. */
	auto width = [](const IpAddress &one) {
		return one.wildcard() ? 1 + (one.family() == AF_INET6) : 0;
	};
	std::stable_sort(addresses.begin(), addresses.end(),
			 [&](const IpAddress &one, const IpAddress &other) {
				 return width(one) > width(other);
			 });
	uint32_t low = params().port_low;
	uint32_t last = low ? params().port_high - low : kPortTries - 1;
	int ret;
	uint32_t tried = 0;
	do {
		uint32_t port = low ? low + tried : 0;
		ret = listen(addresses, static_cast<uint16_t>(port));
	} while (ret == -FI_EADDRINUSE && tried++ < last);
	return ret;
}

int Listeners::listen(const std::vector<IpAddress> &addresses, uint16_t port)
{
	port_ = port;
	int error = -FI_ENODEV;
	std::vector<std::pair<IpAddress, int>> failed;
	for (const IpAddress &address : addresses) {
		int ret = add(address);
		if (ret == -FI_EADDRINUSE) {
			close();
			return ret;
		}
		if (ret) {
			error = ret;
			failed.emplace_back(address, ret);
		}
	}
	if (!listens())
		return error;
	for (const auto &[address, ret] : failed)
		leave_out(address, ret);
	return 0;
}

void Listeners::leave_out(const IpAddress &address, int error)
{
	MutexLock guard(lock_);
	for (const IpAddress &one : left_out_) {
		if (one.same_host(address))
			return;
	}
	warn_left_out(address, error);
	left_out_.push_back(address);
}

bool Listeners::complete() const noexcept
{
	MutexLock guard(lock_);
	return left_out_.empty();
}

void Listeners::retry()
{
	std::vector<IpAddress> again;
	{
		MutexLock guard(lock_);
		again.swap(left_out_);
	}
	for (const IpAddress &address : again) {
		if (!add(address))
			continue;
		MutexLock guard(lock_);
		left_out_.push_back(address);
	}
}

int Listeners::add(const IpAddress &address)
{
	if (covers(address))
		return 0;
	int ret = listen(address);
	if (ret == -FI_ENODEV) {
		PMEM_INFO(
			FI_LOG_DOMAIN,
			"address %s belongs to another NIC than the domain's; "
			"its service does not listen there",
			address.host().c_str());
		return 0;
	}
	if (ret == -FI_EADDRINUSE && address.wildcard() && listens())
		return add_host_addresses(address);
	return ret;
}

/*
 * Our own listeners keep the wildcard from being bound, and must not be closed:
 * an initiator that connects meanwhile would be refused.
 */
int Listeners::add_host_addresses(const IpAddress &any)
{
	for (const IpAddress &one : host_addresses(any)) {
		int ret = covers(one) ? 0 : listen(one);
		if (ret == -FI_EADDRINUSE)
			return ret;
		if (ret && ret != -FI_ENODEV)
			leave_out(one, ret);
	}
	return 0;
}

int Listeners::listen(IpAddress address)
{
	address.set_port(port_);
	std::unique_ptr<Listener> listener;
	int ret = transport_.listen(address, queues_, &listener);
	if (ret)
		return ret;
	port_ = listener->port();
	PMEM_INFO(FI_LOG_DOMAIN, "persistence service listens at %s port %u",
		  address.host().c_str(), port_);
	MutexLock guard(lock_);
	listening_.push_back({address, std::move(listener)});
	return 0;
}

bool Listeners::listens() const noexcept
{
	MutexLock guard(lock_);
	return !listening_.empty();
}

void Listeners::close() noexcept
{
	MutexLock guard(lock_);
	listening_.clear();
	left_out_.clear();
}

bool Listeners::covers(const IpAddress &address) const noexcept
{
	MutexLock guard(lock_);
	return std::any_of(listening_.begin(), listening_.end(),
			   [&](const Listening &one) {
				   return one.address.covers(address);
			   });
}

} // namespace ofi_pmem
