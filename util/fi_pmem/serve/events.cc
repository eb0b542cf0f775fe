/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Events in a running server that no client asked for are reported to the
 * operator at once, with what to do.
 */
#include "serve/server.hh"

#include <rdma/fi_errno.h>

#include <cinttypes>

namespace fi_pmem
{

void Server::watch_domain()
{
	void *opened = nullptr;
	if (fi_open_ops(&fabric_.domain()->fid, FI_PMEM_DOMAIN_OPS, 0, &opened,
			nullptr))
		return;
	auto ops = static_cast<fi_ops_pmem_domain *>(opened);
	int fd = -1;
	if (!FI_CHECK_OP(ops, fi_ops_pmem_domain, read_event))
		return;
	int ret = ops->event_fd(fabric_.domain(), &fd);
	if (ret)
		log_.warn(
			std::string("failures of the region are reported late, "
				    "as there is no descriptor to wait for "
				    "them: ") +
			fi_strerror(-ret));
	domain_ops_ = ops;
	fabric_.watch(fd);
}

void Server::read_domain_events()
{
	fi_pmem_event event{};
	event.size = sizeof(event);
	while (domain_ops_ &&
	       !domain_ops_->read_event(fabric_.domain(), &event))
		tell_event(event);
}

Server::Region *Server::region_of(uint64_t key)
{
	for (Region &one : regions_) {
		if (fi_mr_key(one.mr.get()) == key)
			return &one;
	}
	return nullptr;
}

void Server::tell_refused(uint64_t *total, uint64_t count, const char *why)
{
	*total += count;
	log_.warn(&unproven_,
		  (count == 1 ? std::string("an initiator was")
			      : std::to_string(count) + " initiators were") +
			  " refused: " + why);
}

void Server::tell_event(const fi_pmem_event &event)
{
	Region *region = region_of(event.key);
	switch (event.kind) {
	case FI_PMEM_EVENT_REGION_FAILED:
		if (region)
			region->error = event.err;
		log_.error((region ? region->path : "a region") +
			   " has failed: " + fi_strerror(event.err) +
			   ": a flush did not succeed, so it is not known what "
			   "is durable. It takes no more writes. Look at its "
			   "device and file system, then restart fi_pmem "
			   "serve, which registers it again; clients have to "
			   "repeat writes that were not acknowledged");
		return;
	case FI_PMEM_EVENT_NOT_AUTHENTICATED:
		tell_refused(&not_authenticated_, event.count,
			     "not authenticated. A client needs the region key "
			     "(--seal-key), and the file of "
			     "FI_OFI_PMEM_AUTH_KEY_FILE, that this server has");
		return;
	case FI_PMEM_EVENT_OTHER_VERSION:
		tell_refused(&other_version_, event.count,
			     "another version of the protocol. Install the "
			     "same version of ofi_pmem on both sides");
		return;
	case FI_PMEM_EVENT_TOO_MANY_CHANNELS:
		tell_refused(&too_many_channels_, event.count,
			     "too many channels. FI_OFI_PMEM_MAX_CHANNELS "
			     "sets how many there may be");
		return;
	}
	log_.warn("event " + std::to_string(event.kind) +
		  " of the provider, which this version does not know");
}

void Server::check_descriptors()
{
	if (fabric_.take_exhausted())
		log_.warn(&exhausted_,
			  "no descriptors are left: nobody can connect until "
			  "clients leave. Raise the limit of open files "
			  "(ulimit -n, LimitNOFILE= of systemd) and restart");
}

} // namespace fi_pmem
