/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/info.hh"

#include "app/info_name.hh"
#include "app/info_variant.hh"
#include "app/wrapper.hh"
#include "core/inner_getinfo.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "persist/not_durable.hh"

#include <rdma/fi_errno.h>

#include <cstdlib>
#include <string>

namespace ofi_pmem
{

namespace
{

int init_error;

/* The arguments of one getinfo() call, and what it has found so far. */
class Discovery
{
public:
	Discovery(uint32_t version, const char *node, const char *service,
		  uint64_t flags, const fi_info *hints) noexcept
		: version_(version), node_(node), service_(service),
		  flags_(flags), hints_(hints)
	{
	}

	/* Appends what `variant` of the inner provider can be offered. */
	void offer(const char *name, Variant variant);

	bool empty() const noexcept { return !found_; }

	/* Why the last persistent one was not offered. */
	const std::string &reason() const noexcept { return reason_; }
	fi_info *release() noexcept { return found_.release(); }

private:
	InfoPtr ask_inner(const char *name, Variant variant,
			  uint64_t without = 0) const;
	bool keep(const char *name, Variant variant, fi_info *info);
	void append(InfoPtr info) noexcept;

	uint32_t version_;
	const char *node_;
	const char *service_;
	uint64_t flags_;
	const fi_info *hints_;
	InfoPtr found_;
	fi_info *last_ = nullptr;
	std::string reason_;
};

/* The inner provider need not have the capabilities in `without`. */
InfoPtr Discovery::ask_inner(const char *name, Variant variant,
			     uint64_t without) const
{
	InfoPtr below;
	/* Without hints an inner provider withholds nothing because of us. */
	if (hints_) {
		below = inner_hints(*hints_, name, variant);
		clear_caps(below.get(), without);
	}
	InfoPtr list;
	int ret = inner_getinfo(name, version_, node_, service_, flags_,
				below.get(), &list);
	if (ret)
		PMEM_INFO(FI_LOG_CORE, "inner provider %s: %s (%d)", name,
			  fi_strerror(-ret), ret);
	return list;
}

bool Discovery::keep(const char *name, Variant variant, fi_info *info)
{
	if (variant == Variant::plain) {
		make_plain_info(info);
		return true;
	}
	if (const char *reason = unfit(*info)) {
		PMEM_INFO(FI_LOG_CORE, "no persistence over %s domain %s: %s",
			  name, info->domain_attr->name, reason);
		reason_ = std::string(name) + ": " + reason;
		return false;
	}
	make_persistent_info(hints_, info);
	return true;
}

void Discovery::append(InfoPtr info) noexcept
{
	/* The objects in it are inner ones; those of the hints are ours. */
	bool has_domain = hints_ && hints_->domain_attr;
	info->domain_attr->domain =
		has_domain ? hints_->domain_attr->domain : nullptr;
	bool has_fabric = hints_ && hints_->fabric_attr;
	info->fabric_attr->fabric =
		has_fabric ? hints_->fabric_attr->fabric : nullptr;
	if (info->handle && hints_)
		info->handle = hints_->handle;

	auto added = info.release();
	if (last_)
		last_->next = added;
	else
		found_.reset(added);
	last_ = added;
}

void Discovery::offer(const char *name, Variant variant)
{
	auto rest = ask_inner(name, variant);
	if (!rest && variant == Variant::persistent && adds_atomics(hints_))
		rest = ask_inner(name, variant, FI_ATOMIC);
	while (rest) {
		InfoPtr info(rest.release());
		rest.reset(std::exchange(info->next, nullptr));
		if (keep(name, variant, info.get()))
			append(std::move(info));
	}
}

const char *provider_filter() noexcept
{
	char *value = nullptr;
	if (!fi_param_get_str(nullptr, "provider", &value) && value)
		return value;
	return getenv("FI_PROVIDER");
}

/* The environment asks for persistence, but these hints do not get it. */
void warn_not_forced(const std::string &reason)
{
	if (is_new_cause(reason))
		PMEM_WARN(FI_LOG_CORE,
			  "persistence asked for by the environment is off: %s",
			  reason.c_str());
}

int find_infos(Discovery *found, const std::vector<std::string> &names,
	       const fi_info *hints)
{
	bool asked = asks_persistence(hints);
	bool open = !asks_capabilities(hints);
	bool forced = !asked && !open && persistence_forced();
	const char *reason = refusal(hints, Variant::persistent);
	if (reason && asked)
		PMEM_INFO(FI_LOG_CORE, "no info with FI_RMA_PMEM: %s", reason);

	if (!reason && (asked || open || forced)) {
		for (const auto &name : names)
			found->offer(name.c_str(), Variant::persistent);
	}
	bool dropped = forced && found->empty();
	bool plain = open || (!asked && found->empty());
	if (plain && !refusal(hints, Variant::plain)) {
		for (const auto &name : names)
			found->offer(name.c_str(), Variant::plain);
	}
	if (found->empty())
		return -FI_ENODATA;
	if (dropped)
		warn_not_forced(reason ? reason : found->reason());
	return 0;
}

} // namespace

int getinfo(uint32_t version, const char *node, const char *service,
	    uint64_t flags, const fi_info *hints, fi_info **info) noexcept
{
	if (inside_inner_getinfo())
		return -FI_ENODATA;
	return guarded([&] {
		auto hint = hints && hints->fabric_attr
				    ? hints->fabric_attr->prov_name
				    : nullptr;
		/*
		 * Other layering providers ask for what is below us, unless
		 * they name us.
		 */
		auto filter =
			flags & kGetinfoInternal ? nullptr : provider_filter();
		auto names = wanted_inner_names(hint, filter);
		if (names.empty())
			return -FI_ENODATA;
		if (init_error)
			return init_error;
		Discovery found(version, node, service, flags, hints);
		int ret = find_infos(&found, names, hints);
		if (ret == -FI_ENODATA)
			ret = find_infos(&found, layered_on(names), hints);
		if (!ret)
			*info = found.release();
		return ret;
	});
}

void warn_of_misspelling() noexcept
{
	const char *filter = provider_filter();
	std::string advice;
	int ret = guarded([&] {
		advice = filter_advice(filter);
		return 0;
	});
	if (!ret && !advice.empty())
		PMEM_WARN(FI_LOG_CORE,
			  "FI_PROVIDER=\"%s\" does not put ofi_pmem over "
			  "another provider; write FI_PROVIDER=\"%s\"",
			  filter, advice.c_str());
}

void set_getinfo_error(int ret) noexcept
{
	init_error = ret;
}

} // namespace ofi_pmem
