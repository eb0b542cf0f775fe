/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A client's connection to fi_pmem serve, from the name of the peer to the
 * descriptor of its region.
 */
#pragma once

#include "client/fabric.hh"
#include "client/interrupt.hh"
#include "client/options.hh"
#include "client/private_data.hh"

#include <rdma/fi_ext_pmem.h>

#include <chrono>
#include <optional>
#include <string>

namespace fi_pmem
{

using Clock = std::chrono::steady_clock;

class Connection
{
public:
	/* All of them must outlive this object. */
	Connection(const ClientOptions &options, ErrorSink &sink,
		   Interrupt &interrupt)
		: options_(options), sink_(sink), interrupt_(interrupt)
	{
	}

	/* Ends within --timeout, or on a signal. Returns an exit code. */
	[[nodiscard]] int open();

	/*
	 * Does the same without the server's data port, and so without the
	 * protection of that port.
	 */
	[[nodiscard]] int open_for_messages();

	/*
	 * Ends every operation in flight, so that their buffers are free again.
	 */
	void close() { ep_.reset(); }

	/* Returns the peer's address, which every operation takes. */
	[[nodiscard]] fi_addr_t address() const { return address_; }

	/*
	 * Sends the peer a message, which it answers with kAnswerBytes bytes.
	 * Returns 0 or a negative fi_errno; -FI_EAGAIN is temporary.
	 */
	static constexpr size_t kAnswerBytes = sizeof(DescriptorBytes);
	[[nodiscard]] int greet();

	/*
	 * Gets the part of the peer's status that begins at this offset. Fails
	 * at the deadline, or on a signal. Returns an exit code.
	 */
	[[nodiscard]] int ask_status(uint32_t offset,
				     Clock::time_point deadline,
				     StatusBytes *answer);

	/*
	 * The peer has said something that fi_pmem serve never says. Returns
	 * the exit code.
	 */
	[[nodiscard]] int not_a_server() const;

	/*
	 * Returns whether the peer has ended the connection. Providers that
	 * report it late do so through a failed operation instead.
	 */
	[[nodiscard]] bool is_lost();

	/*
	 * Checks `length` bytes at --offset against the region; the error says
	 * that `what` needs them.
	 */
	[[nodiscard]] int check_range(uint64_t offset, uint64_t length,
				      const char *what) const;

	/*
	 * `what` failed with an error that is_refusal(), because the peer does
	 * not let this side do it. Returns kRefused and reports the reason, as
	 * far as it is known here.
	 */
	[[nodiscard]] int refused(int error, const std::string &what) const;

	/* Takes a positive fi_errno: the peer refuses, or has no such key. */
	[[nodiscard]] static bool is_refusal(int error);

	/* Does the same if the region is served read-only; else returns kOk. */
	[[nodiscard]] int check_writable(const std::string &what) const;

	/*
	 * Returns --length, or else the bytes of the region behind --offset. If
	 * there are none, it returns `least`, which check_range() will refuse.
	 */
	[[nodiscard]] uint64_t choose_length(uint64_t offset,
					     std::optional<uint64_t> asked_for,
					     uint64_t least) const;

	/*
	 * Gets the endpoint's functions of rdma/fi_ext_pmem.h. Returns an exit
	 * code, if the provider has none.
	 */
	[[nodiscard]] int open_extension(fi_ops_pmem_ep **ops);

	/*
	 * Gets the attributes of the region. Ends within --timeout; returns an
	 * exit code.
	 */
	[[nodiscard]] int query(fi_pmem_region_attr *attr);

	[[nodiscard]] Fabric &fabric() { return fabric_; }
	[[nodiscard]] Interrupt &interrupt() { return interrupt_; }
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

	/* A command that promises durability calls this. */
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
	/*
	 * Returns an exit code if it is too late, or if a signal has arrived.
	 */
	[[nodiscard]] int check_time(Clock::time_point deadline,
				     const char *what);
	[[nodiscard]] int explain(const EventError &error);
	[[nodiscard]] std::string why_refused(int error) const;
	[[nodiscard]] std::string why_not_sealed(int error) const;

	const ClientOptions &options_;
	ErrorSink &sink_;
	Interrupt &interrupt_;
	std::string peer_;
	InfoPtr info_;
	Fabric fabric_;
	FidPtr<fid_ep> ep_;
	fi_addr_t address_ = FI_ADDR_UNSPEC;
	std::string hello_; /* the hello as a message */
	Descriptor region_;
	bool lost_ = false;
};

} // namespace fi_pmem
