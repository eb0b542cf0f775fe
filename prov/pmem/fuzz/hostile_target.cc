/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "hostile_target.hh"

#include "digest/digest.hh"

namespace ofi_pmem::fuzz
{

namespace
{

template <typename Message> Bytes bytes_of(const Message &message)
{
	auto from = reinterpret_cast<const uint8_t *>(&message);
	return {from, from + sizeof(message)};
}

bool is_flush(OneSided::Kind kind) noexcept
{
	return kind == OneSided::Kind::flush_persistent ||
	       kind == OneSided::Kind::flush_visible;
}

} // namespace

HostileTarget::HostileTarget(ScriptLink *link) : link_(link)
{
	link->on_send = [this](const uint8_t *bytes, size_t len) {
		take_messages(bytes, len);
	};
	link->on_chain = [this](const OneSided *chain, size_t count) {
		take_chain(chain, count);
	};
}

void HostileTarget::take_messages(const uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		size_t one = wire::first_length(bytes + done, len - done);
		require(one > 0, "requests are whole");
		Request request{};
		std::memcpy(&request.header, bytes + done,
			    sizeof(request.header));
		wire::Read read;
		wire::Atomic atomic;
		if (wire::parse(bytes + done, one, &read))
			request.bytes = read.length;
		else if (wire::parse(bytes + done, one, &atomic))
			for (size_t i = 0; i < atomic.range_count; i++) {
				wire::Range range;
				std::memcpy(&range,
					    bytes + done + sizeof(atomic) +
						    i * sizeof(range),
					    sizeof(range));
				request.bytes += range.length;
			}
		else if (wire::parse(bytes + done, one, &request.verify))
			require(request.verify.count <= wire::kMaxBlocks,
				"not too many blocks are asked for");
		if (request.header.type != wire::Type::hello)
			unanswered_.push_back(request);
		done += one;
	}
}

void HostileTarget::take_chain(const OneSided *chain, size_t count)
{
	Chain taken;
	for (size_t i = 0; i < count; i++) {
		check_remote(chain[i]);
		taken.kinds.push_back(chain[i].kind);
		/* An atomic write's bytes travel in its work request. */
		size_t buffers = chain[i].kind == OneSided::Kind::atomic_write
					 ? 0
					 : chain[i].iov_count;
		taken.local.emplace_back(chain[i].iov, chain[i].iov + buffers);
	}
	chains_.push_back(std::move(taken));
}

/* Within what was declared for its key, whenever that was. */
void HostileTarget::check_remote(const OneSided &operation) const
{
	bool inside = std::any_of(
		declared_.begin(), declared_.end(), [&](const Declared &one) {
			return operation.key == one.key &&
			       operation.addr - one.base <= one.length &&
			       operation.len <=
				       one.length - (operation.addr - one.base);
		});
	/* An empty region is flushed by its first byte. */
	require(inside || (operation.len == 1 && is_flush(operation.kind)),
		"a one-sided operation stays in the declared region");
}

/* A NIC touches the memory at any time until the operation completes. */
void HostileTarget::touch(OneSided::Kind kind, const iovec &local)
{
	static Bytes copy;
	if (kind == OneSided::Kind::read) {
		std::memset(local.iov_base, 0x5a, local.iov_len);
		return;
	}
	copy.resize(std::max(copy.size(), local.iov_len));
	std::memcpy(copy.data(), local.iov_base, local.iov_len);
}

Completion HostileTarget::finish(int err)
{
	Completion completion = link_->finish(err);
	if (completion.handle.kind != Handle::one_sided)
		return completion;
	Chain chain = std::move(chains_.front());
	chains_.pop_front();
	for (size_t i = 0; i < chain.kinds.size(); i++) {
		for (const iovec &local : chain.local[i])
			touch(chain.kinds[i], local);
	}
	return completion;
}

void HostileTarget::delivers(const Bytes &bytes)
{
	wire::Region region;
	if (!wire::parse(bytes.data(), bytes.size(), &region))
		return;
	declared_.push_back(
		{region.lower_key, region.lower_base, region.length});
	base_ = region.base;
}

