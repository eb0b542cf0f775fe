/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reads the text of a server part by part. Nothing in it is trusted: what is
 * not of the type that it should be is an error, and a file name may be
 * anything.
 */
#include "serve/status.hh"

#include "cli/options.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/connection.hh"
#include "client/exit_codes.hh"

#include <nlohmann/json.hpp>

#include <cinttypes>

namespace fi_pmem
{

namespace
{

using Json = nlohmann::ordered_json;

/* Returns the text without what could change the terminal. */
std::string printable(const std::string &text)
{
	std::string shown;
	for (char letter : text) {
		auto byte = static_cast<unsigned char>(letter);
		shown += byte < 0x20 || byte == 0x7f ? '?' : letter;
	}
	return shown;
}

/* Gets all of the text; begins again if it has changed meanwhile. */
int read_text(const Options &options, Connection &connection, std::string *text)
{
	auto deadline = Clock::now() + std::chrono::seconds(options.timeout_s);
	uint32_t generation = 0;
	StatusPart part;
	do {
		StatusBytes room{};
		auto offset = static_cast<uint32_t>(text->size());
		int ret = connection.ask_status(offset, deadline, &room);
		if (ret)
			return ret;
		bool is_part = decode_status(room.data(), room.size(), &part) ==
			       Head::ok;
		if (!is_part || part.offset != offset)
			return connection.not_a_server();
		if (offset && part.generation != generation) {
			text->clear();
			continue;
		}
		generation = part.generation;
		*text += part.text;
	} while (text->size() < part.total || text->empty());
	return kOk;
}

/* Throws Json::exception if it is not what a server says. */
void tell(const Json &status, const std::string &peer, Report &report)
{
	auto number = [&](const char *name) {
		return status.at(name).get<uint64_t>();
	};
	std::string version = status.at("version").get<std::string>();
	std::string provider = status.at("provider").get<std::string>();
	std::string authentication =
		status.at("authentication").get<std::string>();
	report.say("%s: fi_pmem %s, up for %" PRIu64 " s, provider %s, "
		   "authentication: %s",
		   peer.c_str(), printable(version).c_str(),
		   number("uptime_seconds"), printable(provider).c_str(),
		   printable(authentication).c_str());
	report.say("clients: %" PRIu64 " connected, %" PRIu64
		   " accepted so far, %" PRIu64 " refused",
		   number("clients"), number("accepted"), number("refused"));
	report.say("initiators refused: %" PRIu64 " not authenticated, %" PRIu64
		   " of another version, %" PRIu64 " too many",
		   number("not_authenticated"), number("other_version"),
		   number("too_many_channels"));
	for (const char *name :
	     {"uptime_seconds", "clients", "accepted", "refused",
	      "not_authenticated", "other_version", "too_many_channels"})
		report.set(name, number(name));
	report.set("version", version);
	report.set("provider", provider);
	report.set("authentication", authentication);
	for (const Json &one : status.at("regions")) {
		bool failed = one.at("failed").get<bool>();
		std::string file = one.at("file").get<std::string>();
		std::string state = "good";
		if (failed)
			state = "FAILED: " + one.at("error").get<std::string>();
		report.say("region %" PRIu64 ": %s, %" PRIu64
			   " bytes, %s%s, %s",
			   one.at("region").get<uint64_t>(),
			   printable(file).c_str(),
			   one.at("bytes").get<uint64_t>(),
			   one.at("read_only").get<bool>() ? "read-only"
							   : "read and write",
			   one.value("sealed", false) ? ", sealed" : "",
			   printable(state).c_str());
	}
	report.set("regions", status.at("regions"));
}

} // namespace

int run_status(const Options &options, Report &report)
{
	Signals signals;
	Connection connection(options, report, signals);
	int ret = connection.open_for_messages();
	if (ret)
		return ret;
	std::string text;
	ret = read_text(options, connection, &text);
	connection.close();
	if (ret)
		return ret;
	try {
		tell(Json::parse(text), connection.peer(), report);
	} catch (const Json::exception &) {
		return connection.not_a_server();
	}
	report.set("peer", connection.peer());
	return kOk;
}

} // namespace fi_pmem
