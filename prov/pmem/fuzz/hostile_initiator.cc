/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "hostile_initiator.hh"

#include "digest/digest.hh"
#include "protocol/atomic.hh"

namespace ofi_pmem::fuzz
{

namespace
{

template <typename Message>
bool read(const uint8_t *bytes, size_t len, Message *message) noexcept
{
	if (len < sizeof(*message))
		return false;
	std::memcpy(message, bytes, sizeof(*message));
	return true;
}

wire::Type success_of(const wire::Header &header) noexcept
{
	switch (header.type) {
	case wire::Type::resolve:
		return wire::Type::region;
	case wire::Type::read:
		return wire::Type::data;
	case wire::Type::verify:
		return wire::Type::verified;
	case wire::Type::atomic:
		return header.flags & wire::kFetch ? wire::Type::data
						   : wire::Type::ack;
	default:
		return wire::Type::ack;
	}
}

bool is_request(wire::Type type) noexcept
{
	return type == wire::Type::resolve || type == wire::Type::write ||
	       type == wire::Type::flush || type == wire::Type::read ||
	       type == wire::Type::atomic || type == wire::Type::announce ||
	       type == wire::Type::verify;
}

} // namespace

void HostileInitiator::sends(const std::vector<uint8_t> &bytes)
{
	size_t done = 0;
	while (!doomed_ && done < bytes.size()) {
		size_t len = wire::first_length(bytes.data() + done,
						bytes.size() - done);
		if (!len || !note(bytes.data() + done, len))
			doomed_ = true;
		done += len;
	}
	if (bytes.size() < sizeof(wire::Header))
		doomed_ = true;
}

/* False where the service must disconnect. */
bool HostileInitiator::note(const uint8_t *bytes, size_t len)
{
	return greeted_ ? note_request(bytes, len) : note_greeting(bytes, len);
}

bool HostileInitiator::note_greeting(const uint8_t *bytes, size_t len)
{
	wire::Hello hello;
	if (!read(bytes, len, &hello) ||
	    hello.header.type != wire::Type::hello ||
	    hello.magic != wire::kMagic)
		return false;
	greetings_++;
	greeted_ = hello.min_version <= wire::kVersion &&
		   hello.max_version >= wire::kMinVersion;
	return true;
}

bool HostileInitiator::note_request(const uint8_t *bytes, size_t len)
{
	Request request{};
	read(bytes, len, &request.header);
	const wire::Header &header = request.header;
	if (header.sequence != requests_.size() + 1 ||
	    !is_request(header.type) ||
	    header.version != wire::version_of(header.type))
		return false;
	request.success = success_of(header);
	wire::Write write;
	wire::Read wanted;
	wire::Atomic atomic;
	wire::Verify verify;
	if (header.type == wire::Type::write && read(bytes, len, &write)) {
		request.ranges.push_back(
			{write.token, write.offset, len - sizeof(write)});
		note_write(write, bytes + sizeof(write), len - sizeof(write));
	} else if (header.type == wire::Type::flush) {
		note_ranges(bytes, len, sizeof(wire::Flush), &request);
	} else if (header.type == wire::Type::read &&
		   read(bytes, len, &wanted)) {
		request.answer_bytes = wanted.length;
	} else if (header.type == wire::Type::atomic &&
		   read(bytes, len, &atomic)) {
		size_t ranges = atomic.range_count * sizeof(wire::Range);
		note_ranges(bytes, std::min(len, sizeof(atomic) + ranges),
			    sizeof(atomic), &request);
		for (const wire::Range &range : request.ranges)
			request.answer_bytes += range.length;
	} else if (header.type == wire::Type::verify &&
		   read(bytes, len, &verify)) {
		request.blocks = verify.count;
		if (!verify.compare)
			request.digest_bytes =
				verify.count *
				digest_length(static_cast<DigestAlgorithm>(
					verify.algorithm));
	}
	requests_.push_back(std::move(request));
	return true;
}

void HostileInitiator::note_ranges(const uint8_t *bytes, size_t len,
				   size_t fixed, Request *request) const
{
	wire::Range range;
	for (size_t at = fixed; at < len && read(bytes + at, len - at, &range);
	     at += sizeof(range)) {
		request->ranges.push_back(range);
		FuzzRegion *region = regions_->find(range.token);
		if (!region || request->header.type != wire::Type::atomic)
			continue;
		region->each(range.offset, range.length,
			     [&](uint64_t i) { region->known[i].touch(this); });
	}
}

void HostileInitiator::note_write(const wire::Write &write,
				  const uint8_t *payload, size_t len)
{
	FuzzRegion *region = regions_->find(write.token);
	if (!region)
		return;
	region->each(write.offset, len, [&](uint64_t i) {
		Known &byte = region->known[i];
		byte.touch(this);
		byte.valid = !byte.shared;
		byte.value = payload[i - write.offset];
		byte.flushed = write.header.flags & wire::kFlush;
		byte.sequence = write.header.sequence;
	});
}

void HostileInitiator::greeting_answered(const uint8_t *bytes, size_t len)
{
	wire::HelloAck ack;
	require(wire::parse(bytes, len, &ack) && ack.magic == wire::kMagic,
		"a greeting is answered by a HelloAck");
	require(greetings_ > 0, "each greeting is answered once");
	greetings_--;
	require(!greetings_ || ack.status, "nothing is greeted twice");
}

void HostileInitiator::answered(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	require(read(bytes, len, &header) && header.length == len,
		"an answer is as long as it says");
	require(header.version == wire::version_of(header.type),
		"an answer has its type's version");
	if (header.type == wire::Type::hello_ack) {
		greeting_answered(bytes, len);
		return;
	}
	require(header.sequence > answered_ &&
			header.sequence <= requests_.size(),
		"a request is answered once, in order");
	wire::Ack ack{};
	if (header.type == wire::Type::ack)
		require(wire::parse(bytes, len, &ack), "an Ack is well-formed");
	while (answered_ < header.sequence) {
		const Request &request = requests_[answered_++];
		bool last = answered_ == header.sequence;
		bool failed = last && ack.status;
		if (!last)
			require(request.success == wire::Type::ack,
				"what wants data gets an answer of its own");
		else if (!failed)
			check_success(request, bytes, len);
		settle(request, failed);
	}
}

void HostileInitiator::check_success(const Request &request,
				     const uint8_t *bytes, size_t len) const
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	require(header.type == request.success,
		"a request succeeds with its own kind of answer");
	require(header.operation == request.header.operation,
		"an answer names its operation");
	if (header.type == wire::Type::data)
		require(len == sizeof(wire::Data) + request.answer_bytes,
			"as much is answered as was asked for");
	if (header.type != wire::Type::verified)
		return;
	wire::Verified verified;
	require(wire::parse(bytes, len, &verified), "a Verified is whole");
	require(verified.bad <= request.blocks &&
			len == sizeof(verified) + request.digest_bytes +
					verified.bad * sizeof(wire::BadBlock),
		"the blocks of a Verified are those of its request");
}

