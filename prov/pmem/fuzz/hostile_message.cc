/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How a hostile initiator makes a message of a few bytes of input: numbers of a
 * byte or two become lengths and offsets, the number of a region its token.
 */
#include "digest/digest.hh"
#include "hostile_initiator.hh"
#include "protocol/atomic.hh"

namespace ofi_pmem::fuzz
{

namespace
{

using Bytes = std::vector<uint8_t>;

template <typename Message>
Bytes bytes_of(const Message &message, size_t payload = 0)
{
	auto from = reinterpret_cast<const uint8_t *>(&message);
	Bytes bytes(from, from + sizeof(message));
	bytes.reserve(sizeof(message) + payload);
	return bytes;
}

void append(Bytes *bytes, const std::vector<wire::Range> &ranges)
{
	for (const wire::Range &range : ranges) {
		Bytes more = bytes_of(range);
		bytes->insert(bytes->end(), more.begin(), more.end());
	}
}

/* Makes the header of a complete message say how long it is. */
void set_length(Bytes *bytes)
{
	auto len = static_cast<uint32_t>(bytes->size());
	if (bytes->size() >= sizeof(wire::Header))
		std::memcpy(bytes->data() + offsetof(wire::Header, length),
			    &len, sizeof(len));
}

} // namespace

template <typename Message> Message HostileInitiator::start(Input *input)
{
	auto operation = input->take<uint8_t>();
	auto flags = input->take<uint8_t>();
	return wire::make<Message>(requests_.size() + 1, operation, flags);
}

/* The payload differs from one request to the next. */
void HostileInitiator::append_payload(Bytes *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes->push_back(++last_value_);
}

/* The range is in a known region, close to its end or beyond it; or in none. */
wire::Range HostileInitiator::make_range(Input *input)
{
	auto choice = input->take<uint8_t>();
	wire::Range range{1, input->take<uint16_t>(), input->take<uint16_t>()};
	size_t index = choice % (FuzzRegions::kCount + 1);
	if (index < FuzzRegions::kCount)
		range.token = regions_->at(index).token;
	if (choice & 0x80)
		range.offset = UINT64_MAX - range.offset;
	if (choice & 0x40)
		range.length = UINT64_MAX - range.length;
	return range;
}

Bytes HostileInitiator::make_message(Input *input)
{
	auto kind = input->take<uint8_t>();
	Bytes bytes = make_request(kind & 0xf, input);
	set_length(&bytes);
	if (kind & 0x80)
		spoil(&bytes, input);
	return bytes;
}

Bytes HostileInitiator::make_request(unsigned type, Input *input)
{
	switch (static_cast<wire::Type>(type)) {
	case wire::Type::hello:
		return make_hello(input);
	case wire::Type::resolve: {
		auto resolve = start<wire::Resolve>(input);
		resolve.token = make_range(input).token;
		return bytes_of(resolve);
	}
	case wire::Type::write:
		return make_write(input);
	case wire::Type::flush:
		return make_flush(input);
	case wire::Type::read: {
		auto read = start<wire::Read>(input);
		wire::Range range = make_range(input);
		read.token = range.token;
		read.offset = range.offset;
		read.length = static_cast<uint32_t>(range.length);
		return bytes_of(read);
	}
	case wire::Type::announce:
		return make_announce(input);
	case wire::Type::atomic:
		return make_atomic(input);
	case wire::Type::verify:
		return make_verify(input);
	default:
		return make_raw(input);
	}
}

Bytes HostileInitiator::make_hello(Input *input)
{
	auto hello = wire::make<wire::Hello>(0, input->take<uint8_t>());
	hello.magic = wire::kMagic;
	auto versions = input->take<uint8_t>();
	hello.min_version = versions & 0xf;
	hello.max_version = versions >> 4;
	return bytes_of(hello);
}

Bytes HostileInitiator::make_write(Input *input)
{
	auto write = start<wire::Write>(input);
	wire::Range range = make_range(input);
	write.token = range.token;
	write.offset = range.offset;
	Bytes bytes = bytes_of(write);
	append_payload(&bytes,
		       std::min<uint64_t>(range.length, wire::kMaxPayload));
	return bytes;
}

std::vector<wire::Range> HostileInitiator::make_ranges(Input *input,
						       size_t most)
{
	std::vector<wire::Range> ranges(input->take<uint8_t>() % (most + 1));
	for (wire::Range &range : ranges)
		range = make_range(input);
	return ranges;
}

Bytes HostileInitiator::make_flush(Input *input)
{
	Bytes bytes = bytes_of(start<wire::Flush>(input));
	append(&bytes, make_ranges(input, wire::kMaxRanges + 1));
	return bytes;
}

Bytes HostileInitiator::make_announce(Input *input)
{
	auto announce = start<wire::Announce>(input);
	announce.cq_data = input->take<uint8_t>();
	Bytes bytes = bytes_of(announce);
	append(&bytes, make_ranges(input, wire::kMaxAnnouncedRanges + 1));
	return bytes;
}

/* The ranges have whole elements, with the operands that these need. */
Bytes HostileInitiator::make_atomic(Input *input)
{
	auto atomic = start<wire::Atomic>(input);
	atomic.datatype = input->take<uint8_t>();
	atomic.op = input->take<uint8_t>();
	auto ranges = make_ranges(input, wire::kMaxAtomicRanges + 1);
	atomic.range_count = static_cast<uint16_t>(ranges.size());
	size_t element = std::max<size_t>(atomic_size(atomic.datatype), 1);
	uint64_t total = 0;
	for (wire::Range &range : ranges) {
		range.length -= range.length % element;
		total += range.length;
	}
	AtomicTraits traits = atomic_traits(atomic.op);
	size_t values = size_t{traits.takes_operand} + size_t{traits.compares};
	Bytes bytes = bytes_of(atomic);
	append(&bytes, ranges);
	append_payload(&bytes,
		       std::min<uint64_t>(values * total, wire::kMaxPayload));
	return bytes;
}

/* Makes many blocks, one behind the other. */
Bytes HostileInitiator::make_verify(Input *input)
{
	auto verify = start<wire::Verify>(input);
	verify.algorithm = input->take<uint8_t>();
	verify.compare = input->take<uint8_t>();
	verify.count = input->take<uint16_t>() % (wire::kMaxBlocks + 2);
	std::vector<wire::Range> blocks(verify.count, make_range(input));
	auto step = input->take<uint8_t>();
	for (size_t i = 0; i < blocks.size(); i++)
		blocks[i].offset += i * step;
	Bytes bytes = bytes_of(verify);
	append(&bytes, blocks);
	if (verify.compare)
		append_digests(&bytes, verify.algorithm, blocks);
	return bytes;
}

/* Those of what is durable now. */
void HostileInitiator::append_digests(Bytes *bytes, uint8_t algorithm,
				      const std::vector<wire::Range> &blocks)
{
	auto engine = open_digest(static_cast<DigestAlgorithm>(algorithm));
	if (!engine)
		return;
	for (const wire::Range &block : blocks) {
		if (FuzzRegion *region = regions_->find(block.token))
			region->each(
				block.offset, block.length, [&](uint64_t i) {
					engine->update(
						&region->medium.durable[i], 1);
				});
		Digest digest = engine->finish();
		bytes->insert(bytes->end(), digest.bytes.begin(),
			      digest.bytes.begin() + digest.length);
	}
}

/* A header, in sequence if that is 0, and anything behind it. */
Bytes HostileInitiator::make_raw(Input *input)
{
	auto header = input->take<wire::Header>();
	if (!header.sequence)
		header.sequence = requests_.size() + 1;
	Bytes bytes = bytes_of(header);
	Bytes rest = input->take_bytes(input->take<uint8_t>());
	bytes.insert(bytes.end(), rest.begin(), rest.end());
	return bytes;
}

/* One of its parts is another, or it is longer or shorter. */
void HostileInitiator::spoil(Bytes *bytes, Input *input)
{
	auto at = input->take<uint8_t>();
	auto value = input->take<uint8_t>();
	if (at == UINT8_MAX)
		bytes->resize(bytes->size() + value);
	else if (at == UINT8_MAX - 1)
		bytes->resize(bytes->size() -
			      std::min<size_t>(bytes->size(), value));
	else if (at < bytes->size())
		(*bytes)[at] = value;
	if (at >= UINT8_MAX - 1 && value & 1)
		set_length(bytes);
}

} // namespace ofi_pmem::fuzz
