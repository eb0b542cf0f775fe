/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem serve: its regions, and any number of clients in one thread. Clients
 * connect to a passive endpoint or, with --rdm, send a hello. The provider
 * carries the data by itself; this thread answers connection requests and sees
 * clients leave. It reads the completion queue too, so providers that make
 * progress only when called work as well.
 */
#pragma once

#include "cli/options.hh"
#include "cli/signals.hh"
#include "client/fabric.hh"
#include "client/greeter.hh"
#include "client/private_data.hh"
#include "client/region_file.hh"
#include "serve/claims.hh"
#include "serve/server_log.hh"

#include <rdma/fi_ext_pmem.h>

#include <chrono>
#include <deque>
#include <unordered_map>

namespace fi_pmem
{

class Server
{
public:
	Server(const Options &options, Report &report)
		: options_(options), report_(report), log_(options.verbose),
		  greeter_(
			  fabric_,
			  [this](Kind kind, uint32_t number) {
				  return answer(kind, number);
			  },
			  [this](fid_ep *ep, const Claim &claim) {
				  return claims_.judge(ep, claim);
			  })
	{
	}

	/* Returns 0 when a signal ends it. */
	[[nodiscard]] int run();

private:
	struct Client {
		FidPtr<fid_ep> ep;
		std::string name;
	};

	[[nodiscard]] int open();
	/* Describes one of the files, and what clients learn about it. */
	struct Region {
		RegionFile file;
		FidPtr<fid_mr> mr;
		std::string path;
		DescriptorBytes descriptor{};
		int error = 0; /* positive fi_errno: it has failed */
	};

	[[nodiscard]] int check_given_once(const std::string &path) const;
	[[nodiscard]] int open_regions();
	void open_claims();
	[[nodiscard]] int register_region(Region &region, uint32_t number);
	[[nodiscard]] std::string answer(Kind kind, uint32_t number);
	[[nodiscard]] std::string answer_hello(uint32_t region) const;
	/* These are in serve_status.cc. */
	[[nodiscard]] std::string answer_status(uint32_t offset);
	[[nodiscard]] std::string describe() const;
	[[nodiscard]] int listen();
	[[nodiscard]] int open_rdm();
	[[nodiscard]] std::string where();
	[[nodiscard]] bool authenticates() const;
	[[nodiscard]] bool is_sealed(const Region &region) const;
	void announce();
	void handle_events();
	void handle_request(const fi_eq_cm_entry &entry, size_t data_bytes);
	[[nodiscard]] Refusal judge(const fi_eq_cm_entry &entry,
				    size_t data_bytes, uint32_t *region) const;
	[[nodiscard]] int accept(fi_info *info, const std::string &name,
				 uint32_t region);
	void refuse(fi_info *info, const std::string &name, Refusal reason);
	void forget(fid *object, const char *why);
	/* Returns false if there is more to be done soon. */
	[[nodiscard]] bool drain_completions();
	void end_evicted();
	void tell(const char *what, const std::string &name) const;
	/* These are in serve_events.cc. */
	void watch_domain();
	void read_domain_events();
	void tell_event(const fi_pmem_event &event);
	void tell_refused(uint64_t *total, uint64_t count, const char *why);
	[[nodiscard]] Region *region_of(uint64_t key);
	void check_descriptors();

	const Options &options_;
	Report &report_;
	ServerLog log_;
	Signals signals_{Signals::Hangup::ignored};
	InfoPtr info_;
	Fabric fabric_;
	std::deque<Region> regions_; /* in the order of their numbers */
	FidPtr<fid_pep> pep_;
	Claims claims_;
	Greeter greeter_;
	std::unordered_map<fid *, Client> clients_;
	FidPtr<fid_ep> rdm_;
	fi_ops_pmem_domain *domain_ops_ = nullptr; /* null: not ofi_pmem */
	LineLimit exhausted_{1};
	LineLimit refused_{10};
	LineLimit unproven_{10};
	uint64_t accepted_ = 0;
	uint64_t refusals_ = 0;		 /* of clients */
	uint64_t not_authenticated_ = 0; /* initiators */
	uint64_t other_version_ = 0;
	uint64_t too_many_channels_ = 0;
	std::string status_; /* the text of its last generation */
	uint32_t generation_ = 0;
	const std::chrono::steady_clock::time_point begun_ =
		std::chrono::steady_clock::now();
};

} // namespace fi_pmem
