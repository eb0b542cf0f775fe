/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/persistence.hh"

#include "core/fid.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "seal/key_file.hh"

namespace ofi_pmem
{

int Persistence::open(const fi_info &info, const AddressList *passive)
{
	passive_ = passive;
	if (const char *unfit = unfit_auth_key(info)) {
		PMEM_WARN(FI_LOG_DOMAIN, "%s", unfit);
		return -FI_EINVAL;
	}
	auth_key_ = auth_key_of(info);
	if (auth_key_.empty())
		auth_key_ = params().auth_key;
	int ret = read_keys();
	if (!ret)
		ret = open_transport(info, &transport_);
	if (ret)
		return ret;
	nic_ = info.domain_attr->name;
	initiator_ = std::make_unique<Initiator>(*transport_, auth_key_, keys_);
	return initiator_->open(info.domain_attr->data_progress ==
				FI_PROGRESS_AUTO);
}

int Persistence::read_keys()
{
	const std::string &file = params().seal_key_file;
	std::string why;
	if (file.empty() || params().seal == SealChoice::off ||
	    read_key_file(file.c_str(), params().seal_key_id, &keys_, &why))
		return 0;
	PMEM_WARN(FI_LOG_DOMAIN, "FI_OFI_PMEM_SEAL_KEY_FILE %s: %s",
		  file.c_str(), why.c_str());
	return -FI_EINVAL;
}

int Persistence::choose_key(uint64_t asked, const std::string &path,
			    uint64_t *id)
{
	*id = asked;
	if (params().seal == SealChoice::off) {
		if (asked)
			PMEM_WARN(FI_LOG_MR, "a region cannot be sealed: "
					     "FI_OFI_PMEM_SEAL=off");
		return asked ? -FI_EOPNOTSUPP : 0;
	}
	if (!asked)
		*id = keys_.choose_path(path);
	if (!*id && keys_.any_path())
		PMEM_WARN(FI_LOG_MR,
			  "the region in %s is not sealed: no region= of the "
			  "key file is for it",
			  path.empty() ? "memory without a file"
				       : path.c_str());
	if (!*id && params().seal == SealChoice::required) {
		PMEM_WARN(FI_LOG_MR, "the region has no region key, and "
				     "FI_OFI_PMEM_SEAL=required");
		return -FI_EKEYREJECTED;
	}
	if (!*id || keys_.find(*id))
		return 0;
	PMEM_WARN(FI_LOG_MR, "the domain has no region key %llu",
		  static_cast<unsigned long long>(*id));
	return -FI_ENOKEY;
}

int Persistence::add_key(const KeySpec &spec)
{
	if (params().seal == SealChoice::off)
		return -FI_EOPNOTSUPP;
	const char *why = "";
	int ret = keys_.add(spec, &why);
	if (ret)
		PMEM_WARN(FI_LOG_DOMAIN, "region key %llu: %s",
			  static_cast<unsigned long long>(spec.id), why);
	return ret;
}

int Persistence::remove_key(uint64_t id)
{
	if (!keys_.remove(id))
		return -FI_ENOKEY;
	initiator_->disconnect_removed();
	regions_.forget_key(id);
	if (Service *running = service())
		running->disconnect_removed();
	return 0;
}

int Persistence::bind_key(uint64_t mr_key, uint64_t id)
{
	if (!mr_key)
		return keys_.bind_default(id);
	Key key(mr_key);
	return key.persistent() && key.sealed() ? keys_.bind_region(mr_key, id)
						: -FI_EINVAL;
}

int Persistence::add_region_key(Key key, uint64_t id)
{
	if (!keys_.find(id))
		return -FI_ENOKEY;
	int ret = regions_.add_key(key.token(), id);
	return ret ? ret : check_still(key.token(), id);
}

/* A key that is removed meanwhile may be succeeded by one with the same id. */
int Persistence::check_still(uint64_t token, uint64_t id)
{
	if (keys_.find(id))
		return 0;
	static_cast<void>(regions_.remove_key(token, id));
	return -FI_ENOKEY;
}

int Persistence::exporter(uint64_t connection, TrafficSecret *secret)
{
	Service *running = service();
	return running && running->exporter(connection, secret) ? 0
								: -FI_ENOKEY;
}

int Persistence::start_service(const RegionRequest &first)
{
	MutexLock guard(service_mutex_);
	if (service_)
		return 0;
	auto service = std::make_unique<Service>(*transport_, &regions_,
						 auth_key_, keys_);
	int ret = service->open(endpoint_addresses(),
				{nic_, first.memory, first.len});
	if (!ret)
		service_ = std::move(service);
	return ret;
}

std::vector<IpAddress> Persistence::endpoint_addresses() const
{
	auto addresses = endpoints_.all();
	auto passive = passive_->all();
	addresses.insert(addresses.end(), passive.begin(), passive.end());
	return addresses;
}

int Persistence::add_endpoint(const IpAddress &address, AddressEntry *entry)
{
	Service *running;
	{
		MutexLock guard(service_mutex_);
		*entry = AddressEntry(endpoints_, address);
		running = service_.get();
	}
	int ret = running ? running->listen_at(address) : 0;
	if (ret)
		*entry = AddressEntry();
	return ret;
}

Service *Persistence::service() noexcept
{
	MutexLock guard(service_mutex_);
	return service_.get();
}

void Persistence::remove_region(Key key)
{
	auto region = regions_.remove(key.token());
	if (!region || !region->backend->one_sided() ||
	    !transport_->traits().one_sided)
		return;
	/*
	 * No new transfer begins; what has begun ends with its channel. This
	 * also holds for a poisoned region, which has no link_memory any more.
	 */
	region->link_memory.reset();
	service()->disconnect_users(key.token());
}

int Persistence::take_event(fi_pmem_event *event) noexcept
{
	constexpr fi_pmem_event_kind kKinds[DomainEvents::kRefusals] = {
		FI_PMEM_EVENT_NOT_AUTHENTICATED, FI_PMEM_EVENT_OTHER_VERSION,
		FI_PMEM_EVENT_TOO_MANY_CHANNELS};
	regions_.events().silence();
	uint64_t token = 0;
	Failure poison;
	if (regions_.take_poisoned(&token, &poison)) {
		event->kind = FI_PMEM_EVENT_REGION_FAILED;
		event->count = 1;
		event->key = Key(service()->port(), token).value();
		event->err = poison.err;
		return 0;
	}
	for (size_t i = 0; i < DomainEvents::kRefusals; i++) {
		auto reason = static_cast<DomainEvents::Refusal>(i);
		event->count = regions_.events().take(reason);
		if (!event->count)
			continue;
		event->kind = kKinds[i];
		event->key = 0;
		event->err = 0;
		return 0;
	}
	return -FI_EAGAIN;
}

int Persistence::add_region(RegionRequest &&request, Key *key)
{
	int ret = start_service(request);
	if (ret)
		return ret;
	service()->listen_again();
	auto region = std::make_unique<TargetRegion>();
	region->memory = static_cast<uint8_t *>(request.memory);
	region->len = request.len;
	region->base = request.base;
	if (request.access & FI_REMOTE_READ)
		region->access |= wire::kRemoteRead;
	if (request.access & FI_REMOTE_WRITE)
		region->access |= wire::kRemoteWrite;
	region->notify_base = request.notify_base;
	region->notify_key = request.notify_key;
	region->sealed = request.key_id != 0;
	if (region->sealed)
		region->key_ids.push_back(request.key_id);
	uint64_t remote = request.access & (FI_REMOTE_READ | FI_REMOTE_WRITE);
	if (transport_->traits().one_sided && request.backend->one_sided() &&
	    remote && !region->sealed) {
		ret = transport_->register_memory(request.memory, request.len,
						  remote, true,
						  &region->link_memory);
		if (ret)
			return ret;
	}
	region->backend = std::move(request.backend);
	uint64_t token = 0;
	ret = guarded([&] { return regions_.add(std::move(region), &token); });
	if (ret) {
		request.backend = std::move(region->backend);
		return ret;
	}
	*key = Key(service()->port(), token);
	if (request.key_id)
		static_cast<void>(check_still(token, request.key_id));
	return 0;
}

} // namespace ofi_pmem
