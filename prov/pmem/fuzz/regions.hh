/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A few small regions for hostile initiators, on media that keep a durable
 * image, and beside each what it should hold as far as that is known: bytes
 * that one channel alone has written, by writes that nothing has failed since.
 */
#pragma once

#include "fake/fake_backend.hh"
#include "harness.hh"
#include "persist/backend_decorator.hh"
#include "persist/ledger_backend.hh"
#include "protocol/wire.hh"
#include "service/region_table.hh"

#include <array>
#include <memory>

namespace ofi_pmem::fuzz
{

/* Whatever comes in must have been checked before it gets here. */
class BoundedBackend final : public BackendDecorator
{
public:
	BoundedBackend(std::unique_ptr<Backend> backend, size_t size)
		: BackendDecorator(std::move(backend)), size_(size)
	{
	}

	int flush(uint64_t offset, size_t len) noexcept override
	{
		check(offset, len);
		return real().flush(offset, len);
	}
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override
	{
		check(offset, len);
		return real().store(offset, source, len);
	}
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override
	{
		check(offset, len);
		return real().store_flush(offset, source, len, stored);
	}
	int load(uint64_t offset, void *target, size_t len) noexcept override
	{
		check(offset, len);
		return real().load(offset, target, len);
	}
	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override
	{
		check(offset, len);
		require(len <= ReadBackBuffer::kSize, "a slice fits");
		return real().read_back(offset, len, into);
	}

private:
	void check(uint64_t offset, size_t len) const noexcept
	{
		require(len && len <= size_ && offset <= size_ - len,
			"a backend's range lies in its region");
	}

	size_t size_;
};

/* Says what was last written to a byte. */
struct Known {
	bool valid = false;
	const void *channel = nullptr; /* its requests name it */
	bool shared = false;	       /* several: in which order is unknown */
	uint8_t value = 0;
	bool flushed = false;  /* with wire::kFlush */
	uint64_t sequence = 0; /* of the write */

	/* It is about to be changed by a request of this channel. */
	void touch(const void *by) noexcept
	{
		shared = shared || (channel && channel != by);
		channel = by;
		valid = false;
	}
};

struct FuzzRegion {
	explicit FuzzRegion(size_t len) : medium(len), known(len) {}

	test::FakeMedium medium;
	std::vector<Known> known;
	uint64_t token = 0;

	/* The part of the range that exists. */
	template <typename Visit>
	void each(uint64_t offset, uint64_t len, Visit visit)
	{
		for (uint64_t i = 0;
		     i < len &&
		     offset < known.size() - std::min<size_t>(i, known.size());
		     i++)
			visit(offset + i);
	}
};

class FuzzRegions
{
public:
	static constexpr size_t kCount = 4;

	explicit FuzzRegions(bool ledgers)
	{
		constexpr uint8_t kAll = wire::kRemoteRead | wire::kRemoteWrite;
		add(0, 512, kAll, true, ledgers);
		add(1, 200, wire::kRemoteRead, true, ledgers);
		add(2, 128, wire::kRemoteWrite, true, ledgers);
		add(3, 300, kAll, false, ledgers);
	}

	RegionTable table;

	FuzzRegion &at(size_t index) { return *regions_[index]; }

	/* Null when there is none with this token. */
	FuzzRegion *find(uint64_t token) noexcept
	{
		for (auto &one : regions_) {
			if (one->token == token)
				return one.get();
		}
		return nullptr;
	}

	/* The application closes it. */
	void close(size_t index)
	{
		static_cast<void>(table.remove(regions_[index]->token));
		for (Known &byte : regions_[index]->known)
			byte.valid = false;
	}

	/* From now on it is unknown what this channel wrote. */
	void forget(const void *channel)
	{
		for (auto &one : regions_) {
			for (Known &byte : one->known) {
				if (byte.channel == channel)
					byte.valid = false;
			}
		}
	}

private:
	void add(size_t index, size_t len, uint8_t access, bool one_sided,
		 bool ledger)
	{
		regions_[index] = std::make_unique<FuzzRegion>(len);
		FuzzRegion &made = *regions_[index];
		made.medium.one_sided = one_sided;
		auto region = std::make_unique<TargetRegion>();
		region->memory = made.medium.visible.data();
		region->len = len;
		region->base = 0x100000 + index;
		region->access = access;
		region->backend = std::make_unique<BoundedBackend>(
			std::make_unique<test::FakeBackend>(&made.medium), len);
		if (ledger)
			region->backend = std::make_unique<LedgerBackend>(
				std::move(region->backend));
		if (one_sided)
			region->link_memory = std::make_unique<LinkMemory>();
		require(!table.add(std::move(region), &made.token),
			"a region is added");
	}

	std::array<std::unique_ptr<FuzzRegion>, kCount> regions_;
};

} // namespace ofi_pmem::fuzz
