/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * libfabric objects of one process, for connected (MSG) and connectionless
 * (RDM) endpoints alike, through the public API only. Failures are
 * std::runtime_error with the call's name. Objects close in reverse order of
 * their making; a close that fails is counted in close_failures().
 */
#pragma once

#include "common/completion.hh"
#include "common/region_file.hh"
#include "shared/fid.hh"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <sys/uio.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace pmem_test
{

enum class Stack : uint32_t { msg, rdm };

/* Trivially copyable: it travels to the target process. */
struct NodeOptions {
	Stack stack = Stack::msg;
	uint64_t caps = 0; /* beyond FI_MSG | FI_RMA | FI_RMA_PMEM */
	uint64_t msg_order = 0;
	uint64_t op_flags = 0;
	uint64_t tx_bind_flags = 0;
	fi_cq_format cq_format = FI_CQ_FORMAT_DATA;
	fi_wait_obj wait_obj = FI_WAIT_NONE;
	bool counters = false;
	bool automatic = false; /* FI_PROGRESS_AUTO */
	bool plain = false;	/* the inner provider, without our layer */
	char auth_key[32] = {}; /* text; empty: none */
	char host[64] = {};	/* of its endpoints; empty: the tests' */
};

/* The core provider that everything runs on: $PMEM_FABTESTS_CORE, or tcp. */
const char *core_provider();

/* "tcp;ofi_pmem" or "tcp;ofi_rxm;ofi_pmem" where the core is tcp. */
std::string provider_name(const NodeOptions &options);

/* The call failed with `ret` (negative fi_errno). */
class FabricError : public std::runtime_error
{
public:
	FabricError(const std::string &what, int64_t ret);
	int64_t ret() const { return ret_; }

private:
	int64_t ret_;
};

/* Throws FabricError when `ret` is negative. */
void check(int64_t ret, const char *what);

/* How many fi_close() calls of this process failed, ever. */
int close_failures();

struct Closer {
	template <typename Fid> void operator()(Fid *fid) const
	{
		close(&fid->fid);
	}
	static void close(fid *object);
};

template <typename Fid> using FidPtr = ofi_pmem::FidPtr<Fid, Closer>;
using ofi_pmem::InfoPtr;

/* Null when the provider offers nothing that fits (FI_ENODATA). */
InfoPtr find_info(const NodeOptions &options, const char *host,
		  const char *service, uint64_t flags);

struct Address {
	size_t len = 0;
	char data[64] = {};

	std::string host() const;
	std::string port() const;
	/* Returns the same port at another host. */
	Address with_host(const char *host) const;
};

struct Node {
	/* Opens everything that does not need the peer's address. */
	explicit Node(const NodeOptions &node_options);

	/* Target, MSG: listens. RDM: makes the endpoint. */
	void listen() { listen_with(info.get()); }
	/* Listens at another address than the domain's. */
	void listen(const char *host);

	/* Target, MSG: waits for a connection and accepts it. */
	void accept();

	/* Initiator; MSG: the target must be in accept(). */
	void connect(const Address &peer);

	/* RDM: one endpoint more, with the same queues and addresses. */
	void add_endpoint() { open_endpoint(info.get()); }
	/* Adds an endpoint at another address than the domain's. */
	void add_endpoint(const char *host);

	/* MSG: of the passive endpoint; RDM: of one of its own. */
	Address address() const { return address(eps.size() - 1); }
	Address address(size_t index) const;
	fid_ep *ep() const { return eps.back().get(); }
	bool local_mr() const
	{
		return info->domain_attr->mr_mode & FI_MR_LOCAL;
	}

	/* Remote CQ data consumes a receive at the target. */
	bool data_takes_receive() const
	{
		return info->rx_attr->mode & FI_RX_CQ_DATA;
	}

	/* Registers; `key` only when the provider does not choose. */
	FidPtr<fid_mr> register_memory(void *base, size_t len, uint64_t access,
				       uint64_t flags);

	/* The address that a peer uses for the first byte of the region. */
	uint64_t remote_base(const void *base) const;

	NodeOptions options;
	InfoPtr info;
	FidPtr<fid_fabric> fabric;
	FidPtr<fid_eq> eq;
	FidPtr<fid_domain> domain;
	FidPtr<fid_av> av;
	FidPtr<fid_cq> cq;
	FidPtr<fid_cntr> write_cntr;
	FidPtr<fid_cntr> read_cntr;
	FidPtr<fid_pep> pep;
	std::vector<FidPtr<fid_ep>> eps;
	std::unique_ptr<CompletionQueue> completions;
	fi_addr_t peer = FI_ADDR_UNSPEC;

private:
	void open_domain();
	void listen_with(fi_info *listen_info);
	void open_endpoint(fi_info *ep_info);
	void await_cm(uint32_t wanted, fi_eq_cm_entry *entry);

	uint64_t next_key_ = 1;
};

/* Local memory of an initiator, registered when the provider wants that. */
struct LocalBuffer {
	LocalBuffer(Node &node, Bytes contents);
	LocalBuffer(Node &node, size_t len) : LocalBuffer(node, Bytes(len)) {}

	void *desc() const { return mr ? fi_mr_desc(mr.get()) : nullptr; }
	uint8_t *data() { return bytes.data(); }
	size_t size() const { return bytes.size(); }

	Bytes bytes;
	FidPtr<fid_mr> mr;
};

} // namespace pmem_test
