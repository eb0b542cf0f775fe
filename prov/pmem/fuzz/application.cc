/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "application.hh"

#include "protocol/atomic.hh"

#include <arpa/inet.h>

namespace ofi_pmem::fuzz
{

namespace
{

constexpr size_t kOperations = 16;
constexpr uint16_t kPort = 7;
constexpr size_t kLongest = 3 * wire::kMaxPayload;
constexpr size_t kInjectSize = 192; /* as of the tcp provider and others */

size_t total(const std::vector<fi_rma_iov> &ranges) noexcept
{
	size_t sum = 0;
	for (const fi_rma_iov &range : ranges)
		sum += range.len;
	return sum;
}

} // namespace

Application::Application(Initiator *initiator)
	: table_(std::make_unique<ChannelTable>(initiator, this))
{
	table_->open(kOperations);
}

int Application::peer_address(fi_addr_t, IpAddress *address) noexcept
{
	sockaddr_in loopback{};
	loopback.sin_family = AF_INET;
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address->assign(&loopback, sizeof(loopback)) ? 0 : -FI_EINVAL;
}

void Application::call(Input *input)
{
	switch (input->take<uint8_t>() % 8) {
	default:
		write_or_read(input);
		break;
	case 3:
		atomic(input);
		break;
	case 4:
		flush(input);
		break;
	case 5:
		verify(input);
		break;
	case 6:
		drain_all(input);
		break;
	case 7:
		queue_full_ = !queue_full_;
		local_result_ = queue_full_ ? -FI_EIO : 0;
		break;
	}
}

/* Makes ranges of up to `longest` bytes together, each a multiple of `unit`. */
std::vector<fi_rma_iov> Application::make_ranges(Input *input, size_t unit,
						 size_t longest)
{
	std::vector<fi_rma_iov> ranges(1 + input->take<uint8_t>() % kMaxRmaIov);
	for (fi_rma_iov &range : ranges) {
		auto region = input->take<uint8_t>();
		range.key = Key(kPort, region % 3).value();
		range.addr = base() + input->take<uint8_t>();
		size_t len = input->take<uint8_t>();
		if (region & 0x80)
			len *= 1 << 10;
		range.len = std::min(len, longest) / unit * unit;
		longest -= range.len;
	}
	return ranges;
}

void Application::submit(CallPtr call, const OpRequest &request, fi_addr_t peer)
{
	auto context = reinterpret_cast<void *>(++last_context_);
	const_cast<fi_msg_rma &>(request.msg()).context = context;
	call->successes = successes();
	Call *accepted = call.get();
	calls_.emplace(context, std::move(call));
	ssize_t ret = table_->submit(request, peer);
	if (ret)
		require(calls_.erase(context) == 1,
			"what was refused does not complete");
	else if (request.options().inject && calls_.count(context))
		accepted->buffer = {}; /* the caller's again */
}

void Application::write_or_read(Input *input)
{
	auto flags = input->take<uint16_t>();
	fi_msg_rma msg{};
	bool write = flags & 1;
	auto level = static_cast<Level>((flags >> 1 & 3) % 3);
	OpRequest request =
		write ? OpRequest::write(msg) : OpRequest::read(msg);
	request.at(level).fence(flags & 8).report(flags & 0x10);
	bool inject = write && (flags & 0x20);
	bool ordered = write && (flags & 0x200);
	if (write) {
		request.inject(inject)
			.notify(flags & 0x40)
			.more(flags & 0x80)
			.checked(flags & 0x100)
			.ordered(ordered);
		if ((flags & 0x40) && level == Level::transmit)
			request.at(Level::delivery);
	} else {
		request.local_commit(flags & 0x20)
			.at(std::min(level, Level::delivery));
	}
	auto ranges = make_ranges(input, 1, inject ? kInjectSize : kLongest);
	if (ordered) {
		ranges.resize(1);
		request.at(Level::commit).fence();
	}
	auto call = std::make_unique<Call>();
	call->buffer.resize(total(ranges), 0xab);
	/* The data is in two buffers, of which one may be empty. */
	size_t first = call->buffer.size() * (flags >> 14) / 3;
	iovec iov[2] = {
		{call->buffer.data(), first},
		{call->buffer.data() + first, call->buffer.size() - first}};
	msg.msg_iov = iov;
	msg.iov_count = 2;
	msg.rma_iov = ranges.data();
	msg.rma_iov_count = ranges.size();
	submit(std::move(call), request, flags >> 12 & 1);
}

void Application::atomic(Input *input)
{
	auto flags = input->take<uint8_t>();
	auto datatype = input->take<uint8_t>();
	auto op = input->take<uint8_t>();
	if (!find_atomic(datatype, op))
		return;
	AtomicTraits traits = atomic_traits(op);
	bool fetches = traits.must_fetch() || (flags & 1);
	bool inject = flags & 0x20;
	auto ranges = make_ranges(input, atomic_size(datatype),
				  inject ? kInjectSize : wire::kMaxAtomicBytes);
	auto call = std::make_unique<Call>();
	size_t len = total(ranges);
	call->buffer.resize(traits.takes_operand ? len : 0, 1);
	call->compare.resize(traits.compares ? len : 0, 2);
	call->result.resize(fetches ? len : 0);
	iovec operand{call->buffer.data(), call->buffer.size()};
	iovec compare{call->compare.data(), call->compare.size()};
	iovec result{call->result.data(), call->result.size()};
	fi_msg_rma msg{};
	msg.msg_iov = &operand;
	msg.iov_count = traits.takes_operand;
	msg.rma_iov = ranges.data();
	msg.rma_iov_count = ranges.size();
	AtomicOp asked{datatype,	op,	 fetches, &compare,
		       traits.compares, &result, fetches};
	OpRequest request =
		OpRequest::atomic(msg, asked)
			.at(static_cast<Level>((flags >> 1 & 3) % 3))
			.fence(flags & 8)
			.report(flags & 0x10)
			.inject(inject);
	call->needs_answer = len;
	submit(std::move(call), request, flags >> 6 & 1);
}

void Application::flush(Input *input)
{
	auto flags = input->take<uint8_t>();
	auto ranges = make_ranges(input, 1, kLongest);
	fi_msg_rma msg{};
	msg.rma_iov = ranges.data();
	msg.rma_iov_count = ranges.size();
	auto scope = static_cast<FlushScope>((flags & 3) % 3);
	bool commit = flags & 4;
	OpRequest request =
		OpRequest::flush(msg, scope)
			.at(commit ? Level::commit : Level::delivery)
			.report(flags & 8)
			.checked((flags & 0x10) && commit)
			.fence(scope == FlushScope::everything && commit);
	for (const fi_rma_iov &range : ranges) {
		if (scope == FlushScope::ranges && !range.len)
			return;
	}
	submit(std::make_unique<Call>(), request, flags >> 6 & 1);
}

void Application::verify(Input *input)
{
	auto flags = input->take<uint8_t>();
	auto digest = static_cast<DigestAlgorithm>(input->take<uint8_t>());
	size_t block = input->take<uint16_t>();
	auto ranges = make_ranges(input, 1, kLongest);
	size_t blocks = 0;
	for (const fi_rma_iov &range : ranges) {
		if (!range.len)
			return;
		blocks += block ? (range.len - 1) / block + 1 : 1;
	}
	if (!digest_length(digest))
		return;
	auto call = std::make_unique<Call>();
	call->buffer.resize(blocks * digest_length(digest));
	fi_msg_rma msg{};
	msg.rma_iov = ranges.data();
	msg.rma_iov_count = ranges.size();
	VerifyOp asked{digest, block, call->buffer.data()};
	submit(std::move(call), OpRequest::verify(msg, asked).report(flags & 1),
	       flags >> 6 & 1);
}

void Application::drain_all(Input *input)
{
	auto flags = input->take<uint8_t>();
	auto context = reinterpret_cast<void *>(++last_context_);
	auto call = std::make_unique<Call>();
	/* A flush of what is clean already is done at once. */
	call->needs_answer = false;
	calls_.emplace(context, std::move(call));
	if (table_->drain_all(context, flags & 1, flags & 2))
		calls_.erase(context);
}

void Application::completed(const OpResult &result) noexcept
{
	auto call = calls_.find(result.context);
	require(call != calls_.end(), "an operation completes once");
	require(result.failure || !call->second->needs_answer ||
			successes() > call->second->successes,
		"what succeeds was answered");
	calls_.erase(call);
}

void Application::answer_notification(Input *input)
{
	auto choice = input->take<uint8_t>();
	Notification notification;
	if (!table_->take_notification(&notification))
		return;
	if (choice & 1)
		table_->return_notification(notification);
	else
		table_->notified(notification.op, choice & 2 ? FI_EIO : 0,
				 choice & 4);
}

void Application::close()
{
	auto sent = table_->shutdown();
	require(calls_.empty(), "every operation completes");
	table_.reset();
}

} // namespace ofi_pmem::fuzz
