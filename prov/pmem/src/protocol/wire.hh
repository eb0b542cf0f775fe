/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The messages of a channel, as they lie in memory and on the wire: little
 * endian, no implicit padding, version first. Requests are numbered 1, 2, ...
 * per channel and answered in that order. An Ack for sequence n with status 0
 * means that every request up to n that was not answered before succeeded. With
 * another status it means this for the requests before n, and that n failed.
 *
 *   initiator                              service
 *   Hello               ->
 *                       <-                 HelloAck [+ Challenge
 *   Response            ->
 *                       <-                 Accepted]
 *   or, on a channel that is sealed from then on,
 *   SealOffer           ->
 *                       <-                 SealAccepted | SealRefused]
 *   Resolve (key)       ->
 *                       <-                 Region  | Ack (failed)
 *   Write + payload     ->
 *                       <-                 Ack
 *   Flush + ranges      ->
 *                       <-                 Ack
 *   Read                ->
 *                       <-                 Data + payload | Ack (failed)
 *   Atomic + operands   ->
 *                       <-                 Ack
 *   the same, kFetch    ->
 *                       <-                 Data + payload | Ack (failed)
 *   Announce + ranges   ->
 *                       <-                 Ack
 *   Verify + blocks     ->
 *                       <-                 Verified | Ack (failed)
 *
 * Data or Verified for sequence n means the same for the requests before n as
 * an Ack does. An initiator may send several messages as one, end to end.
 *
 * Before anything received is used, parse<>() checks its length, and its
 * meaning is checked, by the sources that wire_readers.txt lists.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ofi_pmem::wire
{

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "the wire is little endian; big-endian hosts need conversions");

/*
 * The layouts of Header, Hello and HelloAck never change; others may, and new
 * messages may be added. Either makes a new version. A side that knows several
 * versions speaks the newest that both know. A message carries the version that
 * introduced its layout:
 *   1  Hello to Ack
 *   2  Atomic, Announce
 *   3  Region declares what the choice of the method needs
 *   4  and how its memory is aligned
 *   5  a Hello ends the channel's earlier connection
 *   6  several requests travel as one message of the transport
 *   7  Verify; Region has digests and coverage, which were reserved and 0
 *   8  Challenge, Response, Accepted
 *   9  over sockets: the messages follow each other without a framing, and
 *      HelloAck::max_payload may be kMaxLongPayload
 *  10  SealOffer, SealAccepted, SealRefused; what follows is in records
 *      (seal/record.hh)
 */
inline constexpr uint32_t kMagic = 0x4d454d50; /* "PMEM" */
inline constexpr uint8_t kVersion = 10;
inline constexpr uint8_t kMinVersion = 6;

/* One request or answer has at most this many bytes of user data. */
inline constexpr size_t kMaxPayload = 65536;

/* Except a Write on a channel over sockets, which has at most this many. */
inline constexpr uint32_t kMaxLongPayload = 1 << 30;

/* Returns the HelloAck::max_payload of a channel. */
constexpr uint32_t max_payload(bool over_sockets) noexcept
{
	return over_sockets ? kMaxLongPayload : kMaxPayload;
}

/* One channel has at most this many unanswered requests. */
inline constexpr uint32_t kMaxCredits = 64;

enum class Type : uint8_t {
	hello = 1,
	hello_ack = 2,
	resolve = 3,
	region = 4,
	write = 5,
	flush = 6,
	read = 7,
	data = 8,
	ack = 9,
	atomic = 10,
	announce = 11,
	verify = 12,
	verified = 13,
	challenge = 14,
	response = 15,
	accepted = 16,
	seal_offer = 17,
	seal_accepted = 18,
	seal_refused = 19,
};
inline constexpr Type kLastType = Type::seal_refused;

/* Both ends must know this version if an auth_key is required. */
inline constexpr uint8_t kAuthVersion = 8;
/* And this one if the channel is to be sealed. */
inline constexpr uint8_t kSealVersion = 10;

