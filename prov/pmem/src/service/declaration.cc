/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/declaration.hh"

#include "core/log.hh"
#include "digest/digest.hh"

#include <atomic>

namespace ofi_pmem
{

namespace
{

void warn_of_ddio(NicKind kind) noexcept
{
	static std::atomic<bool> warned{false};
	if (!warned.exchange(true))
		PMEM_WARN(FI_LOG_MR,
			  "FI_OFI_PMEM_DDIO=off is ignored: the NIC is %s; "
			  "data that the CPU places is in the CPU's caches",
			  kind == NicKind::software ? "software"
						    : "of unknown kind");
}

bool has_ddio_off(const NicTraits &nic, const Params &administrator) noexcept
{
	if (administrator.ddio != DdioChoice::off)
		return false;
	if (nic.kind == NicKind::hardware)
		return true;
	warn_of_ddio(nic.kind);
	return false;
}

} // namespace

void declare(const Backend &backend, const NicTraits &nic,
	     const Params &administrator, wire::Region *answer) noexcept
{
	answer->granularity = static_cast<uint8_t>(backend.granularity());
	answer->domain = static_cast<uint8_t>(backend.domain());
	unsigned traits = 0;
	if (has_ddio_off(nic, administrator))
		traits |= wire::kDdioOff;
	if (administrator.native_flush == NativeFlushChoice::vouched)
		traits |= wire::kVouched;
	if (nic.flushable &&
	    administrator.native_flush != NativeFlushChoice::off)
		traits |= wire::kFlushable;
	if (nic.kind == NicKind::software)
		traits |= wire::kSoftwareNic;
	answer->traits = static_cast<uint8_t>(traits);
	answer->digests = static_cast<uint8_t>(own_digests());
	answer->coverage = static_cast<uint8_t>(backend.coverage());
}

} // namespace ofi_pmem
