/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The litmus programs with every durability method, on a NIC as weak as it may
 * be; litmus_app_test.cc has them by libfabric's calls.
 */
#include "litmus/litmus.hh"

#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test::litmus
{

namespace
{

/* A target, by what makes its method. */
struct Machine {
	const char *name;
	NicKind nic;
	bool native_flush;
	bool atomic_write;
	const char *ddio;
	PersistenceDomain domain;
	Granularity granularity;
	PersistenceDomain second_domain; /* of the second region */
	Granularity second_granularity;
};

/* Else GoogleTest reads the padding, which has no value. */
std::ostream &operator<<(std::ostream &out, const Machine &machine)
{
	return out << machine.name;
}

constexpr auto kLines = Granularity::cache_line;
constexpr auto kPages = Granularity::page;
constexpr auto kRc = NicKind::hardware;

const Machine kMachines[] = {
	{"native", kRc, true, true, "off", kDmp, kLines, kDmp, kPages},
	{"native_without_atomic_write", kRc, true, false, "off", kDmp, kLines,
	 kDmp, kLines},
	{"native_soft_roce", NicKind::software, true, true, "on", kDmp, kLines,
	 kDmp, kLines},
	{"read", kRc, false, false, "on", kMhp, kLines, kDmp, kLines},
	{"message", kRc, true, true, "on", kDmp, kLines, kMhp, kLines},
	{"message_page", kRc, true, true, "off", kDmp, kPages, kDmp, kLines},
	{"ack", kRc, true, true, "on", kWsp, kLines, kDmp, kLines},
};

class LitmusFixture : public NicFixture, public Execution
{
protected:
	void open(const Machine &machine)
	{
		nic_.kind = machine.nic;
		nic_.traits.native_flush = machine.native_flush;
		nic_.traits.atomic_write = machine.atomic_write;
		nic_.flushable = machine.native_flush;
		set_param("FI_OFI_PMEM_DDIO", machine.ddio);
		use({open_one(machine.domain, machine.granularity),
		     open_one(machine.second_domain,
			      machine.second_granularity)});
	}

	void TearDown() override
	{
		nic_.watch(nullptr);
		second_channels_.reset();
		NicFixture::TearDown();
	}

private:
	Region open_one(PersistenceDomain domain, Granularity granularity)
	{
		FakeMedium *medium = add_medium(domain);
		medium->granularity = granularity;
		open_key(medium);
		return {medium, key_, kBase};
	}

	void begin(uint64_t seed) override
	{
		channels_ = std::make_unique<ChannelTable>(initiator_.get(),
							   &owner_);
		second_channels_ = std::make_unique<ChannelTable>(
			initiator_.get(), &second_owner_);
		channels_->open(64);
		second_channels_->open(64);
		nic_.be_weak(seed);
	}

	void watch_network(bool on) override
	{
		if (on)
			nic_.watch([this] { search_.look(); });
		else
			nic_.watch(nullptr);
	}

	ssize_t try_post(Do what, bool checked, size_t endpoint,
			 const fi_msg_rma &msg) override
	{
		ChannelTable &table = endpoint ? *second_channels_ : *channels_;
		if (what == Do::drain_all)
			return table.drain_all(msg.context, true, checked);
		OpRequest request =
			is_flush(what) ? OpRequest::flush(msg, scope_of(what))
				       : OpRequest::write(msg);
		bool fence = is_ordered(what) || (flags_of(what) & FI_FENCE) ||
			     what == Do::flush_peer;
		return table.submit(request.at(level_of(what))
					    .inject(flags_of(what) & FI_INJECT)
					    .ordered(is_ordered(what))
					    .fence(fence)
					    .checked(checked)
					    .report(),
				    0);
	}

	static Level level_of(Do what)
	{
		if (what == Do::flush_visible ||
		    (flags_of(what) & FI_DELIVERY_COMPLETE))
			return Level::delivery;
		bool commit = is_flush(what) || is_ordered(what) ||
			      (flags_of(what) & FI_COMMIT_COMPLETE);
		return commit ? Level::commit : Level::transmit;
	}

	static FlushScope scope_of(Do what)
	{
		switch (what) {
		case Do::flush:
		case Do::flush_visible:
			return FlushScope::ranges;
		case Do::flush_region:
			return FlushScope::regions;
		default:
			return FlushScope::everything;
		}
	}

	void progress() override
	{
		initiator_->progress();
		for (RecordingOwner *owner : {&owner_, &second_owner_}) {
			while (!owner->results.empty()) {
				OpResult result = owner->results.front();
				owner->results.pop_front();
				EXPECT_FALSE(result.failure);
				completed(result.context);
			}
		}
	}

	RecordingOwner second_owner_;
	std::unique_ptr<ChannelTable> second_channels_;
};

class Litmus : public LitmusFixture,
	       public ::testing::WithParamInterface<Machine>
{
};

} // namespace

TEST_P(Litmus, NothingForbiddenIsSeen)
{
	open(GetParam());
	run_all();
}

TEST_P(Litmus, NothingForbiddenIsSeenWithSomeChecked)
{
	open(GetParam());
	check_half();
	run_all();
}

INSTANTIATE_TEST_SUITE_P(Machines, Litmus, ::testing::ValuesIn(kMachines),
			 [](const auto &test) {
				 return std::string(test.param.name);
			 });

/* Here or there: what a search finds that is too narrow proves nothing. */
TEST_F(LitmusFixture, WhatIsNotPromisedIsSeen)
{
	constexpr uint64_t kMost = 3000;
	open(kMachines[0]);
	for (const Program &program : programs()) {
		uint64_t seed = 0;
		do {
			if (!program.allowed || !passes(program, ++seed))
				break;
		} while (!seen() && seed < kMost);
		EXPECT_LT(seed, kMost) << program.name;
	}
}

} // namespace ofi_pmem::test::litmus