constexpr uint8_t version_of(Type type) noexcept
{
	switch (type) {
	case Type::verify:
	case Type::verified:
		return 7;
	case Type::challenge:
	case Type::response:
	case Type::accepted:
		return kAuthVersion;
	case Type::seal_offer:
	case Type::seal_accepted:
	case Type::seal_refused:
		return kSealVersion;
	default:
		return 6;
	}
}

/* Header::flags of requests. */
enum Flag : uint16_t {
	/* Write, Atomic: flush what is stored; a later commit drains it. */
	kFlush = 1 << 0,
	/* Write, Flush, Atomic: answer after the drain. */
	kCommit = 1 << 1,
	/*
	 * Execute after everything before it is durable, and only if nothing
	 * failed since the last such request.
	 */
	kFence = 1 << 2,
	/* Atomic: answer with the previous values. */
	kFetch = 1 << 3,
};

struct Header {
	uint8_t version;
	Type type;
	uint16_t flags;
	uint32_t length; /* of the whole message, bytes */
	uint64_t sequence;
	uint64_t
		operation; /* the initiator's id of the operation, for traces */
};
static_assert(sizeof(Header) == 24);

/*
 * header.operation names the channel by a random number, which stays the same
 * when it connects again. The service ends its earlier connection first, so
 * that nothing still under way there is executed after what the new one
 * carries.
 */
struct Hello {
	static constexpr Type kType = Type::hello;
	Header header;
	uint32_t magic;
	uint8_t min_version;
	uint8_t max_version;
	uint16_t reserved;
};
static_assert(sizeof(Hello) == 32);

/* Header::flags of a HelloAck: a Challenge follows, and asks for an auth_key.
 */
inline constexpr uint16_t kAuthenticate = 1 << 0;
/*
 * Of a Hello: the channel is to be sealed. Of its HelloAck: the target can do
 * that; a Challenge follows.
 */
inline constexpr uint16_t kSeal = 1 << 1;

struct HelloAck {
	static constexpr Type kType = Type::hello_ack;
	Header header;
	uint32_t magic;
	uint8_t min_version; /* what the service speaks */
	uint8_t max_version;
	uint16_t status; /* 0 or a positive fi_errno */
	uint32_t credits;
	uint32_t max_payload; /* of a Write: kMaxPayload or kMaxLongPayload */
};
static_assert(sizeof(HelloAck) == 40);

/* protocol/handshake.hh uses these. */
using Nonce = std::array<uint8_t, 32>;
using Proof = std::array<uint8_t, 32>;

struct Challenge {
	static constexpr Type kType = Type::challenge;
	Header header;
	Nonce nonce;
};
static_assert(sizeof(Challenge) == 56);

struct Response {
	static constexpr Type kType = Type::response;
	Header header;
	Nonce nonce;
	Proof proof;
};
static_assert(sizeof(Response) == 88);

struct Accepted {
	static constexpr Type kType = Type::accepted;
	Header header;
	Proof proof;
};
static_assert(sizeof(Accepted) == 56);

/*
 * Names the region key that the channel is sealed with, and proves to have it.
 * Without an auth_key the proof of that is 0. protocol/seal_handshake.hh says
 * what is proven.
 */
struct SealOffer {
	static constexpr Type kType = Type::seal_offer;
	Header header;
	Nonce nonce;
	uint64_t key_id;
	uint8_t cipher; /* ofi_pmem::Cipher */
	uint8_t reserved[7];
	Proof auth_proof;
	Proof key_proof;
};
static_assert(sizeof(SealOffer) == 136);

/* Everything behind it is sealed, in both directions. */
struct SealAccepted {
	static constexpr Type kType = Type::seal_accepted;
	Header header;
	Proof auth_proof;
	Proof key_proof;
};
static_assert(sizeof(SealAccepted) == 88);

/* The target does not have this key, or not any more. */
struct SealRefused {
	static constexpr Type kType = Type::seal_refused;
	Header header;
};
static_assert(sizeof(SealRefused) == 24);

struct Resolve {
	static constexpr Type kType = Type::resolve;
	Header header;
	uint64_t token;
};
static_assert(sizeof(Resolve) == 32);

