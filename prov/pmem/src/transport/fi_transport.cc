/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/fi_transport.hh"

#include "core/inner_getinfo.hh"
#include "core/key.hh"
#include "core/log.hh"
#include "transport/fi_link.hh"

#include <rdma/fi_endpoint.h>

#include <cstring>

namespace ofi_pmem
{

namespace
{

/*
 * With SAW a request finds the one-sided writes before it in place; SAS is
 * needed because requests are numbered. The message method relies on both.
 */
constexpr uint64_t kNeededOrder = FI_ORDER_SAW | FI_ORDER_SAS;

constexpr int kAcceptedMrMode =
	FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;

InfoPtr make_hints(const std::string &core_provider)
{
	InfoPtr hints(fi_allocinfo());
	if (!hints)
		throw std::bad_alloc();
	hints->caps = FI_MSG | FI_RMA;
	hints->ep_attr->type = FI_EP_MSG;
	hints->domain_attr->mr_mode = kAcceptedMrMode;
	hints->domain_attr->threading = FI_THREAD_SAFE;
	hints->tx_attr->msg_order = kNeededOrder;
	hints->rx_attr->msg_order = kNeededOrder;
	hints->fabric_attr->prov_name = strdup(core_provider.c_str());
	if (!hints->fabric_attr->prov_name)
		throw std::bad_alloc();
	return hints;
}

/* Returns the candidate on the wanted domain, else the first. */
const fi_info *choose(const fi_info *list, const std::string &domain_name)
{
	for (const fi_info *info = list; info; info = info->next) {
		if (info->domain_attr->name &&
		    domain_name == info->domain_attr->name)
			return info;
	}
	return list;
}

class FiMemory final : public LinkMemory
{
public:
	FiMemory(fid_mr *mr, uint64_t remote_base) noexcept : mr_(mr)
	{
		desc = fi_mr_desc(mr);
		key = fi_mr_key(mr);
		base = remote_base;
	}

private:
	FidPtr<fid_mr> mr_;
};

} // namespace

int FiTransport::query(const char *node, const char *service, uint64_t flags,
		       InfoPtr *info) const
{
	InfoPtr hints = make_hints(core_provider_);
	InfoPtr list;
	int ret = inner_getinfo(core_provider_.c_str(), kOwnApi, node, service,
				flags, hints.get(), &list);
	if (ret)
		return ret;
	info->reset(fi_dupinfo(choose(list.get(), domain_name_)));
	return *info ? 0 : -FI_ENOMEM;
}

int FiTransport::open(const fi_info &app_info)
{
	const char *name = app_info.fabric_attr->prov_name;
	core_provider_.assign(name, std::strcspn(name, ";"));
	if (app_info.domain_attr->name)
		domain_name_ = app_info.domain_attr->name;
	learn_own_address(app_info);

	InfoPtr info;
	int ret = query(nullptr, nullptr, 0, &info);
	if (ret) {
		PMEM_WARN(FI_LOG_DOMAIN,
			  "provider %s offers no connected endpoint for the "
			  "persistence plane: %s (%d)",
			  core_provider_.c_str(), fi_strerror(-ret), -ret);
		return ret;
	}
	fid_fabric *fabric = nullptr;
	ret = fi_fabric(info->fabric_attr, &fabric, nullptr);
	if (ret)
		return ret;
	fabric_.reset(fabric);
	fid_domain *domain = nullptr;
	ret = fi_domain(fabric, info.get(), &domain, nullptr);
	if (ret)
		return ret;
	domain_.reset(domain);
	learn_traits(*info);
	PMEM_INFO(FI_LOG_DOMAIN, "persistence plane on provider %s domain %s",
		  info->fabric_attr->prov_name, info->domain_attr->name);
	return 0;
}

/* It cannot be found out here whether verbs is iWARP, and what its NIC is. */
void FiTransport::learn_traits(const fi_info &info)
{
	mr_mode_ = info.domain_attr->mr_mode;
	traits_.needs_local_memory = mr_mode_ & FI_MR_LOCAL;
	traits_.max_transfer = info.ep_attr->max_msg_size;
	traits_.placement_wait = true;
}

int FiTransport::open_queues(size_t completions,
			     std::unique_ptr<Queues> *queues) const
{
	auto made = std::make_unique<FiQueues>(*this);
	int ret = made->open(completions);
	if (!ret)
		*queues = std::move(made);
	return ret;
}

int FiTransport::connect(const IpAddress &peer, Queues *queues,
			 const LinkAttr &attr,
			 std::unique_ptr<Link> *link) const
{
	InfoPtr info;
	int ret =
		query(peer.host().c_str(), std::to_string(peer.port()).c_str(),
		      FI_NUMERICHOST, &info);
	if (ret)
		return ret;
	auto made = std::make_unique<FiLink>(attr);
	ret = made->open(*this, static_cast<FiQueues *>(queues), info.get());
	if (!ret)
		ret = made->connect(*info);
	if (!ret)
		*link = std::move(made);
	return ret;
}

int FiTransport::listen(const IpAddress &address, Queues *queues,
			std::unique_ptr<Listener> *listener) const
{
	InfoPtr info;
	int ret = query(address.host().c_str(),
			std::to_string(address.port()).c_str(),
			FI_SOURCE | FI_NUMERICHOST, &info);
	if (ret)
		return ret;
	auto made = std::make_unique<FiListener>();
	ret = made->open(*this, static_cast<FiQueues *>(queues), info.get());
	if (!ret)
		*listener = std::move(made);
	return ret;
}

int FiTransport::register_memory(const void *base, size_t len, uint64_t access,
				 bool,
				 std::unique_ptr<LinkMemory> *memory) const
{
	uint64_t key = 0;
	int ret = choose_inner_key(&key);
	if (ret)
		return ret;
	fid_mr *mr = nullptr;
	ret = fi_mr_reg(domain(), base, len, access, 0, key, 0, &mr, nullptr);
	if (ret)
		return ret;
	bool is_virtual = mr_mode_ & FI_MR_VIRT_ADDR;
	*memory = std::make_unique<FiMemory>(
		mr, is_virtual ? reinterpret_cast<uintptr_t>(base) : 0);
	return 0;
}

} // namespace ofi_pmem
