/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The private data of a connection: the client's hello, the server's
 * descriptor of its region, or the reason for its refusal. It is little-endian,
 * versioned, and short: RDMA-CM on RoCE carries 56 bytes with a request. Hello
 * and descriptor also travel as messages, to endpoints without a connection,
 * where the hello has its sender's address at the end.
 *
 *   hello       magic u32, version u16, kind u16, region u32
 *               as a message: bytes u32 and address before the region
 *   refusal     magic u32, version u16, kind u16, reason u32
 *   descriptor  magic u32, version u16, kind u16, address u64, key u64,
 *               length u64, flags u32, region u32
 *   status      magic u32, version u16, kind u16, generation u32, offset u32,
 *               total u32, bytes u32, a part of a text
 *
 * The question for a status is a hello as a message, of its own kind, and with
 * the offset in the text in the place of the region.
 *
 * Over a connection a client may claim a part of the region, to be the only
 * writer there. The server answers with a grant, which has the layout of a
 * descriptor and describes the part with a key for it, or with a denial, which
 * names its holder. A server that takes claims says so in its descriptor's
 * flags.
 *
 *   claim       magic u32, version u16, kind u16, flags u32, process u32,
 *               offset u64, length u64
 *   denial      magic u32, version u16, kind u16, reason u16, error u16,
 *               seconds u32, process u32, port u16, family u16, address[16]
 *
 * Receivers accept data that is longer than they know (RDMA-CM pads with
 * zeros), but none that is shorter, and only their own version.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fi_pmem
{

inline constexpr uint16_t kProtocolVersion = 1;

enum class Kind : uint16_t {
	hello = 1,
	descriptor = 2,
	refusal = 3,
	claim = 4,
	grant = 5,
	denial = 6,
	status_question = 7,
	status = 8
};

enum class Refusal : uint32_t {
	none = 0,
	not_fi_pmem = 1, /* the request has no hello in it */
	version = 2,	 /* the hello is of another version */
	busy = 3,	 /* out of resources */
	interface = 4,	 /* arrived on a device that is not served */
	no_region = 5	 /* fewer regions are served */
};

struct Descriptor {
	static constexpr uint32_t kMapSync = 1; /* mapped with MAP_SYNC */
	static constexpr uint32_t kClaims = 2;	/* the server takes claims */
	static constexpr uint32_t kAuthKey = 4; /* asks for an auth_key */
	static constexpr uint32_t kReadOnly = 8;
	static constexpr uint32_t kPlain = 16; /* provider without ofi_pmem */

	uint64_t address = 0; /* of the region's first byte */
	uint64_t key = 0;
	uint64_t length = 0;
	uint32_t flags = 0;
	uint32_t region = 0; /* the region's number */
};

struct Claim {
	/* Ends the access of everyone who has claimed any part of it before. */
	static constexpr uint32_t kTakeover = 1;

	uint32_t flags = 0;
	uint32_t process = 0; /* the client's, on its host */
	uint64_t offset = 0;  /* in the region */
	uint64_t length = 0;
};

/* The client that has claimed a part of the region. */
struct Holder {
	uint32_t process = 0;
	/*
	 * The address family as the server sees it: 4, 6, or 0 if it is
	 * unknown.
	 */
	uint16_t family = 0;
	uint16_t port = 0;
	std::array<unsigned char, 16> address{}; /* IPv4 uses the first 4 */
};

struct Denial {
	enum class Reason : uint16_t {
		in_use = 1,	/* `holder` has it, for `seconds` */
		range = 2,	/* this is not a part of the region */
		failed = 3,	/* the server met `error` */
		unconnected = 4 /* only connected clients may claim */
	};

	Reason reason = Reason::failed;
	uint16_t error = 0; /* positive fi_errno */
	uint32_t seconds = 0;
	Holder holder;
};

/*
 * A part of what a server says about itself: JSON, which changes with every
 * generation. It has as many bytes as every provider injects.
 */
struct StatusPart {
	static constexpr size_t kMostBytes = 40;      /* bytes of a part */
	static constexpr size_t kMostTotal = 1 << 16; /* bytes of the whole */

	uint32_t generation = 0;
	uint32_t offset = 0;
	uint32_t total = 0;
	std::string text;
};

using HelloBytes = std::array<unsigned char, 12>;
/* Has room for a hello that is a message; zeros follow it. */
using HelloMessage = std::array<unsigned char, 128>;
using RefusalBytes = std::array<unsigned char, 12>;
using DescriptorBytes = std::array<unsigned char, 40>;
using StatusBytes = std::array<unsigned char, 64>;
static_assert(sizeof(DescriptorBytes) <= 56, "RDMA-CM on RoCE");
using ClaimBytes = std::array<unsigned char, 32>;
static_assert(sizeof(ClaimBytes) <= sizeof(HelloMessage), "has room");

/* Holds the contents of a message's head. */
enum class Head { ok, foreign, other_version };

[[nodiscard]] HelloBytes encode_hello(uint32_t region = 0);
[[nodiscard]] RefusalBytes encode_refusal(Refusal reason);
[[nodiscard]] DescriptorBytes encode_descriptor(const Descriptor &descriptor);

/* Sets `*region` on success; it is 0 if the hello names none. */
[[nodiscard]] Head decode_hello(const void *data, size_t bytes,
				uint32_t *region);

/* Returns empty if there is no room for the address, as of fi_getname(3). */
[[nodiscard]] std::string encode_hello_message(const std::string &address,
					       uint32_t region = 0);

/* Also fails if the address cannot be as long as the message says. */
[[nodiscard]] Head decode_hello_message(const HelloMessage &message,
					std::string *address, uint32_t *region);

/* Encodes the question for what follows `offset` in the status, likewise. */
[[nodiscard]] std::string encode_status_question(const std::string &address,
						 uint32_t offset);
[[nodiscard]] Head decode_status_question(const HelloMessage &message,
					  std::string *address,
					  uint32_t *offset);

[[nodiscard]] StatusBytes encode_status(const StatusPart &part);

/*
 * Also fails on a part that is empty or does not lie within a whole of at most
 * kMostTotal bytes.
 */
[[nodiscard]] Head decode_status(const void *data, size_t bytes,
				 StatusPart *part);

/* Also fails on a region that is empty or wraps around the address space. */
[[nodiscard]] Head decode_descriptor(const void *data, size_t bytes,
				     Descriptor *descriptor);

[[nodiscard]] ClaimBytes encode_claim(const Claim &claim);
[[nodiscard]] DescriptorBytes encode_grant(const Descriptor &part);
[[nodiscard]] DescriptorBytes encode_denial(const Denial &denial);

/* The caller checks whether the part lies in the region. */
[[nodiscard]] Head decode_claim(const HelloMessage &message, Claim *claim);

/* Also fails on a part that decode_descriptor() would refuse. */
[[nodiscard]] Head decode_grant(const DescriptorBytes &message,
				Descriptor *part);

/* Also fails on an unknown reason or family. */
[[nodiscard]] Head decode_denial(const DescriptorBytes &message,
				 Denial *denial);

/* Returns Refusal::none if `data` is not a refusal of ours. */
[[nodiscard]] Refusal decode_refusal(const void *data, size_t bytes);

} // namespace fi_pmem