struct Region {
	static constexpr Type kType = Type::region;
	Header header;
	uint64_t base; /* the address that stands for the first byte */
	uint64_t length;
	uint64_t lower_base; /* for one-sided access by the channel */
	uint64_t lower_key;
	uint64_t notify_base; /* for 0-byte writes with remote CQ data */
	uint64_t notify_key;
	uint8_t granularity; /* ofi_pmem::Granularity */
	uint8_t domain;	     /* ofi_pmem::PersistenceDomain */
	uint8_t one_sided;   /* lower_* may be used */
	uint8_t access;	     /* Access bits */
	uint8_t traits;	     /* Trait bits */
	/*
	 * 1, 2, 4 or 8: an address that is aligned to this many bytes, or
	 * fewer, is equally aligned in the target's memory.
	 */
	uint8_t alignment;
	uint8_t digests;  /* a DigestMask: the algorithms that Verify takes */
	uint8_t coverage; /* ofi_pmem::Coverage */
};
static_assert(sizeof(Region) == 80);

/* The target's declaration of a region's NIC and platform; 0 is the weakest. */
enum Trait : uint8_t {
	kDdioOff = 1 << 0,     /* the NIC bypasses the CPU's caches */
	kVouched = 1 << 1,     /* FLUSH reaches the persistence domain */
	kFlushable = 1 << 2,   /* lower_key accepts FLUSH, and it is executed */
	kSoftwareNic = 1 << 3, /* the CPU places what arrives */
};

enum Access : uint8_t { kRemoteRead = 1 << 0, kRemoteWrite = 1 << 1 };

struct Write {
	static constexpr Type kType = Type::write;
	Header header;
	uint64_t token;
	uint64_t offset;
	/* header.length - sizeof(Write) bytes of payload follow */
};
static_assert(sizeof(Write) == 40);

struct Flush {
	static constexpr Type kType = Type::flush;
	Header header;
	/* (header.length - sizeof(Flush)) / sizeof(Range) ranges follow */
};
static_assert(sizeof(Flush) == 24);

struct Range {
	uint64_t token;
	uint64_t offset;
	uint64_t length;
};
static_assert(sizeof(Range) == 24);

constexpr bool overlap(const Range &a, const Range &b) noexcept
{
	return a.token == b.token && a.offset < b.offset + b.length &&
	       b.offset < a.offset + a.length;
}

inline constexpr size_t kMaxRanges = 128;

struct Read {
	static constexpr Type kType = Type::read;
	Header header;
	uint64_t token;
	uint64_t offset;
	uint32_t length;
	uint32_t reserved;
};
static_assert(sizeof(Read) == 48);

struct Data {
	static constexpr Type kType = Type::data;
	Header header;
	/* header.length - sizeof(Data) bytes of payload follow */
};
static_assert(sizeof(Data) == 24);

/*
 * After the operation has succeeded, this CQ data follows on the application's
 * own endpoint.
 */
struct Announce {
	static constexpr Type kType = Type::announce;
	Header header;
	uint64_t cq_data;
	/* (header.length - sizeof(Announce)) / sizeof(Range) ranges follow */
};
static_assert(sizeof(Announce) == 32);
inline constexpr size_t kMaxAnnouncedRanges = 8;

struct Ack {
	static constexpr Type kType = Type::ack;
	Header header;
	uint16_t status; /* 0 or a positive fi_errno */
	uint16_t cause;	 /* ofi_pmem::Cause */
	uint32_t reserved;
};
static_assert(sizeof(Ack) == 32);

/*
 * Digests blocks of persistent regions after everything before it is executed
 * and, if that includes a commit, drained. A request to compare that finds a
 * bad block counts as failed for the next fence.
 */
struct Verify {
	static constexpr Type kType = Type::verify;
	Header header;
	uint8_t algorithm; /* ofi_pmem::DigestAlgorithm */
	uint8_t compare;   /* 1: with the digests behind the blocks; else 0 */
	uint16_t count;
	uint32_t reserved;
	/* `count` Ranges follow and, to compare, as many digests. */
};
static_assert(sizeof(Verify) == 32);

