/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A client's connection to fi_pmem serve, from the name to the descriptor of
 * the region.
 */
#pragma once

#include <chrono>
#include <string>

#include <rdma/fi_ext_pmem.h>

#include "fabric.hh"
#include "options.hh"
#include "private_data.hh"
#include "signals.hh"

namespace fi_pmem
{

using Clock = std::chrono::steady_clock;

class Connection
{
public:
	Connection(const Options &options, Report &report)
		: options_(options), report_(report)
	{
	}

	/* Ends within --timeout, or on a signal, with the exit code. */
	[[nodiscard]] int open();

	/* The same without its data port, and so without what protects that. */
	[[nodiscard]] int open_for_messages();

	/* Ends every operation in flight: their buffers are free again. */
	void close() { ep_.reset(); }

	/* Of the peer, for every operation. */
	[[nodiscard]] fi_addr_t address() const { return address_; }

	/*
	 * Sends the peer a message, which it answers by one of kAnswerBytes. 0,
	 * or a negative fi_errno, of which -FI_EAGAIN is for now.
	 */
	static constexpr size_t kAnswerBytes = sizeof(DescriptorBytes);
	[[nodiscard]] int greet();

	/*
	 * What of the peer's status is from this offset on, before the
	 * deadline; else, or on a signal, the exit code.
	 */
	[[nodiscard]] int ask_status(uint32_t offset,
				     Clock::time_point deadline,
				     StatusBytes *answer);

	/* It has said what no fi_pmem serve says: the exit code. */
	[[nodiscard]] int not_a_server() const;

	/*
	 * Whether the peer has ended the connection. Providers that report it
	 * late do so through a failed operation instead.
	 */
	[[nodiscard]] bool is_lost();

	/*
	 * Checks `length` bytes at --offset against the region; what needs them
	 * is named in the error.
	 */
	[[nodiscard]] int check_range(uint64_t length, const char *what) const;

	/*
	 * The peer does not let this side do what it wants (FI_EACCES):
	 * kRefused, with the reason as far as it is known here. `what` failed.
	 */
	[[nodiscard]] int refused(const std::string &what) const;

	/* As refused(), of a region that is served read-only; else kOk. */
	[[nodiscard]] int check_writable(const std::string &what) const;

	/*
	 * --length, else what of the region is behind --offset; `least` where
	 * that is nothing, for check_range() to tell.
	 */
	[[nodiscard]] uint64_t choose_length(uint64_t least) const;

	/*
	 * What of rdma/fi_ext_pmem.h the endpoint has. Exit code, if it is of a
	 * provider without.
	 */
	[[nodiscard]] int open_extension(fi_ops_pmem_ep **ops);

	/* Of the region; ends within --timeout, with the exit code. */
	[[nodiscard]] int query(fi_pmem_region_attr *attr);

	[[nodiscard]] Fabric &fabric() { return fabric_; }
	[[nodiscard]] Signals &signals() { return signals_; }
	[[nodiscard]] fid_ep *ep() { return ep_.get(); }
	[[nodiscard]] const fi_info *info() const { return info_.get(); }
	[[nodiscard]] const Descriptor &region() const { return region_; }
	[[nodiscard]] const std::string &peer() const { return peer_; }
	[[nodiscard]] size_t max_message_bytes() const
	{
		return info_->ep_attr->max_msg_size;
	}
	[[nodiscard]] const char *provider() const
	{
		return info_->fabric_attr->prov_name;
	}

	/* Plain providers commit to processor caches; a file needs more. */
	[[nodiscard]] bool makes_files_durable() const;

	/* For a command that promises durability. */
	void warn_if_not_durable() const;

private:
	[[nodiscard]] int check_provider() const;
	[[nodiscard]] int connect();
	[[nodiscard]] int await_connection();
	[[nodiscard]] int ask_for_region();
	[[nodiscard]] int ask(const std::string &question,
			      Clock::time_point deadline, void *room,
			      size_t bytes);
	[[nodiscard]] int await_message(const std::string &question,
					Clock::time_point deadline,
					fi_context2 *context);
	[[nodiscard]] int take_region(const void *data, size_t bytes);
	/* Exit code if it is too late, or a signal came. */
	[[nodiscard]] int check_time(Clock::time_point deadline,
				     const char *what);
	[[nodiscard]] int explain(const EventError &error);

	const Options &options_;
	Report &report_;
	std::string peer_;
	Signals signals_;
	InfoPtr info_;
	Fabric fabric_;
	FidPtr<fid_ep> ep_;
	fi_addr_t address_ = FI_ADDR_UNSPEC;
	std::string hello_; /* as a message */
	Descriptor region_;
	bool lost_ = false;
};

} // namespace fi_pmem
