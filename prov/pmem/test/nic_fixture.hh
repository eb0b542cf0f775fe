/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The persistence plane over FakeNic, with one region at a time. */
#pragma once

#include "fake_nic.hh"
#include "plane_fixture.hh"

namespace ofi_pmem::test
{

/* ADR, eADR and whole-system persistence. */
inline constexpr auto kDmp = PersistenceDomain::memory_controller;
inline constexpr auto kMhp = PersistenceDomain::cpu_cache;
inline constexpr auto kWsp = PersistenceDomain::system;

/* The names of what was posted. */
using Words = std::vector<std::string>;

class NicFixture : public PlaneFixture
{
protected:
	using Bytes = std::vector<uint8_t>;

	/* What a test changes of nic_ and the environment before it opens. */
	virtual void prepare() {}

	std::unique_ptr<Transport> make_transport() override
	{
		return std::make_unique<FakeTransport>(shared_nic_);
	}

	/* Later than usual, as tests set traits first. */
	void SetUp() override { prepare(); }

	void TearDown() override
	{
		for (const char *name :
		     {"FI_OFI_PMEM_DDIO", "FI_OFI_PMEM_METHOD"})
			unsetenv(name);
		PlaneFixture::TearDown();
	}

	FakeMedium *add_medium(PersistenceDomain domain)
	{
		FakeMedium *medium = &media_.emplace_back(kRegionLen);
		medium->domain = domain;
		nic_.attach(medium);
		return medium;
	}

	void open_key(FakeMedium *medium)
	{
		if (!transport_) {
			ASSERT_EQ(load_params(), 0);
			PlaneFixture::SetUp();
		}
		medium_ = medium;
		memory_ = medium->visible.data();
		key_ = add_region(medium);
	}

	/* Registers a medium and lets the channel resolve its key. */
	void open_region(FakeMedium *medium)
	{
		open_key(medium);
		resolve();
	}

	/* A region at addresses that nothing is behind. */
	void open_hollow_region(uint8_t *memory, size_t len, FakeMedium *medium)
	{
		open_key(medium);
		auto region = std::make_unique<TargetRegion>();
		region->memory = memory;
		region->len = len;
		region->base = kBase;
		region->access = wire::kRemoteRead | wire::kRemoteWrite;
		region->backend = std::make_unique<FakeBackend>(medium);
		EXPECT_EQ(transport_->register_memory(
				  memory, len, FI_REMOTE_READ | FI_REMOTE_WRITE,
				  true, &region->link_memory),
			  0);
		uint64_t token = 0;
		EXPECT_EQ(table_.add(std::move(region), &token), 0);
		key_ = Key(service_->port(), token).value();
		memory_ = memory;
		resolve();
	}

	void close_region() { table_.remove(Key(key_).token()); }

	void resolve()
	{
		uint8_t byte = 0;
		ASSERT_EQ(submit({false, Level::transmit, false, false}, &byte,
				 1, 0, key_),
			  0);
		ASSERT_FALSE(wait().failure);
		nic_.take_posted();
	}

	/* The remote address, as the NIC has it. */
	uint64_t address(uint64_t offset) const
	{
		return reinterpret_cast<uintptr_t>(memory_) + offset;
	}

	Bytes durable(uint64_t offset, size_t len)
	{
		std::lock_guard guard(medium_->mutex);
		auto from = medium_->durable.begin() +
			    static_cast<ptrdiff_t>(offset);
		return {from, from + static_cast<ptrdiff_t>(len)};
	}

	/* Kept until the test ends, as a caller keeps his buffers. */
	void *keep(const Bytes &data)
	{
		return kept_.emplace_back(data).data();
	}

	void start(const Call &call, const Bytes &data, uint64_t offset)
	{
		ASSERT_EQ(submit(call, keep(data), data.size(), offset, key_),
			  0);
	}

	/* Goes by request; without progress. */
	void inject_more(const Bytes &data, uint64_t offset)
	{
		Call call = kWrite;
		call.inject = call.more = true;
		ASSERT_EQ(
			try_submit(call, keep(data), data.size(), offset, key_),
			0);
	}

	/* How the operation ended. */
	Failure write(const Call &call, const Bytes &data, uint64_t offset)
	{
		return write_from(call, keep(data), data.size(), offset);
	}

	Failure write_from(const Call &call, void *data, size_t len,
			   uint64_t offset)
	{
		ssize_t ret = submit(call, data, len, offset, key_);
		if (ret)
			return {static_cast<int>(-ret), Cause::inner_provider};
		return wait().failure;
	}

	void commit(const Bytes &data, uint64_t offset)
	{
		EXPECT_FALSE(write({true, Level::commit, false, false}, data,
				   offset));
	}

	/* What an application's registration leaves, for add to local_memory().
	 */
	static LocalMemory::Entry entry_of(Bytes *memory, uint64_t access)
	{
		return {{memory->data(), memory->size()}, access, nullptr};
	}

	/* From or into `data`, which `desc` stands for. */
	Failure transfer(const Call &call, void *data, size_t len, void *desc)
	{
		iovec iov{data, len};
		fi_rma_iov rma{kBase, len, key_};
		ssize_t ret = submit_ranges(call, &iov, 1, &rma, 1, &desc);
		if (ret)
			return {static_cast<int>(-ret), Cause::inner_provider};
		return wait().failure;
	}

	ssize_t submit_ranges(const Call &call, const iovec *iov,
			      size_t iov_count, const fi_rma_iov *rma,
			      size_t rma_count, void **desc = nullptr)
	{
		fi_msg_rma msg{};
		msg.msg_iov = iov;
		msg.desc = desc;
		msg.iov_count = iov_count;
		msg.rma_iov = rma;
		msg.rma_iov_count = rma_count;
		return until_taken([&] { return try_submit(call, msg); });
	}

	/* Messages by their wire::Type. */
	static Words names(const std::vector<Posted> &posted)
	{
		Words all;
		for (const Posted &one : posted) {
			if (one.name == "message")
				add_types(one.bytes, &all);
			else
				all.push_back(one.name);
		}
		return all;
	}

	/* Of all that travel together. */
	static void add_types(const Bytes &messages, Words *all)
	{
		size_t len = 0;
		for (size_t at = 0; at < messages.size(); at += len) {
			const uint8_t *message = messages.data() + at;
			len = wire::first_length(message, messages.size() - at);
			ASSERT_NE(len, 0U);
			all->push_back(type_of(message));
		}
	}

	static const char *type_of(const uint8_t *message)
	{
		wire::Header header;
		std::memcpy(&header, message, sizeof(header));
		switch (header.type) {
		case wire::Type::hello:
			return "Hello";
		case wire::Type::write:
			return "Write";
		case wire::Type::flush:
			return "Flush";
		case wire::Type::read:
			return "Read";
		case wire::Type::atomic:
			return "Atomic";
		case wire::Type::resolve:
			return "Resolve";
		case wire::Type::verify:
			return "Verify";
		default:
			return "another message";
		}
	}

	std::shared_ptr<FakeNic> shared_nic_ = std::make_shared<FakeNic>();
	FakeNic &nic_ = *shared_nic_;
	FakeMedium *medium_ = nullptr;
	uint8_t *memory_ = nullptr;
	uint64_t key_ = 0;
	std::deque<Bytes> kept_;
};

} // namespace ofi_pmem::test
