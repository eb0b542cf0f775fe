/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Connects, and if that fails, says what is to blame: the way there (exit code
 * 3) or what answered (exit code 4).
 */
#include "client/connection.hh"

#include "client/configuration.hh"
#include "client/error_sink.hh"
#include "client/exit_codes.hh"
#include "client/seal.hh"
#include "shared/key.hh"
#include "shared/provider_name.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <netdb.h>

#include <cinttypes>
#include <cstdlib>
#include <future>
#include <memory>
#include <thread>

namespace fi_pmem
{

namespace
{

const char *refusal_text(Refusal reason)
{
	switch (reason) {
	case Refusal::not_fi_pmem:
		return "it did not see a fi_pmem client";
	case Refusal::version:
		return "it speaks another version of the protocol";
	case Refusal::busy:
		return "it is out of resources";
	case Refusal::interface:
		return "it serves on another network interface; --bind there "
		       "chooses one";
	case Refusal::no_region:
		return "it serves no region with this number (--region)";
	default:
		return "for a reason unknown to this version";
	}
}

/*
 * The provider's timeouts follow --timeout and --stall, unless the environment
 * sets them. The provider gives up after this program, which reports more.
 */
void set_provider_timeouts(const ClientOptions &options)
{
	constexpr int kKeep = 0;
	auto set = [](const char *name, unsigned seconds, unsigned most_ms) {
		unsigned ms = std::min(seconds * 1000 + 1000, most_ms);
		setenv(name, std::to_string(ms).c_str(), kKeep);
	};
	set("FI_OFI_PMEM_CONNECT_TIMEOUT_MS", options.timeout_s, 3600000);
	set("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", options.stall_s, 86400000);
}

/*
 * A name server that is silent keeps getaddrinfo(3) for longer than anybody
 * waits. It cannot be interrupted, so it is tried on a thread of its own first.
 */
std::future<void> look_up(const std::string &host)
{
	auto done = std::make_shared<std::promise<void>>();
	std::future<void> looked_up = done->get_future();
	std::thread([done, host] {
		addrinfo *found = nullptr;
		if (!getaddrinfo(host.c_str(), nullptr, nullptr, &found))
			freeaddrinfo(found);
		done->set_value();
	}).detach();
	return looked_up;
}

/* Returns whether the way to the service fails, and not the question to it. */
bool is_unreachable(int error)
{
	return error != FI_EACCES && error != FI_EKEYREJECTED &&
	       error != FI_ENOKEY && error != FI_EINVAL &&
	       error != FI_EOPNOTSUPP && error != FI_ENOMEM;
}

} // namespace

int Connection::open()
{
	int ret = open_for_messages();
	if (!ret)
		ret = check_provider();
	if (ret || !has_ofi_pmem(provider()))
		return ret;
	/*
	 * Other problems are reported by the operation that fails because of
	 * them.
	 */
	fi_pmem_region_attr attr{};
	ret = query(&attr);
	bool tells =
		ret == kUnreachable || ret == kRefused || ret >= kSignalBase;
	return tells ? ret : int{kOk};
}

/* Messages pass between both kinds, but data only between the same kinds. */
int Connection::check_provider() const
{
	bool theirs = !(region_.flags & Descriptor::kPlain);
	bool ours = has_ofi_pmem(provider());
	if (theirs == ours)
		return kOk;
	std::string name = provider();
	std::string layer = std::string(";") + ofi_pmem::kProviderName;
	if (theirs)
		return sink_.fail(kRefused,
				  "%s serves with ofi_pmem, which provider "
				  "%s does not have: write --provider '%s%s'",
				  peer_.c_str(), provider(), provider(),
				  layer.c_str());
	return sink_.fail(kRefused,
			  "%s serves without ofi_pmem, which provider %s "
			  "has: write --provider '%s', or have it serve with "
			  "ofi_pmem",
			  peer_.c_str(), provider(),
			  name.substr(0, name.find(layer)).c_str());
}

bool Connection::makes_files_durable() const
{
	return has_ofi_pmem(provider());
}

void Connection::warn_if_not_durable() const
{
	if (!makes_files_durable())
		sink_.warn("provider %s flushes processor caches only: in an "
			   "ordinary file nothing becomes durable",
			   provider());
}

int Connection::open_for_messages()
{
	peer_ = format_address(options_.peer);
	set_provider_timeouts(options_);
	constexpr auto kLook = std::chrono::milliseconds(100);
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	std::future<void> name = look_up(options_.peer.host);
	while (name.wait_for(kLook) != std::future_status::ready) {
		if (Clock::now() >= deadline)
			return sink_.fail(kUnreachable,
					  "no name server gave the address "
					  "of %s within %u s",
					  options_.peer.host.c_str(),
					  options_.timeout_s);
	}
	Target target{options_.provider,  options_.peer.host,
		      options_.peer.port, false,
		      options_.rdm,	  options_.caps};
	int ret = find_info(sink_, target, &info_);
	if (!ret)
		ret = interrupt_.open(sink_);
	if (!ret)
		ret = fabric_.open(sink_, interrupt_, info_.get(),
				   options_.depth + 16);
	if (ret)
		return ret;
	ret = fabric_.open_endpoint(info_.get(), &ep_);
	if (ret)
		return sink_.fail(kFailed, "cannot open an endpoint: %s",
				  fi_strerror(-ret));
	return options_.rdm ? ask_for_region() : connect();
}

int Connection::connect()
{
	hello_ = encode_hello_message("", options_.region);
	HelloBytes hello = encode_hello(options_.region);
	int ret = fi_connect(ep_.get(), info_->dest_addr, hello.data(),
			     hello.size());
	if (ret)
		return sink_.fail(kUnreachable, "cannot connect to %s: %s",
				  peer_.c_str(), fi_strerror(-ret));
	return await_connection();
}

int Connection::await_connection()
{
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	EventBuffer buffer;
	EventError error;
	uint32_t event = 0;
	for (;;) {
		ssize_t ret = fabric_.next_event(&event, &buffer, &error);
		if (ret < 0)
			return explain(error);
		if (ret && event == FI_CONNECTED) {
			auto bytes = static_cast<size_t>(ret);
			size_t head = sizeof(fi_eq_cm_entry);
			return take_region(buffer.entry().data,
					   bytes > head ? bytes - head : 0);
		}
		if (ret && event == FI_SHUTDOWN)
			return sink_.fail(kUnreachable,
					  "%s closed the connection",
					  peer_.c_str());
		int late = check_time(deadline, "answer");
		if (late)
			return late;
		auto left = std::chrono::ceil<std::chrono::milliseconds>(
			deadline - Clock::now());
		if (!ret && left.count() > 0)
			fabric_.wait(static_cast<int>(left.count()));
	}
}

int Connection::check_time(Clock::time_point deadline, const char *what)
{
	if (int signal = interrupt_.take())
		return sink_.fail(kSignalBase + signal,
				  "interrupted while connecting");
	if (Clock::now() < deadline)
		return kOk;
	return sink_.fail(kUnreachable, "%s did not %s within %u s",
			  peer_.c_str(), what, options_.timeout_s);
}

int Connection::greet()
{
	return static_cast<int>(
		fi_inject(ep_.get(), hello_.data(), hello_.size(), address_));
}

/* Without a connection question and answer are messages. */
int Connection::ask_for_region()
{
	hello_ = encode_hello_message(Fabric::name_of(&ep_->fid),
				      options_.region);
	int ret = hello_.empty()
			  ? -FI_EADDRNOTAVAIL
			  : fabric_.insert_peer(info_->dest_addr, &address_);
	DescriptorBytes answer{};
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	if (ret)
		return sink_.fail(kUnreachable, "cannot reach %s: %s",
				  peer_.c_str(), fi_strerror(-ret));
	ret = ask(hello_, deadline, answer.data(), answer.size());
	return ret ? ret : take_region(answer.data(), answer.size());
}

/* Gets the answer to a question. Returns an exit code. */
int Connection::ask(const std::string &question, Clock::time_point deadline,
		    void *room, size_t bytes)
{
	fi_context2 context{};
	FidPtr<fid_mr> mr;
	int ret = fabric_.register_local(room, bytes, FI_RECV, &mr);
	if (!ret)
		ret = Fabric::post_receive(ep_.get(), room, bytes, mr.get(),
					   &context);
	if (!ret)
		ret = await_message(question, deadline, &context);
	if (ret < 0)
		ret = sink_.fail(kUnreachable, "cannot reach %s: %s",
				 peer_.c_str(), fi_strerror(-ret));
	if (ret)
		close(); /* it may still receive into this frame */
	return ret;
}

/* Returns an exit code or a negative fi_errno. */
int Connection::await_message(const std::string &question,
			      Clock::time_point deadline, fi_context2 *context)
{
	int ret = 0;
	for (bool asked = false; !ret; fabric_.wait(1)) {
		auto asking = asked ? 0
				    : fi_inject(ep_.get(), question.data(),
						question.size(), address_);
		asked = !asking;
		if (asking && asking != -FI_EAGAIN)
			return static_cast<int>(asking);
		fi_cq_entry entry{};
		ssize_t read = fi_cq_read(fabric_.cq(), &entry, 1);
		if (read == 1 && entry.op_context == context)
			return kOk;
		if (read == -FI_EAVAIL || is_lost())
			return -FI_EHOSTUNREACH;
		ret = check_time(deadline,
				 fabric_.connectionless()
					 ? "answer, as serve --rdm does,"
					 : "answer");
	}
	return ret;
}

int Connection::ask_status(uint32_t offset, Clock::time_point deadline,
			   StatusBytes *answer)
{
	std::string name =
		fabric_.connectionless() ? Fabric::name_of(&ep_->fid) : "";
	return ask(encode_status_question(name, offset), deadline,
		   answer->data(), answer->size());
}

int Connection::not_a_server() const
{
	return sink_.fail(kRefused, "%s is not fi_pmem serve", peer_.c_str());
}

int Connection::take_region(const void *data, size_t bytes)
{
	Refusal refusal = decode_refusal(data, bytes);
	if (refusal != Refusal::none && refusal != Refusal::version)
		return sink_.fail(kRefused, "%s refuses: %s", peer_.c_str(),
				  refusal_text(refusal));
	switch (decode_descriptor(data, bytes, &region_)) {
	case Head::ok:
		if (region_.region == options_.region)
			return kOk;
		return sink_.fail(kRefused,
				  "%s refuses: it serves one region only, "
				  "which has the number %u",
				  peer_.c_str(), region_.region);
	case Head::other_version:
		return sink_.fail(kRefused,
				  "%s speaks another version of the fi_pmem "
				  "protocol than %u",
				  peer_.c_str(), unsigned{kProtocolVersion});
	default:
		return not_a_server();
	}
}

int Connection::explain(const EventError &error)
{
	Refusal reason = decode_refusal(error.private_data.data(),
					error.private_data.size());
	if (reason != Refusal::none)
		return sink_.fail(kRefused, "%s refuses: %s", peer_.c_str(),
				  refusal_text(reason));
	if (!error.private_data.empty() || error.error == FI_ENOPROTOOPT)
		return sink_.fail(kRefused,
				  "%s is not fi_pmem serve, or one with "
				  "--rdm (%s)",
				  peer_.c_str(), fi_strerror(error.error));
	return sink_.fail(kUnreachable,
			  "cannot connect to %s: %s (provider %s; the peer "
			  "must serve with the same)",
			  peer_.c_str(), fi_strerror(error.error), provider());
}

bool Connection::is_lost()
{
	EventBuffer buffer;
	EventError error;
	uint32_t event = 0;
	ssize_t ret;
	while ((ret = fabric_.next_event(&event, &buffer, &error)) != 0)
		lost_ = lost_ || ret < 0 || event == FI_SHUTDOWN;
	return lost_;
}

int Connection::open_extension(fi_ops_pmem_ep **ops)
{
	void *opened = nullptr;
	if (fi_open_ops(&ep_->fid, FI_PMEM_EP_OPS, 0, &opened, nullptr))
		return sink_.fail(kFailed,
				  "provider %s cannot verify: both sides "
				  "need ofi_pmem, as by --provider "
				  "'%s;ofi_pmem'",
				  provider(), provider());
	*ops = static_cast<fi_ops_pmem_ep *>(opened);
	return kOk;
}

int Connection::query(fi_pmem_region_attr *attr)
{
	fi_ops_pmem_ep *ops = nullptr;
	int ret = open_extension(&ops);
	if (!ops)
		return ret;
	unsigned port = ofi_pmem::Key(region_.key).port();
	std::string what = "answer at its data port " + std::to_string(port);
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	attr->size = sizeof(*attr);
	/*
	 * The queue wakes us. Progress that it does not show is looked at less
	 * and less often, so that hundreds of clients that wait for one target
	 * leave it time.
	 */
	constexpr int kLongestMs = 64;
	int pause_ms = 1;
	while ((ret = ops->query(ep_.get(), address_, region_.key, attr)) ==
	       -FI_EAGAIN) {
		int late = check_time(deadline, what.c_str());
		if (late)
			return late;
		fabric_.wait(pause_ms);
		pause_ms = std::min(2 * pause_ms, kLongestMs);
		static_cast<void>(fi_cq_read(fabric_.cq(), nullptr, 0));
	}
	if (is_refusal(-ret))
		return refused(-ret, "cannot query its region");
	if (ret && is_unreachable(-ret) && !is_lost())
		return sink_.fail(
			kUnreachable,
			"cannot reach the data port %u of %s: %s (a firewall "
			"or "
			"port forward must let it through besides port %u, "
			"under the same number; serve --data-port chooses it)",
			port, options_.peer.host.c_str(), fi_strerror(-ret),
			unsigned{options_.peer.port});
	if (ret)
		return sink_.fail(kFailed, "cannot query the region of %s: %s",
				  peer_.c_str(), fi_strerror(-ret));
	return kOk;
}

bool Connection::is_refusal(int error)
{
	return error == FI_EACCES || error == FI_EKEYREJECTED;
}

/* Whether a region is sealed, its key says: no answer of a peer counts. */
std::string Connection::why_not_sealed(int error) const
{
	SealSetting ours = seal_setting();
	if (!ofi_pmem::Key(region_.key).sealed())
		return "its region is not sealed, and this side seals "
		       "everything (--seal-key, FI_OFI_PMEM_SEAL=required)";
	if (ours.off)
		return "its region is sealed, and FI_OFI_PMEM_SEAL is off here";
	if (ours.file.empty())
		return "its region is sealed, and there is no region key here "
		       "(--seal-key, FI_OFI_PMEM_SEAL_KEY_FILE)";
	std::string which = ours.id ? "region key " + std::to_string(ours.id)
				    : std::string("the region key");
	if (error == FI_EACCES)
		return "its region does not accept " + which + " of " +
		       ours.file;
	return which + " of " + ours.file +
	       " does not do: the peer has no such key, or other bytes, or no "
	       "line is for this peer, or it is used up; FI_LOG_LEVEL=warn "
	       "says which";
}

std::string Connection::why_refused(int error) const
{
	bool theirs = region_.flags & Descriptor::kAuthKey;
	bool ours = has_auth_key();
	if (theirs && !ours)
		return "it asks for an auth_key, and "
		       "FI_OFI_PMEM_AUTH_KEY_FILE names none here";
	if (ours && !theirs)
		return "it has no auth_key, and FI_OFI_PMEM_AUTH_KEY_FILE "
		       "names one here";
	if (error == FI_EKEYREJECTED)
		return why_not_sealed(error);
	if (region_.flags & Descriptor::kReadOnly)
		return "it serves this region read-only";
	if (ofi_pmem::Key(region_.key).sealed())
		return why_not_sealed(error);
	return ours ? "it has another auth_key than the file that "
		      "FI_OFI_PMEM_AUTH_KEY_FILE names here"
		    : "it does not allow that";
}

int Connection::refused(int error, const std::string &what) const
{
	return sink_.fail(kRefused, "%s refuses: %s (%s)", peer_.c_str(),
			  why_refused(error).c_str(), what.c_str());
}

int Connection::check_writable(const std::string &what) const
{
	return region_.flags & Descriptor::kReadOnly ? refused(FI_EACCES, what)
						     : int{kOk};
}

uint64_t Connection::choose_length(uint64_t offset,
				   std::optional<uint64_t> asked_for,
				   uint64_t least) const
{
	uint64_t rest =
		offset < region_.length ? region_.length - offset : least;
	return asked_for.value_or(rest);
}

int Connection::check_range(uint64_t offset, uint64_t length,
			    const char *what) const
{
	if (offset <= region_.length && length <= region_.length - offset)
		return kOk;
	if (offset)
		return sink_.fail(kNoRoom,
				  "region holds %" PRIu64 " bytes, %s needs "
				  "%" PRIu64 " from offset %" PRIu64,
				  region_.length, what, length, offset);
	return sink_.fail(kNoRoom,
			  "region holds %" PRIu64 " bytes, %s needs %" PRIu64,
			  region_.length, what, length);
}

} // namespace fi_pmem
