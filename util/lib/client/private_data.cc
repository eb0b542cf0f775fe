/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Encodes the connection's private data, and decodes it with checks.
 */
#include "client/private_data.hh"

#include <algorithm>
#include <utility>

namespace fi_pmem
{

namespace
{

constexpr uint32_t kMagic = 0x4d504946; /* "FIPM" */
constexpr size_t kHeadBytes = 8;
constexpr size_t kAddressAt = kHeadBytes + sizeof(uint32_t);
constexpr size_t kStatusTextAt = kHeadBytes + 4 * sizeof(uint32_t);
static_assert(kStatusTextAt + StatusPart::kMostBytes == sizeof(StatusBytes));

template <typename Number> void store(unsigned char *to, Number value)
{
	for (size_t i = 0; i < sizeof(Number); i++)
		to[i] = static_cast<unsigned char>(value >> (8 * i));
}

template <typename Number> Number load(const unsigned char *from)
{
	Number value = 0;
	for (size_t i = 0; i < sizeof(Number); i++)
		value |= static_cast<Number>(static_cast<Number>(from[i])
					     << (8 * i));
	return value;
}

void store_head(unsigned char *to, Kind kind)
{
	store(to, kMagic);
	store(to + 4, kProtocolVersion);
	store(to + 6, static_cast<uint16_t>(kind));
}

Head check_head(const void *data, size_t bytes, Kind kind, size_t needed)
{
	auto from = static_cast<const unsigned char *>(data);
	if (!from || bytes < kHeadBytes || load<uint32_t>(from) != kMagic)
		return Head::foreign;
	if (load<uint16_t>(from + 4) != kProtocolVersion)
		return Head::other_version;
	if (load<uint16_t>(from + 6) != static_cast<uint16_t>(kind) ||
	    bytes < needed)
		return Head::foreign;
	return Head::ok;
}

} // namespace

HelloBytes encode_hello(uint32_t region)
{
	HelloBytes bytes{};
	store_head(bytes.data(), Kind::hello);
	store(bytes.data() + kHeadBytes, region);
	return bytes;
}

RefusalBytes encode_refusal(Refusal reason)
{
	RefusalBytes bytes{};
	store_head(bytes.data(), Kind::refusal);
	store(bytes.data() + 8, static_cast<uint32_t>(reason));
	return bytes;
}

namespace
{

DescriptorBytes encode_part(Kind kind, const Descriptor &descriptor)
{
	DescriptorBytes bytes{};
	store_head(bytes.data(), kind);
	store(bytes.data() + 8, descriptor.address);
	store(bytes.data() + 16, descriptor.key);
	store(bytes.data() + 24, descriptor.length);
	store(bytes.data() + 32, descriptor.flags);
	store(bytes.data() + 36, descriptor.region);
	return bytes;
}

} // namespace

DescriptorBytes encode_descriptor(const Descriptor &descriptor)
{
	return encode_part(Kind::descriptor, descriptor);
}

DescriptorBytes encode_grant(const Descriptor &part)
{
	return encode_part(Kind::grant, part);
}

ClaimBytes encode_claim(const Claim &claim)
{
	ClaimBytes bytes{};
	store_head(bytes.data(), Kind::claim);
	store(bytes.data() + 8, claim.flags);
	store(bytes.data() + 12, claim.process);
	store(bytes.data() + 16, claim.offset);
	store(bytes.data() + 24, claim.length);
	return bytes;
}

DescriptorBytes encode_denial(const Denial &denial)
{
	DescriptorBytes bytes{};
	store_head(bytes.data(), Kind::denial);
	store(bytes.data() + 8, static_cast<uint16_t>(denial.reason));
	store(bytes.data() + 10, denial.error);
	store(bytes.data() + 12, denial.seconds);
	store(bytes.data() + 16, denial.holder.process);
	store(bytes.data() + 20, denial.holder.port);
	store(bytes.data() + 22, denial.holder.family);
	std::copy(denial.holder.address.begin(), denial.holder.address.end(),
		  bytes.begin() + 24);
	return bytes;
}

Head decode_hello(const void *data, size_t bytes, uint32_t *region)
{
	Head head = check_head(data, bytes, Kind::hello, kHeadBytes);
	if (head != Head::ok)
		return head;
	auto from = static_cast<const unsigned char *>(data);
	bool names_one = bytes >= sizeof(HelloBytes);
	*region = names_one ? load<uint32_t>(from + kHeadBytes) : 0;
	return Head::ok;
}

namespace
{

/* A question is a head, an address with its length, and a number. */
std::string encode_question(Kind kind, const std::string &address,
			    uint32_t number)
{
	std::array<unsigned char, kAddressAt> head{};
	std::array<unsigned char, sizeof(number)> tail{};
	if (address.size() > sizeof(HelloMessage) - head.size() - tail.size())
		return "";
	store_head(head.data(), kind);
	store(head.data() + kHeadBytes, static_cast<uint32_t>(address.size()));
	store(tail.data(), number);
	return std::string(head.begin(), head.end()) + address +
	       std::string(tail.begin(), tail.end());
}

Head decode_question(Kind kind, const HelloMessage &message,
		     std::string *address, uint32_t *number)
{
	Head head =
		check_head(message.data(), message.size(), kind, kAddressAt);
	if (head != Head::ok)
		return head;
	auto bytes = load<uint32_t>(message.data() + kHeadBytes);
	if (bytes > message.size() - kAddressAt - sizeof(*number))
		return Head::foreign;
	auto begin = message.data() + kAddressAt;
	address->assign(begin, begin + bytes);
	*number = load<uint32_t>(begin + bytes);
	return Head::ok;
}

} // namespace

std::string encode_hello_message(const std::string &address, uint32_t region)
{
	return encode_question(Kind::hello, address, region);
}

Head decode_hello_message(const HelloMessage &message, std::string *address,
			  uint32_t *region)
{
	return decode_question(Kind::hello, message, address, region);
}

std::string encode_status_question(const std::string &address, uint32_t offset)
{
	return encode_question(Kind::status_question, address, offset);
}

Head decode_status_question(const HelloMessage &message, std::string *address,
			    uint32_t *offset)
{
	return decode_question(Kind::status_question, message, address, offset);
}

StatusBytes encode_status(const StatusPart &part)
{
	StatusBytes bytes{};
	size_t count = std::min(part.text.size(), StatusPart::kMostBytes);
	store_head(bytes.data(), Kind::status);
	store(bytes.data() + 8, part.generation);
	store(bytes.data() + 12, part.offset);
	store(bytes.data() + 16, part.total);
	store(bytes.data() + 20, static_cast<uint32_t>(count));
	std::copy_n(part.text.begin(), count, bytes.begin() + kStatusTextAt);
	return bytes;
}

Head decode_status(const void *data, size_t bytes, StatusPart *part)
{
	Head head = check_head(data, bytes, Kind::status, sizeof(StatusBytes));
	if (head != Head::ok)
		return head;
	auto from = static_cast<const unsigned char *>(data);
	StatusPart decoded;
	decoded.generation = load<uint32_t>(from + 8);
	decoded.offset = load<uint32_t>(from + 12);
	decoded.total = load<uint32_t>(from + 16);
	auto count = load<uint32_t>(from + 20);
	if (!count || count > StatusPart::kMostBytes ||
	    decoded.total > StatusPart::kMostTotal || count > decoded.total ||
	    decoded.offset > decoded.total - count)
		return Head::foreign;
	decoded.text.assign(from + kStatusTextAt, from + kStatusTextAt + count);
	*part = std::move(decoded);
	return Head::ok;
}

namespace
{

Head decode_part(Kind kind, const void *data, size_t bytes,
		 Descriptor *descriptor)
{
	Head head = check_head(data, bytes, kind, sizeof(DescriptorBytes));
	if (head != Head::ok)
		return head;
	auto from = static_cast<const unsigned char *>(data);
	Descriptor decoded;
	decoded.address = load<uint64_t>(from + 8);
	decoded.key = load<uint64_t>(from + 16);
	decoded.length = load<uint64_t>(from + 24);
	decoded.flags = load<uint32_t>(from + 32);
	decoded.region = load<uint32_t>(from + 36);
	if (!decoded.length ||
	    decoded.address + decoded.length < decoded.length)
		return Head::foreign;
	*descriptor = decoded;
	return Head::ok;
}

} // namespace

Head decode_descriptor(const void *data, size_t bytes, Descriptor *descriptor)
{
	return decode_part(Kind::descriptor, data, bytes, descriptor);
}

Head decode_grant(const DescriptorBytes &message, Descriptor *part)
{
	return decode_part(Kind::grant, message.data(), message.size(), part);
}

Head decode_claim(const HelloMessage &message, Claim *claim)
{
	Head head = check_head(message.data(), message.size(), Kind::claim,
			       sizeof(ClaimBytes));
	if (head != Head::ok)
		return head;
	claim->flags = load<uint32_t>(message.data() + 8);
	claim->process = load<uint32_t>(message.data() + 12);
	claim->offset = load<uint64_t>(message.data() + 16);
	claim->length = load<uint64_t>(message.data() + 24);
	return Head::ok;
}

Head decode_denial(const DescriptorBytes &message, Denial *denial)
{
	Head head = check_head(message.data(), message.size(), Kind::denial,
			       message.size());
	if (head != Head::ok)
		return head;
	auto reason = load<uint16_t>(message.data() + 8);
	auto family = load<uint16_t>(message.data() + 22);
	if (!reason ||
	    reason > static_cast<uint16_t>(Denial::Reason::unconnected) ||
	    (family != 0 && family != 4 && family != 6))
		return Head::foreign;
	denial->reason = static_cast<Denial::Reason>(reason);
	denial->error = load<uint16_t>(message.data() + 10);
	denial->seconds = load<uint32_t>(message.data() + 12);
	denial->holder.process = load<uint32_t>(message.data() + 16);
	denial->holder.port = load<uint16_t>(message.data() + 20);
	denial->holder.family = family;
	std::copy(message.begin() + 24, message.end(),
		  denial->holder.address.begin());
	return Head::ok;
}

Refusal decode_refusal(const void *data, size_t bytes)
{
	Head head =
		check_head(data, bytes, Kind::refusal, sizeof(RefusalBytes));
	if (head == Head::foreign)
		return Refusal::none;
	/*
	 * Whatever another version says in its refusal, the reason is its
	 * version.
	 */
	if (head == Head::other_version)
		return Refusal::version;
	auto from = static_cast<const unsigned char *>(data);
	return static_cast<Refusal>(load<uint32_t>(from + 8));
}

} // namespace fi_pmem
