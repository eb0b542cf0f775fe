/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/ep_ext.hh"

#include "app/c_enum.hh"
#include "app/c_struct.hh"
#include "app/ep.hh"
#include "core/log.hh"
#include "digest/digest.hh"

#include <rdma/fi_ext_pmem.h>

#include <algorithm>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/* The size that the first version of the header has. */
constexpr size_t kFirstRegionAttr = offsetof(fi_pmem_region_attr, max_length) +
				    sizeof(fi_pmem_region_attr::max_length);

template <typename Theirs, typename Ours>
constexpr bool same(Theirs theirs, Ours ours) noexcept
{
	return static_cast<int>(theirs) == static_cast<int>(ours);
}
static_assert(same(FI_PMEM_METHOD_MESSAGE, Method::message) &&
	      same(FI_PMEM_METHOD_READ, Method::read) &&
	      same(FI_PMEM_METHOD_NATIVE, Method::native) &&
	      same(FI_PMEM_METHOD_ACK, Method::ack));
static_assert(same(FI_PMEM_DOMAIN_NONE, PersistenceDomain::none_forced) &&
	      same(FI_PMEM_DOMAIN_MEMORY_CONTROLLER,
		   PersistenceDomain::memory_controller) &&
	      same(FI_PMEM_DOMAIN_CPU_CACHE, PersistenceDomain::cpu_cache) &&
	      same(FI_PMEM_DOMAIN_DEVICE, PersistenceDomain::device) &&
	      same(FI_PMEM_DOMAIN_SIMULATED, PersistenceDomain::simulated) &&
	      same(FI_PMEM_DOMAIN_SYSTEM, PersistenceDomain::system));
static_assert(same(FI_PMEM_GRANULARITY_BYTE, Granularity::byte) &&
	      same(FI_PMEM_GRANULARITY_CACHE_LINE, Granularity::cache_line) &&
	      same(FI_PMEM_GRANULARITY_PAGE, Granularity::page));
static_assert(FI_PMEM_FLUSH_RANGES == kMaxRmaIov);
static_assert(same(FI_PMEM_DIGEST_CRC32C, DigestAlgorithm::crc32c) &&
	      same(FI_PMEM_DIGEST_CRC64_NVME, DigestAlgorithm::crc64_nvme) &&
	      same(FI_PMEM_DIGEST_CRC64_ECMA, DigestAlgorithm::crc64_ecma) &&
	      same(FI_PMEM_DIGEST_CRC16_T10DIF,
		   DigestAlgorithm::crc16_t10dif) &&
	      same(FI_PMEM_DIGEST_XXH3_64, DigestAlgorithm::xxh3_64) &&
	      same(FI_PMEM_DIGEST_XXH3_128, DigestAlgorithm::xxh3_128) &&
	      same(FI_PMEM_DIGEST_SHA256, DigestAlgorithm::sha256));
static_assert(same(FI_PMEM_COVERS_CACHE, Coverage::cache) &&
	      same(FI_PMEM_COVERS_DOMAIN, Coverage::domain) &&
	      same(FI_PMEM_COVERS_DEVICE, Coverage::device));
static_assert(FI_PMEM_MAX_DIGEST == kMaxDigestLength);
static_assert(same(FI_PMEM_AES_128_GCM, Cipher::aes_128_gcm) &&
	      same(FI_PMEM_AES_256_GCM, Cipher::aes_256_gcm) &&
	      same(FI_PMEM_AES_128_CCM, Cipher::aes_128_ccm) &&
	      same(FI_PMEM_AES_256_CCM, Cipher::aes_256_ccm) &&
	      same(FI_PMEM_CHACHA20_POLY1305, Cipher::chacha20_poly1305));

fi_pmem_region_attr describe(const Endpoint &endpoint,
			     const RemoteRegion &region) noexcept
{
	TargetTraits target = target_traits(region.info);
	fi_pmem_region_attr attr{};
	attr.base = region.info.base;
	attr.length = region.info.length;
	attr.access =
		(region.info.access & wire::kRemoteRead ? FI_REMOTE_READ : 0) |
		(region.info.access & wire::kRemoteWrite ? FI_REMOTE_WRITE : 0);
	attr.method = static_cast<fi_pmem_method>(region.method());
	attr.reason = region.reason;
	attr.domain = static_cast<fi_pmem_domain>(target.domain);
	attr.granularity = static_cast<fi_pmem_granularity>(target.granularity);
	attr.failure_atomic = target.failure_atomic;
	attr.native_order = region.native_order;
	attr.max_length = endpoint.info().ep_attr->max_msg_size;
	attr.digests = region.info.digests & own_digests();
	if (attr.digests && region.info.coverage <= FI_PMEM_COVERS_MEDIUM)
		attr.coverage =
			static_cast<fi_pmem_coverage>(region.info.coverage);
	return attr;
}

