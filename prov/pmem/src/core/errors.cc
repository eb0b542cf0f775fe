/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/errors.hh"

namespace ofi_pmem
{

int prov_errno_of(Cause cause) noexcept
{
	return kProvErrnoBase + static_cast<int>(cause);
}

const char *cause_text(int prov_errno) noexcept
{
	int code = prov_errno - kProvErrnoBase;
	if (code < 0 || code > UINT16_MAX)
		return nullptr;
	switch (static_cast<Cause>(code)) {
	case Cause::none:
		return "no error";
	case Cause::connection_lost:
		return "the channel to the target's persistence service was "
		       "lost; nothing is known about the data";
	case Cause::unknown_key:
		return "the target has no persistent region with this key; it "
		       "was never registered or is closed";
	case Cause::out_of_range:
		return "address and length lie outside the persistent region";
	case Cause::access_denied:
		return "the region was not registered for this kind of access";
	case Cause::store_failed:
		return "the target could not store the data";
	case Cause::flush_failed:
		return "the target could not flush the region; its durable "
		       "state is unknown until it is registered again";
	case Cause::region_poisoned:
		return "an earlier flush of the region failed; it accepts "
		       "nothing until it is registered again";
	case Cause::earlier_write_failed:
		return "an earlier write to this target failed, so the fenced "
		       "operation was not executed";
	case Cause::local_flush_failed:
		return "the data was read, but could not be made durable in "
		       "the local region";
	case Cause::remote_cq_data_failed:
		return "the data is durable as requested, but the remote CQ "
		       "data could not be delivered";
	case Cause::inner_provider:
		return "the inner provider failed the operation";
	case Cause::local_memory:
		return "the local buffer could not be registered";
	case Cause::unsupported_atomic:
		return "the target does not know this atomic operation on this "
		       "datatype";
	case Cause::unsupported_digest:
		return "the target cannot compute this digest";
	case Cause::bad_blocks:
		return "the target read back other bytes than were expected, "
		       "or could not read them; err_data has the list "
		       "(struct fi_pmem_bad_block)";
	case Cause::ledger_violated:
		return "the target's flush ledger shows that not all of the "
		       "data was flushed and drained (FI_OFI_PMEM_LEDGER)";
	case Cause::timed_out:
		return "the target did not answer in time "
		       "(FI_OFI_PMEM_OPERATION_TIMEOUT_MS); nothing is known "
		       "about the data";
	case Cause::sealed_otherwise:
		return "the region is not reached with this region key; it was "
		       "never accepted there, or is not any more";
	case Cause::seal_key_used_up:
		return "the region key has sealed as much as its limit allows";
	case Cause::seal_key_rejected:
		return "one side does not have this region key, or not any "
		       "more";
	}
	return nullptr;
}

} // namespace ofi_pmem
