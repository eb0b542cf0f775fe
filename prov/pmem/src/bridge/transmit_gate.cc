/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/transmit_gate.hh"

#include "bridge/counting_gate.hh"
#include "bridge/marker_gate.hh"
#include "bridge/plane_host.hh"
#include "core/log.hh"

#include <cstring>

namespace ofi_pmem
{

namespace
{

/*
 * On a reliable connection of InfiniBand, completions of a send queue come in
 * the order of its requests, whatever these are (InfiniBand Architecture
 * Specification, volume 1, 10.8).
 */
bool completes_in_order(const fi_info &info) noexcept
{
	const char *name = info.fabric_attr->prov_name;
	return info.ep_attr->type == FI_EP_MSG && name &&
	       !strncmp(name, "verbs", strlen("verbs"));
}

} // namespace

int open_transmit_gate(const PlaneHost &host,
		       std::unique_ptr<TransmitGate> *gate)
{
	auto counting = std::make_unique<CountingGate>();
	bool connected = host.info->ep_attr->type == FI_EP_MSG;
	int ret = counting->open(host.inner_domain, host.inner, connected);
	if (!ret) {
		*gate = std::move(counting);
		return 0;
	}
	if (ret == -FI_ENOSYS && completes_in_order(*host.info)) {
		*gate = std::make_unique<MarkerGate>(host);
		return 0;
	}
	PMEM_WARN(FI_LOG_EP_CTRL,
		  "FI_FENCE needs counters of the inner provider, or the "
		  "ordered completions of verbs: %s (%d)",
		  fi_strerror(-ret), -ret);
	return ret;
}

} // namespace ofi_pmem