/* A failure says something about other requests, too, which is not modelled. */
void HostileInitiator::settle(const Request &request, bool failed)
{
	if (failed)
		regions_->forget(this);
	else if (request.header.flags & wire::kCommit)
		check_durable(request);
}

/*
 * A commit stands for what its own ranges hold, a fenced one also for
 * everything that was flushed before.
 */
void HostileInitiator::check_durable(const Request &request)
{
	wire::Type type = request.header.type;
	if (type != wire::Type::write && type != wire::Type::flush)
		return;
	for (const wire::Range &range : request.ranges) {
		FuzzRegion *region = regions_->find(range.token);
		if (!region)
			continue;
		/* A Write that does not flush makes nothing durable itself. */
		bool flushed_only = type == wire::Type::write;
		region->each(range.offset, range.length, [&](uint64_t i) {
			check_byte(*region, i, request, flushed_only);
		});
	}
	if (!(request.header.flags & wire::kFence))
		return;
	for (size_t index = 0; index < FuzzRegions::kCount; index++) {
		FuzzRegion &region = regions_->at(index);
		for (uint64_t i = 0; i < region.known.size(); i++)
			check_byte(region, i, request, true);
	}
}

void HostileInitiator::check_byte(const FuzzRegion &region, uint64_t offset,
				  const Request &request,
				  bool flushed_only) const
{
	const Known &byte = region.known[offset];
	if (!byte.valid || byte.channel != this ||
	    byte.sequence > request.header.sequence ||
	    (flushed_only && !byte.flushed))
		return;
	require(region.medium.durable[offset] == byte.value,
		"what is acknowledged as durable is");
}

} // namespace ofi_pmem::fuzz
