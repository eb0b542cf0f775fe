/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A server describes itself to fi_pmem status in a JSON text, which clients
 * read part by part.
 */
#include "config.h"

#include "serve/server.hh"

#include <nlohmann/json.hpp>
#include <rdma/fi_errno.h>

namespace fi_pmem
{

namespace
{

using Json = nlohmann::ordered_json;

std::string to_text(const Json &json)
{
	return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

std::string Server::describe() const
{
	auto up = std::chrono::steady_clock::now() - begun_;
	Json status{
		{"version", PACKAGE_VERSION},
		{"provider", info_->fabric_attr->prov_name},
		{"authentication", authenticates() ? "auth_key" : "none"},
		{"uptime_seconds",
		 std::chrono::duration_cast<std::chrono::seconds>(up).count()},
		{"clients", clients_.size()},
		{"accepted", accepted_},
		{"refused", refusals_},
		{"not_authenticated", not_authenticated_},
		{"other_version", other_version_},
		{"too_many_channels", too_many_channels_},
		{"regions", Json::array()}};
	for (size_t i = 0; i < regions_.size(); i++) {
		const Region &one = regions_[i];
		Json region{{"region", i},
			    {"file", one.path},
			    {"bytes", one.file.length()},
			    {"read_only", options_.read_only},
			    {"map_sync", one.file.map_sync()},
			    {"sealed", is_sealed(one)},
			    {"failed", one.error != 0}};
		if (one.error)
			region["error"] = fi_strerror(one.error);
		/* If there are very many files, the last ones are left out. */
		Json longer = status;
		longer["regions"].push_back(region);
		if (to_text(longer).size() > StatusPart::kMostTotal)
			break;
		status = std::move(longer);
	}
	return to_text(status);
}

/*
 * A new text is made when somebody begins to read; other readers then begin
 * again.
 */
std::string Server::answer_status(uint32_t offset)
{
	if (!offset || status_.empty()) {
		read_domain_events();
		status_ = describe();
		generation_++;
	}
	if (offset >= status_.size())
		return "";
	StatusPart part;
	part.generation = generation_;
	part.offset = offset;
	part.total = static_cast<uint32_t>(status_.size());
	part.text = status_.substr(offset, StatusPart::kMostBytes);
	StatusBytes bytes = encode_status(part);
	return std::string(bytes.begin(), bytes.end());
}

} // namespace fi_pmem
