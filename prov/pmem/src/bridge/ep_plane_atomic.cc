/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An atomic call towards a persistent key is checked, and turned from elements
 * into bytes, because channels know bytes only.
 */
#include "bridge/ep_plane.hh"

#include "bridge/atomic_valid.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "protocol/atomic.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

constexpr uint64_t kAtomicFlags = FI_COMPLETION | FI_MORE | FI_FENCE |
				  FI_INJECT | FI_INJECT_COMPLETE |
				  FI_TRANSMIT_COMPLETE | FI_DELIVERY_COMPLETE |
				  FI_COMMIT_COMPLETE | kPriority;

/* Counts the elements; returns false when there are too many buffers, or the
 * sum wraps. */
template <typename Ioc>
bool sum_elements(const Ioc *ioc, size_t count, size_t max_count,
		  size_t *elements) noexcept
{
	*elements = 0;
	if (count > max_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (__builtin_add_overflow(*elements, ioc[i].count, elements))
			return false;
	}
	return true;
}

/* Holds the local buffers of an atomic call, in bytes. */
struct LocalBytes {
	iovec iov[kMaxIov];
	size_t count;

	/* The elements are known to be few. */
	void assign(const fi_ioc *ioc, size_t ioc_count, size_t size) noexcept
	{
		count = ioc_count;
		for (size_t i = 0; i < count; i++)
			iov[i] = {ioc[i].addr, ioc[i].count * size};
	}
	bool has_null() const noexcept
	{
		return std::any_of(iov, iov + count, [](const iovec &one) {
			return one.iov_len && !one.iov_base;
		});
	}
};

/* Turns a checked call into bytes, for channels. */
class ByteCall
{
public:
	explicit ByteCall(const AtomicCall &call) noexcept
	{
		const fi_msg_atomic &asked = *call.msg;
		size_t size = atomic_size(asked.datatype);
		if (atomic_traits(asked.op).takes_operand)
			operands_.assign(asked.msg_iov, asked.iov_count, size);
		if (call.kind == AtomicKind::compare)
			compare_.assign(call.compare, call.compare_count, size);
		if (call.kind != AtomicKind::base)
			result_.assign(call.result, call.result_count, size);
		for (size_t i = 0; i < asked.rma_iov_count; i++)
			ranges_[i] = {asked.rma_iov[i].addr,
				      asked.rma_iov[i].count * size,
				      asked.rma_iov[i].key};
		msg_.msg_iov = operands_.iov;
		msg_.iov_count = operands_.count;
		msg_.addr = asked.addr;
		msg_.rma_iov = ranges_;
		msg_.rma_iov_count = asked.rma_iov_count;
		msg_.context = asked.context;
		atomic_ = {static_cast<uint8_t>(asked.datatype),
			   static_cast<uint8_t>(asked.op),
			   call.kind != AtomicKind::base,
			   compare_.iov,
			   compare_.count,
			   result_.iov,
			   result_.count};
	}
	ByteCall(const ByteCall &) = delete;
	ByteCall &operator=(const ByteCall &) = delete;

	/* Checks what can be seen in bytes only. */
	[[nodiscard]] int check() const noexcept
	{
		bool null = operands_.has_null() || compare_.has_null() ||
			    result_.has_null();
		return null || !same_service(msg_) ? -FI_EINVAL : 0;
	}

	const fi_msg_rma &msg() const noexcept { return msg_; }
	const AtomicOp &atomic() const noexcept { return atomic_; }

private:
	LocalBytes operands_{};
	LocalBytes compare_{};
	LocalBytes result_{};
	fi_rma_iov ranges_[kMaxRmaIov] = {};
	fi_msg_rma msg_{};
	AtomicOp atomic_{};
};

Level level_of(const AtomicCall &call, bool modifies) noexcept
{
	if ((call.flags & FI_COMMIT_COMPLETE) ||
	    (modifies && params().commit == CommitChoice::all))
		return Level::commit;
	return call.flags & FI_DELIVERY_COMPLETE ? Level::delivery
						 : Level::transmit;
}

} // namespace

/*
 * Checks that there is such an operation; gets how many elements it may have.
 */
int EndpointPlane::check_operation(const AtomicCall &call,
				   size_t *max_elements) const noexcept
{
	const fi_msg_atomic &msg = *call.msg;
	if (call.flags & ~kAtomicFlags) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "flags 0x%llx do not apply to an atomic operation",
			  static_cast<unsigned long long>(call.flags &
							  ~kAtomicFlags));
		return -FI_EBADFLAGS;
	}
	int ret = atomic_valid(host_.inner, host_.owns_atomics, call.kind,
			       msg.datatype, msg.op, max_elements);
	if (ret)
		return ret;
	return find_atomic(msg.datatype, msg.op) ? 0 : -FI_EOPNOTSUPP;
}

/* All sides have the same number of elements; *elements is that number. */
int EndpointPlane::check_elements(const AtomicCall &call,
				  size_t *elements) const noexcept
{
	const fi_tx_attr &limits = *host_.info->tx_attr;
	size_t max_iov = std::min(limits.iov_limit, kMaxIov);
	size_t max_rma_iov = std::min(limits.rma_iov_limit, kMaxRmaIov);
	const fi_msg_atomic &msg = *call.msg;
	size_t wanted = 0;
	bool good = sum_elements(msg.rma_iov, msg.rma_iov_count, max_rma_iov,
				 &wanted);
	auto check = [&](const fi_ioc *ioc, size_t count) {
		size_t sum = 0;
		good = good && sum_elements(ioc, count, max_iov, &sum) &&
		       sum == wanted;
	};
	if (atomic_traits(msg.op).takes_operand)
		check(msg.msg_iov, msg.iov_count);
	if (call.kind != AtomicKind::base)
		check(call.result, call.result_count);
	if (call.kind == AtomicKind::compare)
		check(call.compare, call.compare_count);
	if (!good) {
		PMEM_WARN(
			FI_LOG_EP_DATA,
			"operands, results, values to compare with and "
			"remote ranges must have the same number of elements, "
			"here %zu, in at most %zu local buffers and %zu ranges",
			wanted, max_iov, max_rma_iov);
		return -FI_EINVAL;
	}
	*elements = wanted;
	return 0;
}

ssize_t EndpointPlane::atomic(const AtomicCall &call) noexcept
{
	size_t max_elements = 0;
	size_t elements = 0;
	int ret = check_process();
	if (!ret)
		ret = check_operation(call, &max_elements);
	if (!ret)
		ret = check_elements(call, &elements);
	if (ret)
		return ret;
	const fi_msg_atomic &msg = *call.msg;
	bool inject = call.flags & FI_INJECT;
	if (inject)
		max_elements = std::min(max_elements,
					host_.info->tx_attr->inject_size /
						atomic_size(msg.datatype));
	if (elements > max_elements) {
		PMEM_WARN(FI_LOG_EP_DATA, "%zu elements are more than %zu",
			  elements, max_elements);
		return -FI_EMSGSIZE;
	}
	ByteCall bytes(call);
	ret = bytes.check();
	if (ret)
		return ret;
	bool modifies = atomic_traits(msg.op).modifies();
	return start(OpRequest::atomic(bytes.msg(), bytes.atomic())
			     .at(level_of(call, modifies))
			     .fence(call.flags & FI_FENCE)
			     .inject(inject)
			     .report(call.report));
}

} // namespace ofi_pmem
