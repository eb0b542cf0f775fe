/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An inner provider for unit tests, made of hand-filled ops tables: no
 * libfabric provider is loaded. Slots record their calls (fake_object.hh),
 * queues and counters are scripted, objects count.
 */
#pragma once

#include "core/layout.hh"
#include "fake/fake_object.hh"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace ofi_pmem::fake
{

struct Endpoint : Object<fid_ep> {
	Endpoint(size_t fclass, void *context) : Object(fclass, context)
	{
		ops = &ep_table;
		cm = &cm_table;
		msg = &msg_table;
		rma = &rma_table;
		tagged = &tagged_table;
		atomic = &atomic_table;
	}

	/* Adds: op flags that FI_SETOPSFLAG got, and aliases. */
	int on_control(int command, void *arg) override
	{
		last_command = command;
		if (control_result)
			return control_result;
		if (command == FI_SETOPSFLAG)
			op_flags = *static_cast<uint64_t *>(arg);
		if (command == FI_ALIAS) {
			auto request = static_cast<struct fi_alias *>(arg);
			op_flags = request->flags;
			auto made = new Endpoint(FI_CLASS_EP, fid.context);
			*request->fid = &made->fid;
		}
		return 0;
	}

	uint64_t op_flags = 0;
	fi_ops_ep ep_table = make_ep_ops();
	fi_ops_cm cm_table = make_cm_ops();
	fi_ops_msg msg_table = make_msg_ops();
	fi_ops_rma rma_table = make_rma_ops();
	fi_ops_tagged tagged_table = make_tagged_ops();
	fi_ops_atomic atomic_table = make_atomic_ops();
};

struct PassiveEndpoint : Object<fid_pep> {
	explicit PassiveEndpoint(void *context) : Object(FI_CLASS_PEP, context)
	{
		ops = &ep_table;
		cm = &cm_table;
	}

	fi_ops_ep ep_table = make_ep_ops();
	fi_ops_cm cm_table = make_cm_ops();
};

/* Gives out the scripted completions; a failed one answers -FI_EAVAIL. */
struct CompletionQueue : Object<fid_cq> {
	struct Item {
		fi_cq_err_entry entry{};
		fi_addr_t source = FI_ADDR_NOTAVAIL;
	};

	CompletionQueue(const fi_cq_attr *opened, void *context)
		: Object(FI_CLASS_CQ, context), attr(*opened)
	{
		table.size = sizeof(table);
		table.read = [](fid_cq *cq, void *buf, size_t count) noexcept {
			return self(cq)->give(buf, count, nullptr);
		};
		table.readfrom = [](fid_cq *cq, void *buf, size_t count,
				    fi_addr_t *sources) noexcept {
			return self(cq)->give(buf, count, sources);
		};
		table.readerr = [](fid_cq *cq, fi_cq_err_entry *entry,
				   uint64_t) noexcept {
			return self(cq)->give_error(entry);
		};
		table.sread = no_sys;
		table.sreadfrom = no_sys;
		table.signal = no_sys;
		table.strerror = [](fid_cq *, int, const void *, char *,
				    size_t) noexcept { return "inner"; };
		ops = &table;
	}

	static CompletionQueue *self(fid_cq *cq)
	{
		return static_cast<CompletionQueue *>(cq);
	}

	void complete(void *op_context, fi_addr_t source = FI_ADDR_NOTAVAIL)
	{
		Item item;
		item.entry.op_context = op_context;
		item.source = source;
		items.push_back(item);
	}

	void fail(void *op_context, int err)
	{
		Item item;
		item.entry.op_context = op_context;
		item.entry.err = err;
		items.push_back(item);
	}

	ssize_t give(void *buf, size_t count, fi_addr_t *sources)
	{
		if (items.empty())
			return -FI_EAGAIN;
		if (items.front().entry.err)
			return -FI_EAVAIL;
		auto out = static_cast<char *>(buf);
		size_t done = 0;
		while (done < count && !items.empty() &&
		       !items.front().entry.err) {
			memcpy(out, &items.front().entry, entry_size);
			out += entry_size;
			if (sources)
				sources[done] = items.front().source;
			items.pop_front();
			done++;
		}
		return static_cast<ssize_t>(done);
	}

	ssize_t give_error(fi_cq_err_entry *entry)
	{
		if (items.empty() || !items.front().entry.err)
			return -FI_EAGAIN;
		*entry = items.front().entry;
		if (later_members)
			write_later_members(entry);
		items.pop_front();
		return 1;
	}

	/*
	 * Writes members that a later libfabric has, behind those that we know.
	 */
	static void write_later_members(fi_cq_err_entry *entry)
	{
		auto bytes = reinterpret_cast<char *>(entry);
		memset(bytes + sizeof(*entry), 0xee, kLaterBytes);
		set_error_source(entry, kLaterSource);
	}

	static constexpr size_t kLaterBytes = 64;
	static constexpr fi_addr_t kLaterSource = 4711;

	int on_control(int command, void *arg) override
	{
		last_command = command;
		if (command == FI_GETWAIT)
			*static_cast<int *>(arg) = wait_fd;
		return command == FI_GETWAIT && wait_fd < 0 ? -FI_ENOSYS : 0;
	}

	fi_cq_attr attr;
	size_t entry_size = sizeof(fi_cq_tagged_entry);
	int wait_fd = -1;
	bool later_members = false;
	std::deque<Item> items;
	fi_ops_cq table{};
};

struct Counter : Object<fid_cntr> {
	explicit Counter(void *context) : Object(FI_CLASS_CNTR, context)
	{
		table.size = sizeof(table);
		table.read = [](fid_cntr *cntr) noexcept {
			return static_cast<Counter *>(cntr)->value;
		};
		table.readerr = [](fid_cntr *cntr) noexcept {
			return static_cast<Counter *>(cntr)->errors;
		};
		install<&fi_ops_cntr::add, &fi_ops_cntr::set,
			&fi_ops_cntr::wait, &fi_ops_cntr::adderr,
			&fi_ops_cntr::seterr>(&table);
		ops = &table;
	}

	int on_control(int command, void *arg) override
	{
		last_command = command;
		if (command == FI_GETWAIT)
			*static_cast<int *>(arg) = wait_fd;
		return command == FI_GETWAIT && wait_fd < 0 ? -FI_ENOSYS : 0;
	}

	int wait_fd = -1;
	uint64_t value = 0;
	uint64_t errors = 0;
	fi_ops_cntr table{};
};

/* Gives out the scripted events, as bytes. */
struct EventQueue : Object<fid_eq> {
	struct Item {
		uint32_t event;
		std::vector<char> bytes;
	};

	explicit EventQueue(void *context) : Object(FI_CLASS_EQ, context)
	{
		table.size = sizeof(table);
		table.read = [](fid_eq *eq, uint32_t *event, void *buf,
				size_t len, uint64_t flags) noexcept {
			return self(eq)->give(event, buf, len, flags);
		};
		table.sread = [](fid_eq *eq, uint32_t *event, void *buf,
				 size_t len, int, uint64_t flags) noexcept {
			return self(eq)->give(event, buf, len, flags);
		};
		table.readerr = [](fid_eq *eq, fi_eq_err_entry *entry,
				   uint64_t) noexcept -> ssize_t {
			*entry = self(eq)->error;
			return sizeof(*entry);
		};
		table.write = [](fid_eq *eq, uint32_t event, const void *buf,
				 size_t len, uint64_t) noexcept {
			self(eq)->add(event, buf, len);
			return static_cast<ssize_t>(len);
		};
		table.strerror = no_sys_text;
		ops = &table;
	}

	static const char *no_sys_text(fid_eq *, int, const void *, char *,
				       size_t) noexcept
	{
		return "inner";
	}

	static EventQueue *self(fid_eq *eq)
	{
		return static_cast<EventQueue *>(eq);
	}

	void add(uint32_t event, const void *bytes, size_t len)
	{
		auto begin = static_cast<const char *>(bytes);
		items.push_back({event, {begin, begin + len}});
	}

	ssize_t give(uint32_t *event, void *buf, size_t len, uint64_t flags)
	{
		if (items.empty())
			return -FI_EAGAIN;
		auto &item = items.front();
		if (len < item.bytes.size())
			return -FI_ETOOSMALL;
		auto size = static_cast<ssize_t>(item.bytes.size());
		*event = item.event;
		memcpy(buf, item.bytes.data(), item.bytes.size());
		if (!(flags & FI_PEEK))
			items.pop_front();
		return size;
	}

	std::deque<Item> items;
	fi_eq_err_entry error{};
	fi_ops_eq table{};
};

struct AddressVector : Object<fid_av> {
	explicit AddressVector(void *context) : Object(FI_CLASS_AV, context)
	{
		using T = fi_ops_av;
		install<&T::insert, &T::insertsvc, &T::insertsym, &T::remove,
			&T::straddr, &T::av_set>(&table);
		table.lookup = [](fid_av *av, fi_addr_t address, void *out,
				  size_t *len) noexcept {
			auto self = static_cast<AddressVector *>(av);
			self->looked_up = address;
			memcpy(out, self->name.data(),
			       std::min(*len, self->name.size()));
			*len = self->name.size();
			return self->name.empty() ? -FI_ENOENT : 0;
		};
		ops = &table;
	}

	fi_addr_t looked_up = FI_ADDR_NOTAVAIL;
	std::vector<char> name;
	fi_ops_av table{};
};

struct MemoryRegion : Object<fid_mr> {
	MemoryRegion(uint64_t requested_key, void *context)
		: Object(FI_CLASS_MR, context)
	{
		key = requested_key;
		mem_desc = this;
	}
	~MemoryRegion() override
	{
		if (closing)
			closing();
	}

	/* The key is known only now, as with FI_MR_ENDPOINT. */
	int on_control(int command, void *arg) override
	{
		if (command == FI_ENABLE && key == FI_KEY_NOTAVAIL)
			key = 77;
		return Object::on_control(command, arg);
	}

	/* A test looks at these while a region is being closed. */
	static inline std::function<void()> closing;
};

/* Remembers what the last object was opened with. */
struct Domain : Object<fid_domain> {
	explicit Domain(const fi_info &info, void *context)
		: Object(FI_CLASS_DOMAIN, context), opened_with(info),
		  prov_name(info.fabric_attr->prov_name),
		  mr_mode(info.domain_attr->mr_mode)
	{
		fill_ops();
		fill_mr();
	}

	static Domain *self(fid_domain *domain)
	{
		return static_cast<Domain *>(domain);
	}

	void fill_ops()
	{
		table.size = sizeof(table);
		table.av_open = [](fid_domain *domain, fi_av_attr *,
				   fid_av **out, void *context) noexcept {
			*out = self(domain)->av = new AddressVector(context);
			return 0;
		};
		table.cq_open = [](fid_domain *domain, fi_cq_attr *attr,
				   fid_cq **out, void *context) noexcept {
			auto made = new CompletionQueue(attr, context);
			made->wait_fd = self(domain)->cq_wait_fd;
			*out = self(domain)->cq = made;
			return 0;
		};
		table.endpoint = [](fid_domain *domain, fi_info *info,
				    fid_ep **out, void *context) noexcept {
			auto fake = self(domain);
			fake->ep_caps = info->caps;
			fake->ep_op_flags = info->tx_attr->op_flags;
			fake->ep_handle = info->handle;
			*out = fake->ep = new Endpoint(FI_CLASS_EP, context);
			return 0;
		};
		table.cntr_open = [](fid_domain *domain, fi_cntr_attr *,
				     fid_cntr **out, void *context) noexcept {
			*out = self(domain)->cntr = new Counter(context);
			return 0;
		};
		table.srx_ctx = [](fid_domain *domain, fi_rx_attr *,
				   fid_ep **out, void *context) noexcept {
			*out = self(domain)->ep =
				new Endpoint(FI_CLASS_SRX_CTX, context);
			return 0;
		};
		table.scalable_ep = no_sys;
		table.poll_open = no_sys;
		table.stx_ctx = no_sys;
		table.query_atomic = no_sys;
		table.query_collective = no_sys;
		table.endpoint2 = no_sys;
		ops = &table;
	}

	void fill_mr()
	{
		mr_table.size = sizeof(mr_table);
		mr_table.reg = [](struct fid *base, const void *, size_t,
				  uint64_t access, uint64_t, uint64_t key,
				  uint64_t flags, fid_mr **out,
				  void *context) noexcept {
			return reg(base, access, key, flags, out, context);
		};
		mr_table.regv = [](struct fid *base, const iovec *, size_t,
				   uint64_t access, uint64_t, uint64_t key,
				   uint64_t flags, fid_mr **out,
				   void *context) noexcept {
			return reg(base, access, key, flags, out, context);
		};
		mr_table.regattr = [](struct fid *base, const fi_mr_attr *attr,
				      uint64_t flags, fid_mr **out) noexcept {
			auto fake = self(reinterpret_cast<fid_domain *>(base));
			if (fake->reads_later_members)
				fake->later_mr_attr = read_later(attr);
			return reg(base, attr->access, attr->requested_key,
				   flags, out, attr->context);
		};
		mr = &mr_table;
	}

	/* The sum of what a later libfabric reads behind what we know. */
	static uint64_t read_later(const fi_mr_attr *attr)
	{
		uint64_t words[8];
		memcpy(words, attr + 1, sizeof(words));
		uint64_t sum = 0;
		for (uint64_t word : words)
			sum |= word;
		return sum;
	}

	static int reg(struct fid *base, uint64_t access, uint64_t key,
		       uint64_t flags, fid_mr **out, void *context)
	{
		auto fake = self(reinterpret_cast<fid_domain *>(base));
		fake->mr_flags = flags;
		fake->mr_access = access;
		*out = fake->region = new MemoryRegion(key, context);
		return 0;
	}

	fi_info opened_with;
	std::string prov_name;
	int mr_mode;
	int cq_wait_fd = -1;
	bool reads_later_members = false;
	uint64_t later_mr_attr = ~0ULL;
	uint64_t ep_caps = 0;
	uint64_t ep_op_flags = 0;
	uint64_t mr_flags = 0;
	uint64_t mr_access = 0;
	fid_t ep_handle = nullptr;
	AddressVector *av = nullptr;
	CompletionQueue *cq = nullptr;
	Endpoint *ep = nullptr;
	Counter *cntr = nullptr;
	MemoryRegion *region = nullptr;
	fi_ops_domain table{};
	fi_ops_mr mr_table{};
};

struct Fabric : Object<fid_fabric> {
	Fabric() : Object(FI_CLASS_FABRIC, nullptr)
	{
		table.size = sizeof(table);
		table.domain = [](fid_fabric *fabric, fi_info *info,
				  fid_domain **out, void *context) noexcept {
			*out = self(fabric)->domain =
				new Domain(*info, context);
			return 0;
		};
		table.passive_ep = [](fid_fabric *fabric, fi_info *,
				      fid_pep **out, void *context) noexcept {
			*out = self(fabric)->pep = new PassiveEndpoint(context);
			return 0;
		};
		table.eq_open = [](fid_fabric *fabric, fi_eq_attr *,
				   fid_eq **out, void *context) noexcept {
			*out = self(fabric)->eq = new EventQueue(context);
			return 0;
		};
		table.wait_open = no_sys;
		table.trywait = [](fid_fabric *fabric, struct fid **waitables,
				   int) noexcept {
			self(fabric)->armed = waitables[0];
			return self(fabric)->trywait_result;
		};
		table.domain2 = no_sys;
		ops = &table;
	}

	static Fabric *self(fid_fabric *fabric)
	{
		return static_cast<Fabric *>(fabric);
	}

	struct fid *armed = nullptr;
	int trywait_result = 0;
	Domain *domain = nullptr;
	PassiveEndpoint *pep = nullptr;
	EventQueue *eq = nullptr;
	fi_ops_fabric table{};
};

} // namespace ofi_pmem::fake
