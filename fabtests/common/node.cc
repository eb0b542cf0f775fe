/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/node.hh"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>

namespace pmem_test
{

namespace
{

constexpr uint32_t kApiVersion = FI_VERSION(1, 17);

/* Targets listen here: verbs has no device on the loopback address. */
const char *host(const NodeOptions &options)
{
	if (options.host[0])
		return options.host;
	const char *named = getenv("PMEM_FABTESTS_HOST");
	return named ? named : "127.0.0.1";
}

int failed_closes;

InfoPtr make_hints(const NodeOptions &options, const char *host)
{
	InfoPtr hints(fi_allocinfo());
	if (!hints)
		throw std::bad_alloc();
	bool msg = options.stack == Stack::msg;
	hints->caps = FI_MSG | FI_RMA | FI_RMA_PMEM | options.caps;
	hints->mode = FI_CONTEXT | FI_CONTEXT2 | FI_RX_CQ_DATA;
	hints->addr_format =
		strchr(host, ':') ? FI_SOCKADDR_IN6 : FI_SOCKADDR_IN;
	hints->ep_attr->type = msg ? FI_EP_MSG : FI_EP_RDM;
	hints->tx_attr->op_flags = options.op_flags;
	hints->tx_attr->msg_order = options.msg_order;
	hints->rx_attr->msg_order = options.msg_order;
	hints->domain_attr->threading = FI_THREAD_SAFE;
	if (options.automatic)
		hints->domain_attr->data_progress = FI_PROGRESS_AUTO;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
				      FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	hints->fabric_attr->prov_name = strdup(provider_name(options).c_str());
	if (options.auth_key[0]) {
		hints->ep_attr->auth_key =
			reinterpret_cast<uint8_t *>(strdup(options.auth_key));
		hints->ep_attr->auth_key_size = strlen(options.auth_key);
	}
	return hints;
}

} // namespace

const char *core_provider()
{
	const char *named = getenv("PMEM_FABTESTS_CORE");
	return named ? named : "tcp";
}

std::string provider_name(const NodeOptions &options)
{
	bool msg = options.stack == Stack::msg;
	std::string core = core_provider();
	/* This tries the tests themselves without the layer. */
	bool plain = options.plain || getenv("PMEM_FABTESTS_PLAIN");
	if (plain && !msg && core == "tcp")
		return "net";
	return core + (msg ? "" : ";ofi_rxm") + (plain ? "" : ";ofi_pmem");
}

FabricError::FabricError(const std::string &what, int64_t ret)
	: std::runtime_error(what + ": " + fi_strerror(static_cast<int>(-ret))),
	  ret_(ret)
{
}

void check(int64_t ret, const char *what)
{
	if (ret < 0)
		throw FabricError(what, ret);
}

int close_failures()
{
	return failed_closes;
}

void Closer::close(fid *object)
{
	int ret = fi_close(object);
	if (ret) {
		failed_closes++;
		fprintf(stderr, "fi_close of class %zu: %s\n", object->fclass,
			fi_strerror(-ret));
	}
}

InfoPtr find_info(const NodeOptions &options, const char *host,
		  const char *service, uint64_t flags)
{
	InfoPtr hints = make_hints(options, host);
	fi_info *found = nullptr;
	int ret = fi_getinfo(kApiVersion, host, service, flags, hints.get(),
			     &found);
	if (ret == -FI_ENODATA)
		return nullptr;
	check(ret, "fi_getinfo");
	return InfoPtr(found);
}

static InfoPtr source_info(const NodeOptions &options, const char *host)
{
	InfoPtr info = find_info(options, host, "0", FI_SOURCE);
	if (!info)
		throw FabricError(provider_name(options), -FI_ENODATA);
	return info;
}

/* It is at the same place in both families. */
std::string Address::port() const
{
	sockaddr_in name{};
	memcpy(&name, data, sizeof(name));
	return std::to_string(ntohs(name.sin_port));
}

std::string Address::host() const
{
	char text[INET6_ADDRSTRLEN] = "";
	sockaddr_in6 name{};
	memcpy(&name, data, sizeof(name));
	sockaddr_in v4{};
	memcpy(&v4, data, sizeof(v4));
	if (name.sin6_family == AF_INET6)
		inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
	return text;
}

Address Address::with_host(const char *host) const
{
	Address other;
	sockaddr_in v4{};
	memcpy(&v4, data, sizeof(v4));
	sockaddr_in6 v6{};
	v6.sin6_family = AF_INET6;
	v6.sin6_port = v4.sin_port;
	v4.sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		other.len = sizeof(v4);
		memcpy(other.data, &v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		other.len = sizeof(v6);
		memcpy(other.data, &v6, sizeof(v6));
	} else {
		throw std::invalid_argument(host);
	}
	return other;
}

Node::Node(const NodeOptions &node_options)
	: options(node_options), info(source_info(options, host(options)))
{
	fid_fabric *opened = nullptr;
	check(fi_fabric(info->fabric_attr, &opened, nullptr), "fi_fabric");
	fabric.reset(opened);
	if (options.stack == Stack::msg) {
		fi_eq_attr attr{};
		attr.wait_obj = FI_WAIT_UNSPEC;
		fid_eq *queue = nullptr;
		check(fi_eq_open(fabric.get(), &attr, &queue, nullptr),
		      "fi_eq_open");
		eq.reset(queue);
	}
	open_domain();
}

void Node::open_domain()
{
	fid_domain *opened = nullptr;
	check(fi_domain(fabric.get(), info.get(), &opened, nullptr),
	      "fi_domain");
	domain.reset(opened);
	fi_cq_attr cq_attr{};
	cq_attr.format = options.cq_format;
	cq_attr.wait_obj = options.wait_obj;
	fid_cq *queue = nullptr;
	check(fi_cq_open(opened, &cq_attr, &queue, nullptr), "fi_cq_open");
	cq.reset(queue);
	completions =
		std::make_unique<CompletionQueue>(queue, options.cq_format);
	if (options.stack == Stack::rdm) {
		fi_av_attr av_attr{};
		fid_av *table = nullptr;
		check(fi_av_open(opened, &av_attr, &table, nullptr),
		      "fi_av_open");
		av.reset(table);
	}
	if (options.counters) {
		fi_cntr_attr attr{};
		fid_cntr *counter = nullptr;
		check(fi_cntr_open(opened, &attr, &counter, nullptr),
		      "fi_cntr_open");
		write_cntr.reset(counter);
		check(fi_cntr_open(opened, &attr, &counter, nullptr),
		      "fi_cntr_open");
		read_cntr.reset(counter);
	}
}

void Node::open_endpoint(fi_info *ep_info)
{
	fid_ep *opened = nullptr;
	check(fi_endpoint(domain.get(), ep_info, &opened, nullptr),
	      "fi_endpoint");
	eps.emplace_back(opened);
	if (eq)
		check(fi_ep_bind(opened, &eq->fid, 0), "fi_ep_bind eq");
	if (av)
		check(fi_ep_bind(opened, &av->fid, 0), "fi_ep_bind av");
	uint64_t tx = FI_TRANSMIT | options.tx_bind_flags;
	if (options.tx_bind_flags) {
		check(fi_ep_bind(opened, &cq->fid, tx), "fi_ep_bind cq");
		check(fi_ep_bind(opened, &cq->fid, FI_RECV), "fi_ep_bind cq");
	} else {
		check(fi_ep_bind(opened, &cq->fid, tx | FI_RECV),
		      "fi_ep_bind cq");
	}
	if (write_cntr)
		check(fi_ep_bind(opened, &write_cntr->fid, FI_WRITE),
		      "fi_ep_bind write counter");
	if (read_cntr)
		check(fi_ep_bind(opened, &read_cntr->fid, FI_READ),
		      "fi_ep_bind read counter");
	check(fi_enable(opened), "fi_enable");
}

void Node::await_cm(uint32_t wanted, fi_eq_cm_entry *entry)
{
	Deadline deadline;
	for (;;) {
		uint32_t event = 0;
		ssize_t ret = fi_eq_sread(eq.get(), &event, entry,
					  sizeof(*entry), 100, 0);
		if (ret == -FI_EAVAIL) {
			fi_eq_err_entry error{};
			check(fi_eq_readerr(eq.get(), &error, 0),
			      "fi_eq_readerr");
			throw FabricError("connection", -error.err);
		}
		/* The end of an earlier connection is no concern. */
		if (ret > 0 && event == wanted)
			return;
		if (ret < 0 && ret != -FI_EAGAIN && ret != -FI_EINTR)
			check(ret, "fi_eq_sread");
		deadline.spin("no connection event");
	}
}

void Node::listen(const char *host)
{
	listen_with(source_info(options, host).get());
}

void Node::add_endpoint(const char *host)
{
	open_endpoint(source_info(options, host).get());
}

void Node::listen_with(fi_info *listen_info)
{
	if (options.stack == Stack::rdm) {
		open_endpoint(listen_info);
		return;
	}
	fid_pep *opened = nullptr;
	check(fi_passive_ep(fabric.get(), listen_info, &opened, nullptr),
	      "fi_passive_ep");
	pep.reset(opened);
	check(fi_pep_bind(opened, &eq->fid, 0), "fi_pep_bind");
	check(fi_listen(opened), "fi_listen");
}

void Node::accept()
{
	fi_eq_cm_entry entry{};
	await_cm(FI_CONNREQ, &entry);
	InfoPtr request(entry.info);
	open_endpoint(request.get());
	check(fi_accept(ep(), nullptr, 0), "fi_accept");
	await_cm(FI_CONNECTED, &entry);
}

void Node::connect(const Address &target)
{
	if (options.stack == Stack::rdm) {
		if (eps.empty())
			open_endpoint(info.get());
		if (fi_av_insert(av.get(), target.data, 1, &peer, 0, nullptr) !=
		    1)
			throw FabricError("fi_av_insert", -FI_EINVAL);
		return;
	}
	InfoPtr to = find_info(options, target.host().c_str(),
			       target.port().c_str(), 0);
	if (!to)
		throw FabricError("fi_getinfo of the target", -FI_ENODATA);
	open_endpoint(to.get());
	check(fi_connect(ep(), target.data, nullptr, 0), "fi_connect");
	fi_eq_cm_entry entry{};
	await_cm(FI_CONNECTED, &entry);
}

Address Node::address(size_t index) const
{
	Address name;
	name.len = sizeof(name.data);
	fid *object = pep ? &pep->fid : &eps[index]->fid;
	check(fi_getname(object, name.data, &name.len), "fi_getname");
	return name;
}

FidPtr<fid_mr> Node::register_memory(void *base, size_t len, uint64_t access,
				     uint64_t flags)
{
	fid_mr *mr = nullptr;
	check(fi_mr_reg(domain.get(), base, len, access, 0, next_key_++, flags,
			&mr, nullptr),
	      "fi_mr_reg");
	return FidPtr<fid_mr>(mr);
}

uint64_t Node::remote_base(const void *base) const
{
	if (info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
		return reinterpret_cast<uintptr_t>(base);
	return 0;
}

LocalBuffer::LocalBuffer(Node &node, Bytes contents)
	: bytes(std::move(contents))
{
	if (node.local_mr())
		mr = node.register_memory(
			bytes.data(), bytes.size(),
			FI_SEND | FI_RECV | FI_READ | FI_WRITE, 0);
}

} // namespace pmem_test