struct BadBlock {
	uint16_t index;
	uint16_t status; /* 0: it differs; else why it cannot be read */
	uint32_t reserved;
	uint8_t found[32];
};
static_assert(sizeof(BadBlock) == 40);

struct Verified {
	static constexpr Type kType = Type::verified;
	Header header;
	uint16_t digests; /* as many as blocks; 0 for a comparison */
	uint16_t bad;
	uint32_t reserved;
	/* The digests follow, then `bad` BadBlocks, ascending by index. */
};
static_assert(sizeof(Verified) == 32);

/* One Verify has at most this many blocks. */
inline constexpr size_t kMaxBlocks = 512;

/* The numbers of the atomic operations and datatypes are libfabric's. */
struct Atomic {
	static constexpr Type kType = Type::atomic;
	Header header;
	uint8_t datatype; /* enum fi_datatype */
	uint8_t op;	  /* enum fi_op */
	uint16_t range_count;
	uint32_t reserved;
	/*
	 * Ranges of whole elements follow, then one operand for each element
	 * (not for FI_ATOMIC_READ), then as many values to compare with (only
	 * for FI_CSWAP to FI_MSWAP). Neither is aligned.
	 */
};
static_assert(sizeof(Atomic) == 32);

inline constexpr size_t kMaxAtomicRanges = 8;

/* Follows fi_mr(3): returned values count as read. */
constexpr uint8_t access_for_atomic(bool modifies, bool fetches) noexcept
{
	return static_cast<uint8_t>((modifies ? kRemoteWrite : 0) |
				    (fetches ? kRemoteRead : 0));
}

/* The maximum bytes of elements in one Atomic; operands and comparands fit. */
inline constexpr size_t kMaxAtomicBytes = kMaxPayload / 2;

/* The largest message is an Atomic with all its ranges and a full payload. */
inline constexpr size_t kMaxMessage =
	kMaxPayload + sizeof(Atomic) + kMaxAtomicRanges * sizeof(Range);

/*
 * Over sockets a Write that is longer than this, as a message, is stored while
 * its payload arrives. It is received to where it belongs, which spares a copy.
 */
inline constexpr size_t kMaxWholeWrite = 16384;
inline constexpr size_t kMaxLongWrite = sizeof(Write) + kMaxLongPayload;

template <typename Message>
Message make(uint64_t sequence, uint64_t operation, uint16_t flags = 0,
	     size_t payload = 0) noexcept
{
	Message message{};
	message.header.version = version_of(Message::kType);
	message.header.type = Message::kType;
	message.header.flags = flags;
	message.header.length =
		static_cast<uint32_t>(sizeof(Message) + payload);
	message.header.sequence = sequence;
	message.header.operation = operation;
	return message;
}

/*
 * Returns the length of the first of the messages in `bytes`, or 0 if they do
 * not begin with a whole one.
 */
[[nodiscard]] inline size_t first_length(const uint8_t *bytes,
					 size_t len) noexcept
{
	Header header;
	if (len < sizeof(header))
		return 0;
	std::memcpy(&header, bytes, sizeof(header));
	bool whole = header.length >= sizeof(header) && header.length <= len;
	return whole ? header.length : 0;
}

/*
 * Copies the fixed part of a received message out of `bytes`, which may be
 * unaligned. Returns false if the message is too short, longer or shorter than
 * its header says, of another type, or of another version of that type (Hello
 * and HelloAck, which negotiate the version, are accepted in any version). Of
 * the message `rest` bytes have not been received.
 */
template <typename Message>
[[nodiscard]] bool parse(const uint8_t *bytes, size_t len, Message *message,
			 size_t rest = 0) noexcept
{
	if (len < sizeof(Message))
		return false;
	std::memcpy(message, bytes, sizeof(Message));
	constexpr bool any_version = Message::kType == Type::hello ||
				     Message::kType == Type::hello_ack;
	return message->header.length == len + rest &&
	       message->header.type == Message::kType &&
	       (any_version ||
		message->header.version == version_of(Message::kType));
}

} // namespace ofi_pmem::wire
