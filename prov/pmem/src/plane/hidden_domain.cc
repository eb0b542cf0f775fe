/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/hidden_domain.hh"

#include <cerrno>
#include <cstring>

#include <sys/random.h>

#include <rdma/fi_endpoint.h>

#include "core/inner_getinfo.hh"
#include "core/key.hh"
#include "core/log.hh"

namespace ofi_pmem
{

namespace
{

/*
 * SAW: a request must find the one-sided writes before it in place. SAS:
 * requests are numbered. Both are what the message method stands on.
 */
constexpr uint64_t kNeededOrder = FI_ORDER_SAW | FI_ORDER_SAS;

constexpr int kAcceptedMrMode =
	FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;

/*
 * Keys for providers that let the user choose them: as good as the token that
 * the key's holder had to know, since they open the same memory.
 */
int choose_key(uint64_t *key)
{
	if (getrandom(key, sizeof(*key), 0) != sizeof(*key))
		return -errno;
	*key &= ~Key::kMarker;
	return 0;
}

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

/* The candidate on the wanted domain, else the first. */
const fi_info *choose(const fi_info *list, const std::string &domain_name)
{
	for (const fi_info *info = list; info; info = info->next) {
		if (info->domain_attr->name &&
		    domain_name == info->domain_attr->name)
			return info;
	}
	return list;
}

template <typename QueueFid> int wait_fd_of(QueueFid *queue, int *fd)
{
	return fi_control(&queue->fid, FI_GETWAIT, fd);
}

} // namespace

int HiddenDomain::query(const char *node, const char *service, uint64_t flags,
			InfoPtr *info) const
{
	InfoPtr hints = make_hints(core_provider_);
	InfoPtr list;
	int ret = inner_getinfo(core_provider_.c_str(), api_version_, node,
				service, flags, hints.get(), &list);
	if (ret)
		return ret;
	info->reset(fi_dupinfo(choose(list.get(), domain_name_)));
	return *info ? 0 : -FI_ENOMEM;
}

int HiddenDomain::open(const fi_info &app_info)
{
	api_version_ = app_info.fabric_attr->api_version
			       ? app_info.fabric_attr->api_version
			       : fi_version();
	const char *name = app_info.fabric_attr->prov_name;
	core_provider_.assign(name, std::strcspn(name, ";"));
	if (app_info.domain_attr->name)
		domain_name_ = app_info.domain_attr->name;
	has_own_address_ =
		own_address_.assign(app_info.src_addr, app_info.src_addrlen) &&
		!own_address_.wildcard();

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
	mr_mode_ = info->domain_attr->mr_mode;
	max_transfer_ = info->ep_attr->max_msg_size;
	PMEM_INFO(FI_LOG_DOMAIN, "persistence plane on provider %s domain %s",
		  info->fabric_attr->prov_name, info->domain_attr->name);
	return 0;
}

int HiddenDomain::info_to(const IpAddress &peer, InfoPtr *info) const
{
	return query(peer.host().c_str(), std::to_string(peer.port()).c_str(),
		     FI_NUMERICHOST, info);
}

int HiddenDomain::info_to_listen(uint16_t port, InfoPtr *info) const
{
	std::string node = "0.0.0.0";
	if (has_own_address_)
		node = own_address_.host();
	else if (own_address_.family() == AF_INET6)
		node = "::";
	return query(node.c_str(), std::to_string(port).c_str(),
		     FI_SOURCE | FI_NUMERICHOST, info);
}

int HiddenDomain::open_queues(size_t completions, Queues *queues) const
{
	fi_cq_attr cq_attr{};
	cq_attr.size = completions;
	cq_attr.format = FI_CQ_FORMAT_MSG;
	cq_attr.wait_obj = FI_WAIT_FD;
	fid_cq *cq = nullptr;
	int ret = fi_cq_open(domain(), &cq_attr, &cq, nullptr);
	if (ret)
		return ret;
	queues->cq.reset(cq);

	fi_eq_attr eq_attr{};
	eq_attr.wait_obj = FI_WAIT_FD;
	fid_eq *eq = nullptr;
	ret = fi_eq_open(fabric(), &eq_attr, &eq, nullptr);
	if (ret)
		return ret;
	queues->eq.reset(eq);

	ret = wait_fd_of(cq, &queues->cq_fd);
	if (ret)
		return ret;
	return wait_fd_of(eq, &queues->eq_fd);
}

int HiddenDomain::trywait(const Queues &queues) const noexcept
{
	fid *fids[] = {&queues.cq->fid, &queues.eq->fid};
	return fi_trywait(fabric(), fids, 2);
}

int HiddenDomain::register_memory(const void *base, size_t len, uint64_t access,
				  FidPtr<fid_mr> *mr) const
{
	uint64_t key = 0;
	int ret = choose_key(&key);
	if (ret)
		return ret;
	fid_mr *registered = nullptr;
	ret = fi_mr_reg(domain(), base, len, access, 0, key, 0, &registered,
			nullptr);
	if (!ret)
		mr->reset(registered);
	return ret;
}

} // namespace ofi_pmem
