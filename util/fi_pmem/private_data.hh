/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The private data of a connection: the client's hello, the server's
 * descriptor of its region, or the reason of its refusal. Little-endian,
 * versioned, and short: RDMA-CM on RoCE carries 56 bytes with a request.
 * Hello and descriptor go as messages too: to endpoints without connection,
 * where the hello has its sender's address at the end.
 *
 *   hello       magic u32, version u16, kind u16
 *               as a message also: bytes u32, address
 *   refusal     magic u32, version u16, kind u16, reason u32
 *   descriptor  magic u32, version u16, kind u16, address u64, key u64,
 *               length u64, flags u32, reserved u32
 *
 * Receivers take longer data than they know (RDMA-CM pads with zeros), never
 * shorter, and only their own version.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fi_pmem
{

inline constexpr uint16_t kProtocolVersion = 1;

enum class Kind : uint16_t { hello = 1, descriptor = 2, refusal = 3 };

enum class Refusal : uint32_t {
	none = 0,
	not_fi_pmem = 1, /* the request has no hello in it */
	version = 2,	 /* the hello is of another version */
	busy = 3,	 /* out of resources */
	interface = 4	 /* arrived on a device that is not served */
};

struct Descriptor {
	static constexpr uint32_t kMapSync = 1; /* mapped with MAP_SYNC */

	uint64_t address = 0; /* of the region's first byte */
	uint64_t key = 0;
	uint64_t length = 0;
	uint32_t flags = 0;
};

using HelloBytes = std::array<unsigned char, 8>;
/* Room for a hello that is a message; zeros behind it. */
using HelloMessage = std::array<unsigned char, 128>;
using RefusalBytes = std::array<unsigned char, 12>;
using DescriptorBytes = std::array<unsigned char, 40>;
static_assert(sizeof(DescriptorBytes) <= 56, "RDMA-CM on RoCE");

/* What a message's head says. */
enum class Head { ok, foreign, other_version };

[[nodiscard]] HelloBytes encode_hello();
[[nodiscard]] RefusalBytes encode_refusal(Refusal reason);
[[nodiscard]] DescriptorBytes encode_descriptor(const Descriptor &descriptor);

[[nodiscard]] Head check_hello(const void *data, size_t bytes);

/* Empty if the address, as of fi_getname(3), has no room. */
[[nodiscard]] std::string encode_hello_message(const std::string &address);

/* Fails also if the address cannot be as long as it says. */
[[nodiscard]] Head decode_hello_message(const HelloMessage &message,
					std::string *address);

/* Fails also on a region that is empty or wraps around the address space. */
[[nodiscard]] Head decode_descriptor(const void *data, size_t bytes,
				     Descriptor *descriptor);

/* Refusal::none if `data` is no refusal of ours. */
[[nodiscard]] Refusal decode_refusal(const void *data, size_t bytes);

} // namespace fi_pmem
