/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The clients of fi_pmem serve: their requests are judged, and answered or
 * refused.
 */
#include "client/exit_codes.hh"
#include "serve/server.hh"

#include <rdma/fi_errno.h>

#include <cstring>

namespace fi_pmem
{

void Server::handle_events()
{
	EventBuffer buffer;
	EventError error;
	uint32_t event = 0;
	ssize_t ret;
	while ((ret = fabric_.next_event(&event, &buffer, &error)) != 0) {
		if (ret < 0) {
			forget(error.object, fi_strerror(error.error));
			continue;
		}
		const fi_eq_cm_entry &entry = buffer.entry();
		auto bytes = static_cast<size_t>(ret);
		if (event == FI_CONNREQ)
			handle_request(entry, bytes > sizeof(entry)
						      ? bytes - sizeof(entry)
						      : 0);
		else if (event == FI_SHUTDOWN)
			forget(entry.fid, "left");
	}
}

Refusal Server::judge(const fi_eq_cm_entry &entry, size_t data_bytes,
		      uint32_t *region) const
{
	switch (decode_hello(entry.data, data_bytes, region)) {
	case Head::foreign:
		return Refusal::not_fi_pmem;
	case Head::other_version:
		return Refusal::version;
	case Head::ok:
		break;
	}
	/* The region is registered in one domain only. */
	const char *ours = info_->domain_attr->name;
	const char *theirs = entry.info->domain_attr->name;
	if (ours && theirs && strcmp(ours, theirs))
		return Refusal::interface;
	return *region < regions_.size() ? Refusal::none : Refusal::no_region;
}

void Server::handle_request(const fi_eq_cm_entry &entry, size_t data_bytes)
{
	InfoPtr info(entry.info);
	std::string name = format_address(info->dest_addr);
	uint32_t region = 0;
	Refusal reason = judge(entry, data_bytes, &region);
	if (reason == Refusal::none && accept(info.get(), name, region))
		reason = Refusal::busy;
	if (reason != Refusal::none)
		refuse(info.get(), name, reason);
}

/* Fails only while the request can still be refused. */
int Server::accept(fi_info *info, const std::string &name, uint32_t region)
{
	const DescriptorBytes &descriptor = regions_[region].descriptor;
	Client client;
	client.name = name;
	int ret = fabric_.open_endpoint(info, &client.ep);
	if (!client.ep)
		return ret;
	if (!ret)
		ret = fi_accept(client.ep.get(), descriptor.data(),
				descriptor.size());
	if (ret) {
		tell("lost while accepting", name);
		return 0;
	}
	tell("connected", name);
	accepted_++;
	/* Without receives this client gets no answers. */
	if (greeter_.listen(client.ep.get(), 1))
		tell("takes no messages", name);
	claims_.introduce(client.ep.get(), region, info->dest_addr);
	fid *object = &client.ep->fid;
	clients_.emplace(object, std::move(client));
	return 0;
}

void Server::refuse(fi_info *info, const std::string &name, Refusal reason)
{
	refusals_++;
	static const char *const kTexts[] = {
		"",
		"it is not a fi_pmem client",
		"it speaks another version of the protocol; both sides need "
		"the same fi_pmem",
		"this server is out of resources; see ulimit -n and ulimit -l",
		"it came through another interface than the one that is "
		"served; see --bind",
		"it asks for a region that is not served; see --region"};
	log_.warn(&refused_, "client " + name + " refused: " +
				     kTexts[static_cast<size_t>(reason)]);
	RefusalBytes bytes = encode_refusal(reason);
	fi_reject(pep_.get(), info->handle, bytes.data(), bytes.size());
}

void Server::forget(fid *object, const char *why)
{
	auto found = clients_.find(object);
	if (found == clients_.end())
		return;
	tell(why, found->second.name);
	greeter_.forget(found->second.ep.get());
	claims_.forget(found->second.ep.get());
	clients_.erase(found);
}

/*
 * The keys of these clients have ended. Over ofi_pmem that suffices, and the
 * client can go on to ask who has its part now. Other providers may be in the
 * middle of a transfer, which ends with the connection. This comes before the
 * new writer is answered.
 */
void Server::end_evicted()
{
	bool key_is_all = has_ofi_pmem(info_->fabric_attr->prov_name);
	for (const fid_ep *one : claims_.take_evicted()) {
		auto found = clients_.find(const_cast<fid *>(&one->fid));
		if (found == clients_.end())
			continue;
		if (key_is_all)
			tell("lost its log to another writer",
			     found->second.name);
		else
			forget(found->first, "lost its log to another writer");
	}
}

void Server::tell(const char *what, const std::string &name) const
{
	log_.info("client " + name + ": " + what);
}

} // namespace fi_pmem
