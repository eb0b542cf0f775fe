/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Opens the region and the passive endpoint, and has the loop.
 */
#include "serve/server.hh"

#include "cli/report.hh"
#include "cli/standard_files.hh"
#include "client/configuration.hh"
#include "client/exit_codes.hh"
#include "serve/serve.hh"
#include "shared/key.hh"

#include <nlohmann/json.hpp>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <sys/socket.h>

#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr size_t kCqEntries = 1024;
/* This many hellos of clients without a connection may arrive at once. */
constexpr size_t kHellos = 64;
/*
 * While the loop does not sleep, it asks the domain for events after this many
 * rounds.
 */
constexpr uint32_t kRoundsPerLook = 1024;

} // namespace

int Server::run()
{
	int ret = open();
	if (ret)
		return ret;
	for (Region &one : regions_)
		one.file.keep();
	drop_unread_output();
	watch_domain();
	announce();
	for (uint32_t round = 0; !signals_.take(); round++) {
		handle_events();
		if (fabric_.watched_is_readable() ||
		    round % kRoundsPerLook == 0)
			read_domain_events();
		check_descriptors();
		bool idle = drain_completions();
		if (!options_.spin)
			fabric_.wait(idle ? -1 : 1);
	}
	report_.set("accepted", accepted_);
	report_.say("stopped after %" PRIu64 " clients", accepted_);
	return kOk;
}

int Server::open()
{
	if (options_.data_port) {
		std::string port = std::to_string(options_.data_port);
		setenv("FI_OFI_PMEM_PORT_RANGE", (port + "-" + port).c_str(),
		       1);
	}
	/* Steps that may fail without touching the file come first. */
	Target target{options_.provider, options_.bind, options_.port, true,
		      options_.rdm};
	int ret = find_info(report_, target, &info_);
	if (!ret)
		ret = signals_.open(report_);
	if (!ret)
		ret = open_regions();
	if (!ret)
		ret = fabric_.open(report_, signals_, info_.get(), kCqEntries);
	for (uint32_t i = 0; !ret && i < regions_.size(); i++)
		ret = register_region(regions_[i], i);
	if (ret)
		return ret;
	if (!options_.read_only)
		open_claims();
	return options_.rdm ? open_rdm() : listen();
}

/* They are numbered as the regions are. */
void Server::open_claims()
{
	claims_.open(info_.get(), fabric_.domain());
	for (const Region &one : regions_)
		claims_.add_region(one.file.base(), one.file.length());
}

int Server::check_given_once(const std::string &path) const
{
	for (const Region &one : regions_) {
		if (!one.file.is(path))
			continue;
		std::string as =
			one.path == path ? "" : ", also as " + one.path;
		return report_.fail(
			kLocalFile,
			"%s: is given twice%s; each file can be one "
			"region only",
			path.c_str(), as.c_str());
	}
	return kOk;
}

int Server::open_regions()
{
	for (const std::string &path : options_.files) {
		int ret = check_given_once(path);
		if (ret)
			return ret;
		Region &region = regions_.emplace_back();
		region.path = path;
		ret = region.file.open(report_, region.path, options_.size,
				       options_.read_only);
		if (ret)
			return ret;
	}
	return kOk;
}

int Server::register_region(Region &region, uint32_t number)
{
	const char *path = region.path.c_str();
	uint64_t access = FI_REMOTE_READ;
	if (!options_.read_only)
		access |= FI_REMOTE_WRITE;
	int ret = fabric_.register_memory(region.file.base(),
					  region.file.length(), access,
					  FI_RMA_PMEM, &region.mr);
	if (ret == -FI_EINVAL)
		return report_.fail(kLocalFile,
				    "%s: cannot be made persistent (%s): it "
				    "must be on a real file system or DAX, not "
				    "on tmpfs; FI_LOG_LEVEL=warn says more",
				    path, fi_strerror(-ret));
	if (ret == -FI_EADDRINUSE)
		return report_.fail(kFailed,
				    "cannot listen on the data port: %s "
				    "(--data-port %u, or "
				    "FI_OFI_PMEM_PORT_RANGE)",
				    fi_strerror(-ret),
				    unsigned{options_.data_port});
	if (ret == -FI_EKEYREJECTED)
		return report_.fail(kFailed,
				    "%s: no region key is for it, and every "
				    "region must be sealed (--seal-key, "
				    "FI_OFI_PMEM_SEAL=required)",
				    path);
	if (ret == -FI_EADDRNOTAVAIL && !options_.bind.empty())
		return report_.fail(kFailed,
				    "--bind: %s is not an address of this host",
				    options_.bind.c_str());
	if (ret)
		return report_.fail(kFailed, "%s: cannot register it: %s", path,
				    fi_strerror(-ret));
	Descriptor descriptor;
	if (fabric_.mr_mode() & FI_MR_VIRT_ADDR)
		descriptor.address =
			reinterpret_cast<uintptr_t>(region.file.base());
	descriptor.key = fi_mr_key(region.mr.get());
	descriptor.length = region.file.length();
	descriptor.region = number;
	if (region.file.map_sync())
		descriptor.flags |= Descriptor::kMapSync;
	if (authenticates())
		descriptor.flags |= Descriptor::kAuthKey;
	if (!has_ofi_pmem(info_->fabric_attr->prov_name))
		descriptor.flags |= Descriptor::kPlain;
	/* A client that may not write has nothing to claim. */
	if (options_.read_only)
		descriptor.flags |= Descriptor::kReadOnly;
	else if (!options_.rdm)
		descriptor.flags |= Descriptor::kClaims;
	region.descriptor = encode_descriptor(descriptor);
	return kOk;
}