int query(Endpoint &endpoint, fi_addr_t peer, uint64_t key,
	  fi_pmem_region_attr *attr) noexcept
{
	if (!check_size(attr, kFirstRegionAttr, "fi_pmem_region_attr",
			FI_LOG_EP_CTRL))
		return -FI_EINVAL;
	RemoteRegion region;
	KeyRing::Key sealed_with;
	int ret = endpoint.plane()->query(peer, key, &region, &sealed_with);
	if (ret)
		return ret;
	size_t room = attr->size;
	fi_pmem_region_attr filled = describe(endpoint, region);
	if (sealed_with) {
		filled.key_id = sealed_with->id();
		filled.cipher = static_cast<fi_pmem_cipher>(
			sealed_with->cipher().cipher);
		filled.key_bytes_left = sealed_with->bytes_left();
	}
	filled.size = std::min(room, sizeof(filled));
	std::memcpy(attr, &filled, filled.size);
	return 0;
}

ssize_t write_ordered(Endpoint &endpoint, const fi_msg_rma *msg,
		      uint64_t flags) noexcept
{
	if (msg->rma_iov_count != 1) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "an ordered write of %zu ranges: must be one",
			  msg->rma_iov_count);
		return -FI_EINVAL;
	}
	RmaCall call{OpKind::write, msg, flags | FI_FENCE | FI_COMMIT_COMPLETE,
		     endpoint.completes(flags)};
	call.ordered = true;
	return endpoint.plane()->rma(call);
}

bool known(const fi_pmem_msg_flush &msg) noexcept
{
	unsigned placement = number_of(msg.placement);
	unsigned selectivity = number_of(msg.selectivity);
	if (placement >= FI_PMEM_PLACE_VISIBLE &&
	    placement <= FI_PMEM_PLACE_PERSISTENT &&
	    selectivity >= FI_PMEM_SELECT_RANGES &&
	    selectivity <= FI_PMEM_SELECT_PEER)
		return true;
	PMEM_WARN(FI_LOG_EP_DATA,
		  "a flush with placement %u, selectivity %u: not ones of "
		  "rdma/fi_ext_pmem.h",
		  placement, selectivity);
	return false;
}

FlushScope scope_of(fi_pmem_selectivity selectivity) noexcept
{
	switch (selectivity) {
	case FI_PMEM_SELECT_RANGES:
		return FlushScope::ranges;
	case FI_PMEM_SELECT_REGIONS:
		return FlushScope::regions;
	case FI_PMEM_SELECT_PEER:
		break;
	}
	return FlushScope::everything;
}

/* Takes the ranges of a message of the header, which has no local buffers. */
template <typename Message> fi_msg_rma ranges_of(const Message &msg) noexcept
{
	fi_msg_rma ranges{};
	ranges.rma_iov = msg.rma_iov;
	ranges.rma_iov_count = msg.rma_iov_count;
	ranges.addr = msg.addr;
	ranges.context = msg.context;
	return ranges;
}

ssize_t flush_ranges(Endpoint &endpoint, const fi_pmem_msg_flush &msg,
		     uint64_t flags) noexcept
{
	if (!known(msg))
		return -FI_EINVAL;
	fi_msg_rma ranges = ranges_of(msg);
	Level level = msg.placement == FI_PMEM_PLACE_PERSISTENT
			      ? Level::commit
			      : Level::delivery;
	bool checked = flags & FI_PMEM_VERIFY;
	if (checked && level != Level::commit) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "FI_PMEM_VERIFY needs FI_PMEM_PLACE_PERSISTENT: what "
			  "is durable is read back");
		return -FI_EINVAL;
	}
	FlushCall call{&ranges, scope_of(msg.selectivity), level,
		       endpoint.completes(flags)};
	call.checked = checked;
	return endpoint.plane()->flush(call);
}

int check_flags(uint64_t flags, uint64_t known, const char *what) noexcept
{
	if (!(flags & ~known))
		return 0;
	PMEM_WARN(FI_LOG_EP_DATA, "flags 0x%llx do not apply to a %s",
		  static_cast<unsigned long long>(flags & ~known), what);
	return -FI_EBADFLAGS;
}

constexpr uint64_t kFlushFlags = FI_COMPLETION | FI_PMEM_VERIFY;

ssize_t flushv(Endpoint &endpoint, const fi_pmem_msg_flush *msg,
	       uint64_t flags) noexcept
{
	int ret = check_flags(flags, kFlushFlags, "flush");
	return ret ? ret : flush_ranges(endpoint, *msg, flags);
}

ssize_t flush(Endpoint &endpoint, uint64_t addr, size_t len, uint64_t key,
	      fi_addr_t peer, fi_pmem_placement placement,
	      void *context) noexcept
{
	fi_rma_iov range{addr, len, key};
	fi_pmem_msg_flush msg{&range,  1,	  peer,
			      context, placement, FI_PMEM_SELECT_RANGES};
	return flush_ranges(endpoint, msg, endpoint.tx_op_flags());
}