Bytes HostileTarget::make_answer(Input *input)
{
	auto choice = input->take<uint8_t>();
	Bytes bytes;
	if (choice == 0x7f) {
		bytes = bytes_of(input->take<wire::Header>());
		Bytes rest = input->take_bytes(input->take<uint8_t>());
		bytes.insert(bytes.end(), rest.begin(), rest.end());
	} else if (!greeted_) {
		bytes = make_hello_ack(input);
		greeted_ = true;
	} else if (unanswered_.empty()) {
		bytes = make_ack(choice, input, false);
	} else {
		/* The last answer stands for several requests at once. */
		size_t together = std::min<size_t>(choice >> 4 & 7,
						   unanswered_.size() - 1);
		unanswered_.erase(unanswered_.begin(),
				  unanswered_.begin() +
					  static_cast<ptrdiff_t>(together));
		bytes = choice & 1
				? make_ack(unanswered_.front().header.sequence,
					   input, true)
				: make_right_answer(input);
		unanswered_.pop_front();
	}
	if (choice & 0x80)
		spoil(&bytes, input);
	return bytes;
}

Bytes HostileTarget::make_right_answer(Input *input)
{
	const Request &request = unanswered_.front();
	uint64_t sequence = request.header.sequence;
	switch (request.header.type) {
	case wire::Type::resolve:
		return make_region(sequence, input);
	case wire::Type::read:
		return make_data(request);
	case wire::Type::atomic:
		return request.header.flags & wire::kFetch
			       ? make_data(request)
			       : make_ack(sequence, input, false);
	case wire::Type::verify:
		return make_verified(request, input);
	default:
		return make_ack(sequence, input, false);
	}
}

Bytes HostileTarget::make_hello_ack(Input *input)
{
	auto ack = wire::make<wire::HelloAck>(0, 0);
	ack.magic = wire::kMagic;
	auto other = input->take<uint8_t>();
	ack.min_version = wire::kMinVersion;
	ack.max_version = other & 1 ? other : wire::kVersion;
	ack.credits = wire::kMaxCredits - (other & 2 ? other >> 2 : 0);
	ack.max_payload = wire::kMaxPayload;
	return bytes_of(ack);
}

Bytes HostileTarget::make_region(uint64_t sequence, Input *input)
{
	auto region = wire::make<wire::Region>(sequence, 0);
	region.base = uint64_t{input->take<uint8_t>()} << 12;
	region.length = input->take<uint32_t>();
	region.lower_base = uint64_t{input->take<uint8_t>()} << 3;
	region.lower_key = sequence;
	region.granularity = input->take<uint8_t>();
	region.domain = input->take<uint8_t>();
	auto bits = input->take<uint8_t>();
	region.one_sided = bits & 1;
	region.traits = bits >> 1;
	region.access = wire::kRemoteRead | wire::kRemoteWrite;
	region.alignment = static_cast<uint8_t>(1 << (bits >> 6));
	region.digests = static_cast<uint8_t>(available_digests());
	return bytes_of(region);
}

Bytes HostileTarget::make_data(const Request &request)
{
	Bytes bytes = bytes_of(wire::make<wire::Data>(request.header.sequence,
						      0, 0, request.bytes));
	bytes.resize(bytes.size() + request.bytes, 0xda);
	return bytes;
}

Bytes HostileTarget::make_verified(const Request &request, Input *input)
{
	auto bad = input->take<uint8_t>();
	size_t digests = request.verify.compare ? 0 : request.verify.count;
	size_t each = digest_length(
		static_cast<DigestAlgorithm>(request.verify.algorithm));
	size_t body = digests * each + bad * sizeof(wire::BadBlock);
	auto verified =
		wire::make<wire::Verified>(request.header.sequence, 0, 0, body);
	verified.digests = static_cast<uint16_t>(digests);
	verified.bad = bad;
	Bytes bytes = bytes_of(verified);
	bytes.resize(bytes.size() + digests * each, 0xd1);
	for (uint16_t i = 0; i < bad; i++) {
		wire::BadBlock one{};
		one.index = i;
		one.status = input->take<uint8_t>();
		Bytes more = bytes_of(one);
		bytes.insert(bytes.end(), more.begin(), more.end());
	}
	return bytes;
}

Bytes HostileTarget::make_ack(uint64_t sequence, Input *input, bool fails)
{
	auto ack = wire::make<wire::Ack>(sequence, 0);
	if (fails) {
		ack.status = input->take<uint8_t>();
		ack.cause = input->take<uint8_t>();
	}
	return bytes_of(ack);
}

void HostileTarget::spoil(Bytes *bytes, Input *input)
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
	auto len = static_cast<uint32_t>(bytes->size());
	if (at >= UINT8_MAX - 1 && (value & 1) && len >= sizeof(wire::Header))
		std::memcpy(bytes->data() + offsetof(wire::Header, length),
			    &len, sizeof(len));
}

} // namespace ofi_pmem::fuzz
