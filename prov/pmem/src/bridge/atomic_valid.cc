/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/atomic_valid.hh"

#include "protocol/atomic.hh"
#include "protocol/wire.hh"

#include <algorithm>

namespace ofi_pmem
{

size_t limit_atomic_count(fi_datatype datatype, size_t count) noexcept
{
	size_t size = atomic_size(datatype);
	return size ? std::min(count, wire::kMaxAtomicBytes / size) : count;
}

int own_atomic_valid(AtomicKind kind, fi_datatype datatype, fi_op op,
		     size_t *count) noexcept
{
	auto traits = atomic_traits(op);
	bool fits = kind == AtomicKind::compare
			    ? traits.compares
			    : !traits.compares && (kind == AtomicKind::fetch ||
						   !traits.must_fetch());
	if (!fits || !find_atomic(datatype, op))
		return -FI_EOPNOTSUPP;
	*count = limit_atomic_count(datatype, SIZE_MAX);
	return 0;
}

int atomic_valid(fid_ep *inner, bool owned, AtomicKind kind,
		 fi_datatype datatype, fi_op op, size_t *count) noexcept
{
	if (owned)
		return own_atomic_valid(kind, datatype, op, count);
	if (!inner->atomic)
		return -FI_ENOSYS;
	size_t inner_count = 0;
	int ret = 0;
	switch (kind) {
	case AtomicKind::base:
		ret = fi_atomicvalid(inner, datatype, op, &inner_count);
		break;
	case AtomicKind::fetch:
		ret = fi_fetch_atomicvalid(inner, datatype, op, &inner_count);
		break;
	case AtomicKind::compare:
		ret = fi_compare_atomicvalid(inner, datatype, op, &inner_count);
		break;
	}
	if (!ret)
		*count = limit_atomic_count(datatype, inner_count);
	return ret;
}

} // namespace ofi_pmem