ssize_t drain_all(Endpoint &endpoint, void *context, uint64_t flags) noexcept
{
	int ret = check_flags(flags, kFlushFlags, "drain");
	return ret ? ret
		   : endpoint.plane()->drain_all(context,
						 endpoint.completes(flags),
						 flags & FI_PMEM_VERIFY);
}

ssize_t verify(Endpoint &endpoint, const fi_pmem_msg_verify *msg,
	       uint64_t flags) noexcept
{
	int ret = check_flags(flags, FI_COMPLETION, "verification");
	if (ret)
		return ret;
	unsigned digest = number_of(msg->digest);
	if (digest == FI_PMEM_DIGEST_DEFAULT)
		digest = FI_PMEM_DIGEST_XXH3_64;
	auto algorithm = static_cast<DigestAlgorithm>(digest);
	if (digest > UINT8_MAX || !digest_length(algorithm)) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "digest %u: not one of rdma/fi_ext_pmem.h", digest);
		return -FI_EINVAL;
	}
	fi_msg_rma ranges = ranges_of(*msg);
	VerifyOp op{algorithm, msg->block,
		    static_cast<uint8_t *>(msg->digests)};
	return endpoint.plane()->verify(
		{&ranges, op, msg->digests_size, endpoint.completes(flags)});
}

constexpr size_t kMaxLabel = 200;
constexpr size_t kMaxDerived = 1024;

int derive(Endpoint &endpoint, fi_addr_t peer, uint64_t mr_key,
	   const char *label, void *out, size_t len,
	   uint64_t *connection) noexcept
{
	if (!label || strnlen(label, kMaxLabel + 1) > kMaxLabel || !out ||
	    !len || len > kMaxDerived || !connection)
		return -FI_EINVAL;
	TrafficSecret secret;
	Persistence *persistence = endpoint.domain().persistence();
	int ret = 0;
	if (*connection)
		ret = guarded([&] {
			return persistence->exporter(*connection, &secret);
		});
	else
		ret = endpoint.plane()->exporter(peer, mr_key, &secret,
						 connection);
	if (ret)
		return ret;
	auto bytes = static_cast<uint8_t *>(out);
	return export_key(secret, label, bytes, len) ? 0 : -FI_EIO;
}

/* The size that the first version of the header has. */
constexpr size_t kFirstNonces = offsetof(fi_pmem_nonces, connection) +
				sizeof(fi_pmem_nonces::connection);

int take_nonces(Endpoint &endpoint, fi_addr_t peer, uint64_t mr_key,
		uint64_t count, fi_pmem_nonces *nonces) noexcept
{
	if (!nonces || nonces->size < kFirstNonces || !count)
		return -FI_EINVAL;
	uint64_t first = 0;
	int ret = endpoint.plane()->take_nonces(peer, mr_key, count, &first,
						&nonces->connection);
	if (ret)
		return ret;
	nonces->size = sizeof(*nonces);
	nonces->count = count;
	std::fill(std::begin(nonces->first), std::end(nonces->first), 0);
	for (size_t i = 0; i < sizeof(first); i++)
		nonces->first[sizeof(nonces->first) - 1 - i] =
			static_cast<uint8_t>(first >> 8 * i);
	return 0;
}

/* A slot calls the function with our endpoint behind the fid. */
template <auto Function> struct Slot;

template <typename Ret, typename... Args,
	  Ret (*Function)(Endpoint &, Args...) noexcept>
struct Slot<Function> {
	static Ret call(fid_ep *ep, Args... args) noexcept
	{
		auto endpoint = find_ours<Endpoint>(&ep->fid);
		bool usable = endpoint && endpoint->plane();
		return usable ? Function(*endpoint, args...) : -FI_EINVAL;
	}
};

fi_ops_pmem_ep make_ops() noexcept
{
	fi_ops_pmem_ep ops{};
	ops.size = sizeof(ops);
	ops.query = Slot<query>::call;
	ops.write_ordered = Slot<write_ordered>::call;
	ops.flush = Slot<flush>::call;
	ops.flushv = Slot<flushv>::call;
	ops.drain_all = Slot<drain_all>::call;
	ops.verify = Slot<verify>::call;
	ops.derive = Slot<derive>::call;
	ops.take_nonces = Slot<take_nonces>::call;
	return ops;
}

fi_ops_pmem_ep ep_ext_ops = make_ops();

} // namespace

int open_ep_extension(const Endpoint &endpoint, uint64_t flags,
		      void **ops) noexcept
{
	if (flags)
		return -FI_EBADFLAGS;
	if (!endpoint.plane()) {
		PMEM_WARN(FI_LOG_EP_CTRL, FI_PMEM_EP_OPS
			  ": the endpoint was opened without FI_RMA_PMEM");
		return -FI_EOPNOTSUPP;
	}
	*ops = &ep_ext_ops;
	return 0;
}

} // namespace ofi_pmem
