/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/settling.hh"

#include "initiator/region_cache.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

/*
 * A FLUSH is shorter than 4 GiB and never has 0 bytes: Soft-RoCE takes a 32-bit
 * length, and acknowledges a FLUSH of 4 GiB without flushing anything.
 */
constexpr uint64_t kMaxFlush = 1ULL << 31;

/* The service stores and flushes; the NIC only carries large writes. */
class MessageSettling final : public Settling
{
public:
	MessageSettling() noexcept
		: Settling(Method::message, Debt::service, true)
	{
	}
};

/* A READ on the writes' queue pair pushes them out of the NIC and PCIe. */
class ReadSettling final : public Settling
{
public:
	ReadSettling() noexcept : Settling(Method::read, Debt::nic, false) {}

	bool flush(const RemoteRegion &region, OneSided::Kind, wire::Range *,
		   FlushList *flushes) const noexcept override
	{
		flushes->read = &region;
		return true;
	}
};

/* An IB FLUSH goes behind the writes. */
class NativeSettling final : public Settling
{
public:
	NativeSettling() noexcept : Settling(Method::native, Debt::nic, false)
	{
	}

	bool orders(const TransportTraits &transport) const noexcept override
	{
		return transport.atomic_write;
	}

	bool flush(const RemoteRegion &region, OneSided::Kind kind,
		   wire::Range *range,
		   FlushList *flushes) const noexcept override
	{
		while (range->length && flushes->count < flushes->room) {
			uint64_t part = std::min(range->length, kMaxFlush);
			flushes->list[flushes->count++] =
				region.operation(kind, range->offset, part);
			range->offset += part;
			range->length -= part;
		}
		return !range->length;
	}
};

/* With whole-system persistence an acknowledged write is durable. */
class AckSettling final : public Settling
{
public:
	AckSettling() noexcept : Settling(Method::ack, Debt::none, true) {}
};

const MessageSettling kMessage;
const ReadSettling kRead;
const NativeSettling kNative;
const AckSettling kAck;

} // namespace

bool Settling::flush(const RemoteRegion &, OneSided::Kind, wire::Range *,
		     FlushList *) const noexcept
{
	return true;
}

const Settling &settling_for(Method method) noexcept
{
	switch (method) {
	case Method::message:
		break;
	case Method::read:
		return kRead;
	case Method::native:
		return kNative;
	case Method::ack:
		return kAck;
	}
	return kMessage;
}

} // namespace ofi_pmem
