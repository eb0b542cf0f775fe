/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence plane of one persistent domain: the hidden inner domain,
 * the channels of its endpoints and, once a region is registered, the service.
 * Any thread.
 */
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <rdma/fi_ext_pmem.h>

#include "core/address_list.hh"
#include "core/auth_key.hh"
#include "core/fork.hh"
#include "core/key.hh"
#include "plane/initiator.hh"
#include "target/service.hh"

namespace ofi_pmem
{

/* What a registration tells the plane about a region. */
struct RegionRequest {
	void *memory;
	size_t len;
	uint64_t base;	 /* the address that initiators use for `memory` */
	uint64_t access; /* FI_REMOTE_READ, FI_REMOTE_WRITE, ... */
	std::unique_ptr<Backend> backend;
	/* The inner region of the application's domain. */
	uint64_t notify_base;
	uint64_t notify_key;
};

class Persistence
{
public:
	/*
	 * `info` is the one that the application opens its domain with; its
	 * auth_key, or else that of the environment, is the plane's. Its
	 * regions are reached also where passive endpoints listen, whose
	 * addresses are in `passive`.
	 */
	[[nodiscard]] int open(const fi_info &info, const AddressList *passive);

	/*
	 * The regions are to be reached at this address of an endpoint, which
	 * lives as long as *entry. Negative fi_errno of Service::listen_at().
	 */
	[[nodiscard]] int add_endpoint(const IpAddress &address,
				       AddressEntry *entry);

	Initiator &initiator() noexcept { return *initiator_; }
	RegionTable &regions() noexcept { return regions_; }
	const AuthKey &auth_key() const noexcept { return auth_key_; }

	/* Makes a region reachable; the first one starts the service. */
	[[nodiscard]] int add_region(RegionRequest request, Key *key);
	/* What the application is told unasked. 0 or -FI_EAGAIN. */
	[[nodiscard]] int take_event(fi_pmem_event *event) noexcept;
	/* When this returns the plane no longer touches the memory. */
	void remove_region(Key key);

private:
	[[nodiscard]] int start_service(const RegionRequest &first);
	std::vector<IpAddress> endpoint_addresses() const;

	const ForkGuard guard_;
	/* In order of dependence: destroyed from the last to the first. */
	std::unique_ptr<Transport> transport_;
	std::string nic_;
	const AddressList *passive_ = nullptr;
	AddressList endpoints_;
	AuthKey auth_key_;
	RegionTable regions_;
	std::unique_ptr<Initiator> initiator_;
	std::mutex service_mutex_;
	std::unique_ptr<Service> service_;
};

} // namespace ofi_pmem
