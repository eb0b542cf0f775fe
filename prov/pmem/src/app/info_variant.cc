/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/info_variant.hh"

#include "app/info_name.hh"
#include "app/wrapper.hh"
#include "core/address.hh"
#include "core/auth_key.hh"
#include "core/inner_getinfo.hh"
#include "core/params.hh"
#include "initiator/op.hh"

#include <rdma/fi_domain.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace ofi_pmem
{

namespace
{

/*
 * These would bypass our objects: a peer provider works on the inner ones, an
 * accelerator on what they export. FI_XPU has the bit that FI_XPU_TRIGGER had
 * before 2.6.
 */
constexpr uint64_t kNeverOffered = FI_PEER | (1ULL << 44);

/* Completions come in any order. The name FI_ORDER_NONE warns since 2.0. */
constexpr uint64_t kOrderNone = 0;

constexpr size_t kKeySize = 8;

/* FI_SOCKADDR_IP, since libfabric 2.3, is IPv4 or IPv6, as sa_family says. */
constexpr uint32_t kSockaddrIp = 17;

uint64_t all_caps(const fi_info &info) noexcept
{
	return info.caps | (info.tx_attr ? info.tx_attr->caps : 0) |
	       (info.rx_attr ? info.rx_attr->caps : 0);
}

void clear_op_flags(fi_info *info, uint64_t flags) noexcept
{
	if (info->tx_attr)
		info->tx_attr->op_flags &= ~flags;
	if (info->rx_attr)
		info->rx_attr->op_flags &= ~flags;
}

/* If the format is unspecified, the addresses themselves show it. */
bool has_ip_addresses(const fi_info &info) noexcept
{
	IpAddress address;
	switch (info.addr_format) {
	case FI_SOCKADDR:
	case FI_SOCKADDR_IN:
	case FI_SOCKADDR_IN6:
	case kSockaddrIp:
		return true;
	case FI_FORMAT_UNSPEC:
		return address.assign(info.src_addr, info.src_addrlen) ||
		       address.assign(info.dest_addr, info.dest_addrlen);
	default:
		return false;
	}
}

/* The channels of the persistence plane need connected endpoints below. */
bool has_channels(const char *name) noexcept
{
	if (!name)
		return false;
	std::string_view inner(name);
	auto core = inner.substr(0, inner.find(';'));
	auto layer = inner.substr(core.size());
#ifdef HAVE_VERBS
	bool verbs = core == "verbs";
#else
	bool verbs = false;
#endif
	return (core == "tcp" || core == "net" || verbs) &&
	       (layer.empty() || layer == ";ofi_rxm");
}

const char *prov_name(const fi_info &info) noexcept
{
	return info.fabric_attr ? info.fabric_attr->prov_name : nullptr;
}

Variant variant_of(const fi_info &outer) noexcept
{
	return is_persistent(outer) ? Variant::persistent : Variant::plain;
}

/* `name` may be the inner provider's, or one with ours appended. */
uint64_t our_flags(const char *name, Variant variant) noexcept
{
	bool verbs = name && !strncmp(name, "verbs", strlen("verbs"));
	if (verbs && variant == Variant::persistent)
		return FI_COMMIT_COMPLETE | FI_DELIVERY_COMPLETE;
	return FI_COMMIT_COMPLETE;
}

bool grants_prov_key(const fi_info *hints) noexcept
{
	if (!hints || !hints->domain_attr)
		return true;
	int mode = hints->domain_attr->mr_mode;
	return mode == kMrBasic || (mode & FI_MR_PROV_KEY);
}

bool asks_strict_completions(const fi_info &hints) noexcept
{
	return (hints.tx_attr && hints.tx_attr->comp_order != kOrderNone) ||
	       (hints.rx_attr && hints.rx_attr->comp_order != kOrderNone);
}

/* RMA to persistent regions uses another connection than messages. */
constexpr uint64_t kRmaAfterMessages = FI_ORDER_WAS | FI_ORDER_RAS;

bool asks_rma_after_messages(const fi_info &hints) noexcept
{
	return (hints.tx_attr &&
		(hints.tx_attr->msg_order & kRmaAfterMessages)) ||
	       (hints.rx_attr &&
		(hints.rx_attr->msg_order & kRmaAfterMessages));
}

void set_prov_name(fi_info *info, const char *name)
{
	if (!info->fabric_attr) {
		info->fabric_attr = static_cast<fi_fabric_attr *>(
			calloc(1, sizeof(*info->fabric_attr)));
		if (!info->fabric_attr)
			throw std::bad_alloc();
	}
	char *copy = strdup(name);
	if (!copy)
		throw std::bad_alloc();
	free(info->fabric_attr->prov_name);
	info->fabric_attr->prov_name = copy;
	/* It is ours and does not concern the inner provider. */
	info->fabric_attr->prov_version = 0;
}

/*
 * Without being asked, inner providers name every flag that they understand.
 * They do not take a default inject for a limit of the length, as we do.
 */
void grant_op_flags(const fi_info *hints, fi_info *info) noexcept
{
	if (!hints || !hints->tx_attr)
		info->tx_attr->op_flags &= ~FI_INJECT;
	else
		info->tx_attr->op_flags |=
			hints->tx_attr->op_flags &
			our_flags(prov_name(*info), Variant::persistent);
}

/* We offer neither scalable endpoints nor shared transmit contexts. */
void limit_contexts(fi_info *info) noexcept
{
	auto domain = info->domain_attr;
	if (!domain)
		return;
	domain->max_ep_tx_ctx = std::min<size_t>(domain->max_ep_tx_ctx, 1);
	domain->max_ep_rx_ctx = std::min<size_t>(domain->max_ep_rx_ctx, 1);
	domain->max_ep_stx_ctx = 0;
}

/*
 * Replaces our objects in an info that goes down: the inner provider knows only
 * its own.
 */
void replace_objects(fi_info *info) noexcept
{
	if (info->fabric_attr && info->fabric_attr->fabric) {
		auto inner = inner_of(&info->fabric_attr->fabric->fid);
		info->fabric_attr->fabric =
			reinterpret_cast<fid_fabric *>(inner);
	}
	if (info->domain_attr && info->domain_attr->domain) {
		auto inner = inner_of(&info->domain_attr->domain->fid);
		info->domain_attr->domain =
			reinterpret_cast<fid_domain *>(inner);
	}
	/* Connection requests are the inner provider's own handles. */
	if (info->handle && info->handle->fclass == FI_CLASS_PEP) {
		if (auto inner = inner_of(info->handle))
			info->handle = inner;
	}
}

/*
 * Returns a copy of the inner name, or the whole name if it does not name us.
 */
std::string name_below(const fi_info &outer)
{
	const char *name = prov_name(outer);
	return inner_name(name ? name : "").value_or(name ? name : "");
}

/* Asks the inner provider for the endpoint and domain behind an info. */
InfoPtr ask_back(uint32_t version, const fi_info &outer, uint64_t caps)
{
	InfoPtr hints(fi_allocinfo());
	if (!hints)
		throw std::bad_alloc();
	auto name = name_below(outer);
	set_prov_name(hints.get(), name.c_str());
	hints->caps = caps;
	hints->mode = ~0ULL;
	hints->addr_format = outer.addr_format;
	hints->ep_attr->type = outer.ep_attr->type;
	auto domain = outer.domain_attr;
	hints->domain_attr->mode = ~0ULL;
	hints->domain_attr->mr_mode = domain->mr_mode;
	if (domain->name && !(hints->domain_attr->name = strdup(domain->name)))
		throw std::bad_alloc();

	InfoPtr list;
	if (inner_getinfo(name.c_str(), version, nullptr, nullptr, 0,
			  hints.get(), &list))
		return nullptr;
	return list;
}

} // namespace

InfoPtr copy_info(const fi_info &info)
{
	fi_info shallow = info;
	shallow.nic = nullptr;
	InfoPtr copy(fi_dupinfo(&shallow));
	if (!copy)
		throw std::bad_alloc();
	fid_nic *nic = nullptr;
	if (info.nic && FI_CHECK_OP(info.nic->fid.ops, fi_ops, control) &&
	    !fi_control(&info.nic->fid, FI_DUP, &nic))
		copy->nic = nic;
	return copy;
}

bool is_persistent(const fi_info &info) noexcept
{
	return info.caps & FI_RMA_PMEM;
}

bool asks_persistence(const fi_info *hints) noexcept
{
	return hints && (all_caps(*hints) & FI_RMA_PMEM);
}

bool adds_atomics(const fi_info *hints) noexcept
{
	constexpr uint64_t kBoth = FI_RMA | FI_ATOMIC;
	return params().regions == RegionChoice::all && hints &&
	       (all_caps(*hints) & kBoth) == kBoth;
}

void clear_caps(fi_info *info, uint64_t caps) noexcept
{
	info->caps &= ~caps;
	if (info->tx_attr)
		info->tx_attr->caps &= ~caps;
	if (info->rx_attr)
		info->rx_attr->caps &= ~caps;
}

bool asks_capabilities(const fi_info *hints) noexcept
{
	return hints && all_caps(*hints);
}

uint64_t our_op_flags(const fi_info &outer) noexcept
{
	return our_flags(prov_name(outer), variant_of(outer));
}

const char *refusal(const fi_info *hints, Variant variant) noexcept
{
	if (hints && (all_caps(*hints) & kNeverOffered))
		return "the hints ask for FI_PEER or FI_XPU";
	if (variant == Variant::plain) {
		bool commits = hints && hints->tx_attr &&
			       (hints->tx_attr->op_flags & FI_COMMIT_COMPLETE);
		return commits ? "FI_COMMIT_COMPLETE needs FI_RMA_PMEM"
			       : nullptr;
	}
	if (!grants_prov_key(hints))
		return "the hints do not grant FI_MR_PROV_KEY in mr_mode";
	if (hints && asks_strict_completions(*hints))
		return "the hints ask for ordered completions (comp_order)";
	if (hints && asks_rma_after_messages(*hints))
		return "the hints ask for RMA in order behind messages "
		       "(FI_ORDER_WAS, FI_ORDER_RAS)";
	if (hints && hints->tx_attr && hints->tx_attr->size > kMaxTransmits)
		return "the hints ask for more than 16384 transmits "
		       "(tx_attr->size)";
	if (hints && (all_caps(*hints) & FI_RMA_EVENT))
		return "the hints ask for FI_RMA_EVENT";
	return hints ? unfit_auth_key(*hints) : nullptr;
}

InfoPtr inner_hints(const fi_info &hints, const char *name, Variant variant)
{
	auto copy = copy_info(hints);
	set_prov_name(copy.get(), name);
	replace_objects(copy.get());
	clear_caps(copy.get(), FI_RMA_PMEM);
	if (variant == Variant::persistent) {
		clear_caps(copy.get(), FI_FENCE);
		set_auth_key(copy.get(),
			     {}); /* it is ours, see persistence.cc */
	}
	clear_op_flags(copy.get(), our_flags(name, variant));
	return copy;
}

const char *unfit(const fi_info &inner) noexcept
{
	if (!(inner.caps & (FI_RMA | FI_ATOMIC)))
		return "neither FI_RMA nor FI_ATOMIC";
	if (!has_channels(prov_name(inner)))
		return "not tcp, net or verbs, nor ofi_rxm over one of them";
	if (!has_ip_addresses(inner))
		return "an address format without IP addresses";
	return nullptr;
}

void make_persistent_info(const fi_info *hints, fi_info *info)
{
	if (hints)
		set_auth_key(info, auth_key_of(*hints));
	uint64_t added = 0;
	if (hints && (all_caps(*hints) & FI_FENCE))
		added |= FI_FENCE;
	uint64_t both_sides = FI_RMA_PMEM;
	if (adds_atomics(hints))
		both_sides |= FI_ATOMIC;
	clear_caps(info, FI_RMA_EVENT | kNeverOffered);
	info->caps |= added | both_sides;
	info->tx_attr->caps |= added | both_sides;
	info->rx_attr->caps |= both_sides;

	auto domain = info->domain_attr;
	if (domain->mr_mode != kMrBasic)
		domain->mr_mode |= FI_MR_PROV_KEY;
	domain->mr_key_size = kKeySize;
	bool asks_auto = hints && hints->domain_attr &&
			 hints->domain_attr->data_progress == FI_PROGRESS_AUTO;
	domain->data_progress =
		asks_auto ? FI_PROGRESS_AUTO : FI_PROGRESS_MANUAL;

	auto tx = info->tx_attr;
	tx->iov_limit = std::min(tx->iov_limit, kMaxIov);
	tx->rma_iov_limit = std::min(tx->rma_iov_limit, kMaxRmaIov);
	size_t asked = hints && hints->tx_attr ? hints->tx_attr->size : 0;
	tx->size = std::min(tx->size, std::max(asked, kDefaultTransmits));
	tx->inject_size = std::min(tx->inject_size, wire::kMaxPayload);

	info->tx_attr->comp_order = kOrderNone;
	info->rx_attr->comp_order = kOrderNone;
	info->tx_attr->msg_order &= ~kRmaAfterMessages;
	info->rx_attr->msg_order &= ~kRmaAfterMessages;
	if (!hints || !hints->tx_attr ||
	    !(hints->tx_attr->msg_order & FI_ORDER_SAW))
		info->tx_attr->msg_order &= ~FI_ORDER_SAW;
	if (!hints || !hints->rx_attr ||
	    !(hints->rx_attr->msg_order & FI_ORDER_SAW))
		info->rx_attr->msg_order &= ~FI_ORDER_SAW;
	grant_op_flags(hints, info);
	limit_contexts(info);
}

void make_plain_info(fi_info *info) noexcept
{
	clear_caps(info, FI_RMA_PMEM | kNeverOffered);
	clear_op_flags(info, FI_COMMIT_COMPLETE);
	limit_contexts(info);
}

InnerTraits inner_traits(uint32_t version, const fi_info &outer)
{
	auto domain = outer.domain_attr;
	InnerTraits traits;
	traits.prov_key = domain->mr_mode == kMrBasic ||
			  (domain->mr_mode & FI_MR_PROV_KEY);
	if (adds_atomics(&outer))
		traits.atomics = !!ask_back(version, outer, FI_RMA | FI_ATOMIC);
	if (domain->mr_mode == kMrBasic)
		return traits;

	auto list = ask_back(version, outer, 0);
	if (!list)
		return traits;
	traits.prov_key = list->domain_attr->mr_mode & FI_MR_PROV_KEY;
	traits.mr_key_size = list->domain_attr->mr_key_size;
	return traits;
}

InfoPtr inner_info(const fi_info &outer, const InnerTraits &traits)
{
	auto variant = variant_of(outer);
	auto name = name_below(outer);
	auto copy = inner_hints(outer, name.c_str(), variant);
	if (!traits.atomics)
		clear_caps(copy.get(), FI_ATOMIC);
	if (variant == Variant::plain || !copy->domain_attr)
		return copy;
	auto domain = copy->domain_attr;
	if (!traits.prov_key)
		domain->mr_mode &= ~FI_MR_PROV_KEY;
	domain->mr_key_size = traits.mr_key_size;
	return copy;
}

InfoPtr connreq_info(const fi_info &pep, InfoPtr inner)
{
	auto info = copy_info(pep);
	info->handle = inner->handle;
	info->addr_format = inner->addr_format;
	std::swap(info->src_addr, inner->src_addr);
	std::swap(info->src_addrlen, inner->src_addrlen);
	std::swap(info->dest_addr, inner->dest_addr);
	std::swap(info->dest_addrlen, inner->dest_addrlen);
	std::swap(info->nic, inner->nic);
	/*
	 * A listener may be on all interfaces; the request says which one it
	 * is.
	 */
	if (info->domain_attr && inner->domain_attr && inner->domain_attr->name)
		std::swap(info->domain_attr->name, inner->domain_attr->name);
	if (info->fabric_attr && inner->fabric_attr && inner->fabric_attr->name)
		std::swap(info->fabric_attr->name, inner->fabric_attr->name);
	return info;
}

/*
 * ofi_rxm opens one queue for the whole universe. No attribute that we pass
 * down changes its size: the core provider's sizes come from its own variables.
 */
const char *enable_advice(const fi_info &outer) noexcept
{
	const char *name = prov_name(outer);
	if (!name || strncmp(name, "verbs;ofi_rxm", strlen("verbs;ofi_rxm")))
		return nullptr;
	return "the completion queue of ofi_rxm holds 256 entries for each of "
	       "FI_UNIVERSE_SIZE peers (1024 unless set), which can be more "
	       "than the device allows: set FI_UNIVERSE_SIZE to the number of "
	       "peers, at most 127 on Soft-RoCE";
}

} // namespace ofi_pmem
