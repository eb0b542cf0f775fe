/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence plane of one persistent domain: the hidden inner domain,
 * the channels of its endpoints and, once a region is registered, the service.
 * Any thread may call it.
 */
#pragma once

#include "core/address_list.hh"
#include "core/auth_key.hh"
#include "core/fork.hh"
#include "core/key.hh"
#include "core/lock.hh"
#include "initiator/initiator.hh"
#include "seal/key_ring.hh"
#include "service/service.hh"

#include <rdma/fi_ext_pmem.h>

#include <memory>
#include <string>

namespace ofi_pmem
{

/* A registration describes a region to the plane. */
struct RegionRequest {
	void *memory;
	size_t len;
	uint64_t base;	 /* the address that initiators use for `memory` */
	uint64_t access; /* FI_REMOTE_READ, FI_REMOTE_WRITE, ... */
	std::unique_ptr<Backend> backend;
	/* These belong to the inner region of the application's domain. */
	uint64_t notify_base;
	uint64_t notify_key;
	uint64_t key_id; /* the first region key it accepts; 0: not sealed */
};

class Persistence
{
public:
	/*
	 * The application opens its domain with `info`. The plane uses its
	 * auth_key, or else that of the environment. Regions are also reached
	 * where passive endpoints listen, whose addresses are in `passive`.
	 */
	[[nodiscard]] int open(const fi_info &info, const AddressList *passive);

	/*
	 * Makes the regions reachable at this address of an endpoint as long as
	 * *entry lives. Returns what Service::listen_at() returns.
	 */
	[[nodiscard]] int add_endpoint(const IpAddress &address,
				       AddressEntry *entry);

	Initiator &initiator() noexcept { return *initiator_; }
	RegionTable &regions() noexcept { return regions_; }
	const AuthKey &auth_key() const noexcept { return auth_key_; }

	/* The region keys of the domain; the functions below change them. */
	const KeyRing &keys() const noexcept { return keys_; }

	/*
	 * Chooses the region key of a region that is being registered: `asked`,
	 * or if that is 0 what the key file says for its path. Gets 0 if the
	 * region is not sealed. Returns 0 or a negative fi_errno, after a
	 * warning.
	 */
	[[nodiscard]] int choose_key(uint64_t asked, const std::string &path,
				     uint64_t *id);

	/* See struct fi_ops_pmem_domain. */
	[[nodiscard]] int add_key(const KeySpec &spec);
	[[nodiscard]] int remove_key(uint64_t id);
	[[nodiscard]] int bind_key(uint64_t mr_key, uint64_t id);
	[[nodiscard]] int add_region_key(Key key, uint64_t id);

	/* Gets the exporter's secret of a sealed connection to the service.
	 * Returns 0 or -FI_ENOKEY. */
	[[nodiscard]] int exporter(uint64_t connection, TrafficSecret *secret);

	/*
	 * Makes a region reachable; the first one starts the service. On
	 * failure the backend stays the caller's.
	 */
	[[nodiscard]] int add_region(RegionRequest &&request, Key *key);
	/* Takes an event for the application. Returns 0 or -FI_EAGAIN. */
	[[nodiscard]] int take_event(fi_pmem_event *event) noexcept;
	/* After this has returned the plane no longer touches the memory. */
	void remove_region(Key key);

private:
	[[nodiscard]] int read_keys();
	[[nodiscard]] int check_still(uint64_t token, uint64_t id);
	[[nodiscard]] int start_service(const RegionRequest &first);
	/* Returns null before the first region; then it stays. */
	Service *service() noexcept PMEM_EXCLUDES(service_mutex_);
	std::vector<IpAddress> endpoint_addresses() const;

	const ForkGuard guard_;
	/*
	 * The members are in order of dependence: the last is destroyed first.
	 */
	std::unique_ptr<Transport> transport_;
	std::string nic_;
	const AddressList *passive_ = nullptr;
	AddressList endpoints_;
	AuthKey auth_key_;
	KeyRing keys_;
	RegionTable regions_{Service::stripes()};
	std::unique_ptr<Initiator> initiator_;
	Mutex service_mutex_{lock_rank::kService};
	std::unique_ptr<Service> service_ PMEM_GUARDED_BY(service_mutex_);
};

} // namespace ofi_pmem
