/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The transport for the core provider of a domain. */
#include "config.h"

#include "core/log.hh"
#include "transport/socket_transport.hh"

#include <rdma/fi_errno.h>

#include <string_view>
#ifdef HAVE_VERBS
#include "transport/verbs_transport.hh"
#endif

namespace ofi_pmem
{

namespace
{

bool is_verbs(const fi_info &info) noexcept
{
	std::string_view name = info.fabric_attr->prov_name;
	return name.substr(0, name.find(';')) == "verbs";
}

#ifdef HAVE_VERBS
int open_verbs(const fi_info &app_info, std::unique_ptr<Transport> *transport)
{
	auto made = std::make_unique<VerbsTransport>();
	int ret = made->open(app_info);
	if (!ret)
		*transport = std::move(made);
	else
		PMEM_WARN(FI_LOG_DOMAIN,
			  "no queue pairs can be made on domain %s: %s (%d)",
			  app_info.domain_attr->name, fi_strerror(-ret), -ret);
	return ret;
}
#else
/* Nobody is offered verbs then (info_variant.cc). */
int open_verbs(const fi_info &, std::unique_ptr<Transport> *) noexcept
{
	return -FI_ENOSYS;
}
#endif

} // namespace

void Transport::learn_own_address(const fi_info &app_info) noexcept
{
	sockaddr_in any{};
	any.sin_family = AF_INET;
	if (!own_address_.assign(app_info.src_addr, app_info.src_addrlen))
		static_cast<void>(own_address_.assign(&any, sizeof(any)));
}

int open_transport(const fi_info &app_info,
		   std::unique_ptr<Transport> *transport)
{
	if (is_verbs(app_info))
		return open_verbs(app_info, transport);
	*transport = std::make_unique<SocketTransport>(app_info);
	return 0;
}

} // namespace ofi_pmem