std::string Server::answer(Kind kind, uint32_t number)
{
	return kind == Kind::status_question ? answer_status(number)
					     : answer_hello(number);
}

std::string Server::answer_hello(uint32_t region) const
{
	if (region >= regions_.size()) {
		auto refusal = encode_refusal(Refusal::no_region);
		return std::string(refusal.begin(), refusal.end());
	}
	const DescriptorBytes &bytes = regions_[region].descriptor;
	return std::string(bytes.begin(), bytes.end());
}

int Server::listen()
{
	fid_pep *pep = nullptr;
	int ret = fi_passive_ep(fabric_.fabric(), info_.get(), &pep, nullptr);
	pep_.reset(pep);
	if (!ret)
		ret = fi_pep_bind(pep, &fabric_.eq()->fid, 0);
	if (!ret)
		ret = fi_listen(pep);
	if (ret)
		return report_.fail(kFailed, "cannot listen on %s port %u: %s",
				    options_.bind.empty()
					    ? "any address,"
					    : options_.bind.c_str(),
				    unsigned{options_.port}, fi_strerror(-ret));
	return kOk;
}

int Server::open_rdm()
{
	int ret = fabric_.open_endpoint(info_.get(), &rdm_);
	if (!ret)
		ret = greeter_.listen(rdm_.get(), kHellos);
	if (ret)
		return report_.fail(kFailed, "cannot open an endpoint: %s",
				    fi_strerror(-ret));
	return kOk;
}

std::string Server::where()
{
	std::string name = Fabric::name_of(rdm_ ? &rdm_->fid : &pep_->fid);
	sockaddr_storage address{};
	if (name.size() > sizeof(address))
		return "?";
	memcpy(&address, name.data(), name.size());
	return format_address(&address);
}

bool Server::authenticates() const
{
	return has_auth_key() && has_ofi_pmem(info_->fabric_attr->prov_name);
}

bool Server::is_sealed(const Region &region) const
{
	return has_ofi_pmem(info_->fabric_attr->prov_name) &&
	       ofi_pmem::Key(fi_mr_key(region.mr.get())).sealed();
}

void Server::announce()
{
	std::string where = this->where();
	const char *provider = info_->fabric_attr->prov_name;
	if (!has_ofi_pmem(provider))
		report_.warn("provider %s flushes processor caches only: what "
			     "it commits is not durable in an ordinary file",
			     provider);
	unsigned data_port =
		has_ofi_pmem(provider)
			? ofi_pmem::Key(fi_mr_key(regions_.front().mr.get()))
				  .port()
			: 0;
	std::string data =
		data_port ? ", data port " + std::to_string(data_port) : "";
	const char *authentication = authenticates() ? "auth_key" : "none";
	for (size_t i = 0; i < regions_.size(); i++) {
		const Region &one = regions_[i];
		std::string number = regions_.size() > 1
					     ? ", region: " + std::to_string(i)
					     : "";
		bool sealed = is_sealed(one);
		report_.say("serving %s (%" PRIu64 " bytes) on %s, provider "
			    "%s%s%s%s%s, authentication: %s",
			    one.path.c_str(), one.file.length(), where.c_str(),
			    provider, number.c_str(),
			    options_.read_only ? ", read-only" : "",
			    data.c_str(), sealed ? ", sealed" : "",
			    authentication);
		report_.event({{"event", "serving"},
			       {"file", one.path},
			       {"bytes", one.file.length()},
			       {"address", where},
			       {"data_port", data_port},
			       {"provider", provider},
			       {"map_sync", one.file.map_sync()},
			       {"authentication", authentication},
			       {"sealed", sealed},
			       {"region", i},
			       {"read_only", options_.read_only}});
	}
}

/*
 * Hellos complete here; and some providers make progress only when it is read.
 */
bool Server::drain_completions()
{
	fi_cq_entry entries[16];
	for (;;) {
		errno = 0; /* as in Fabric::next_event() */
		ssize_t ret = fi_cq_read(fabric_.cq(), entries, 16);
		if (ret == -FI_EAVAIL) {
			fi_cq_err_entry error{};
			if (fi_cq_readerr(fabric_.cq(), &error, 0) < 0)
				break;
			if (error.op_context)
				greeter_.fail(error.op_context);
		} else if (ret <= 0) {
			break;
		}
		for (ssize_t i = 0; i < ret; i++)
			greeter_.take(entries[i].op_context);
	}
	end_evicted();
	greeter_.release_forgotten();
	return !greeter_.answer();
}

int run_serve(const Options &options, Report &report)
{
	return Server(options, report).run();
}

} // namespace fi_pmem
