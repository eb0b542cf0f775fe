/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The litmus programs with every durability method, on a NIC as weak as it may
 * be. LITMUS_SEEDS (8) is the number of schedules of each, LITMUS_SEED the
 * first.
 */
#include <cstdlib>

#include "litmus.hh"
#include "nic_fixture.hh"

namespace ofi_pmem::test::litmus
{

namespace
{

constexpr size_t kLine = 64;

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

constexpr auto kDmp = PersistenceDomain::memory_controller;
constexpr auto kMhp = PersistenceDomain::cpu_cache;
constexpr auto kWsp = PersistenceDomain::system;
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

uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoull(text, nullptr, 0) : otherwise;
}

bool is_flush(Do what) noexcept
{
	return what == Do::flush || what == Do::flush_region ||
	       what == Do::flush_peer || what == Do::flush_visible;
}

class LitmusFixture : public NicFixture
{
protected:
	void open(const Machine &machine)
	{
		nic_.kind = machine.nic;
		nic_.traits.native_flush = machine.native_flush;
		nic_.traits.atomic_write = machine.atomic_write;
		nic_.flushable = machine.native_flush;
		setenv("FI_OFI_PMEM_DDIO", machine.ddio, 1);
		regions_ = {open_one(machine.domain, machine.granularity),
			    open_one(machine.second_domain,
				     machine.second_granularity)};
	}

	void TearDown() override
	{
		nic_.watch(nullptr);
		second_channels_.reset();
		NicFixture::TearDown();
	}

	/* On a schedule drawn from `seed`; false if it was not to be. */
	bool passes(const Program &program, uint64_t seed)
	{
		SCOPED_TRACE(std::string(program.name) +
			     " LITMUS_SEED=" + std::to_string(seed));
		run(program, seed);
		std::string violation = search_.violation();
		EXPECT_EQ(violation, "");
		return violation.empty() && !HasFatalFailure();
	}

	bool seen() const { return search_.seen(); }

private:
	struct Region {
		FakeMedium *medium;
		uint64_t key;
	};

	Region open_one(PersistenceDomain domain, Granularity granularity)
	{
		FakeMedium *medium = add_medium(domain);
		medium->granularity = granularity;
		medium->after_call = [this] { search_.look(); };
		open_key(medium);
		return {medium, key_};
	}

	/* Where a variable is, in places that no run before has used. */
	size_t region_of(size_t variable) const
	{
		return program_->place == Place::two_regions ? variable % 2 : 0;
	}
	size_t offset_of(size_t variable) const
	{
		bool together = program_->place == Place::one_line;
		return base_ + variable * (together ? 8 : kLine);
	}

	void run(const Program &program, uint64_t seed)
	{
		program_ = &program;
		base_ = (base_ + kVariables * kLine) % (kRegionLen / 2);
		reconnect(seed);
		prepare_search();
		for (index_ = 0; index_ < program.steps.size(); index_++) {
			const Step &step = program.steps[index_];
			if (step.what == Do::wait)
				await(1UL << step.value);
			else
				post(step);
		}
		await(posted_);
		nic_.watch(nullptr);
	}

	void reconnect(uint64_t seed)
	{
		channels_ = std::make_unique<ChannelTable>(initiator_.get(),
							   &owner_);
		second_channels_ = std::make_unique<ChannelTable>(
			initiator_.get(), &second_owner_);
		channels_->open(64);
		second_channels_->open(64);
		posted_ = 0;
		completed_ = 0;
		nic_.be_weak(seed);
	}

	void prepare_search()
	{
		std::vector<Search::Variable> variables;
		for (size_t i = 0; i < kVariables; i++) {
			FakeMedium *medium = regions_[region_of(i)].medium;
			variables.push_back({medium, offset_of(i)});
			std::lock_guard guard(medium->mutex);
			for (auto *bytes : {&medium->visible, &medium->durable})
				std::memset(&(*bytes)[offset_of(i)], 0, 8);
		}
		search_.start(program_, std::move(variables));
		nic_.watch([this] { search_.look(); });
	}

	void post(const Step &step)
	{
		ssize_t ret = until_taken([&] {
			ssize_t posted = try_post(step);
			take_results();
			return posted;
		});
		ASSERT_EQ(ret, 0) << "step " << index_;
		posted_ |= 1UL << index_;
	}

	ssize_t try_post(const Step &step)
	{
		ChannelTable &table =
			step.endpoint ? *second_channels_ : *channels_;
		void *context = &contexts_[index_];
		if (step.what == Do::drain_all)
			return table.drain_all(context, true);
		bool pair = step.what == Do::ordered_pair;
		size_t len = step.what == Do::drain ? 0 : pair ? 16 : 8;
		values_[index_] = {step.value, step.value};
		iovec local{values_[index_].data(), len};
		fi_rma_iov range{kBase + offset_of(step.variable), len,
				 regions_[region_of(step.variable)].key};
		fi_msg_rma msg{};
		msg.msg_iov = &local;
		msg.iov_count = !is_flush(step.what);
		msg.rma_iov = &range;
		msg.rma_iov_count = 1;
		msg.context = context;
		return table.submit(request_of(step.what, &msg), 0);
	}

	static OpRequest request_of(Do what, const fi_msg_rma *msg)
	{
		OpRequest request{};
		request.msg = msg;
		request.write = true;
		request.report = true;
		request.level = level_of(what);
		request.inject =
			what == Do::inject || what == Do::inject_commit;
		request.ordered =
			what == Do::ordered || what == Do::ordered_pair;
		request.fence = request.ordered || what == Do::fenced_write ||
				what == Do::fenced_commit ||
				what == Do::drain || what == Do::flush_peer;
		request.flush = scope_of(what);
		return request;
	}

	static Level level_of(Do what)
	{
		switch (what) {
		case Do::write:
		case Do::inject:
		case Do::fenced_write:
			return Level::transmit;
		case Do::visible:
		case Do::flush_visible:
			return Level::delivery;
		default:
			return Level::commit;
		}
	}

	static FlushScope scope_of(Do what)
	{
		switch (what) {
		case Do::flush:
		case Do::flush_visible:
			return FlushScope::ranges;
		case Do::flush_region:
			return FlushScope::regions;
		case Do::flush_peer:
			return FlushScope::everything;
		default:
			return FlushScope::none;
		}
	}

	void take_results()
	{
		for (RecordingOwner *owner : {&owner_, &second_owner_}) {
			while (!owner->results.empty()) {
				OpResult result = owner->results.front();
				owner->results.pop_front();
				auto step = static_cast<size_t>(
					static_cast<int *>(result.context) -
					contexts_.data());
				EXPECT_FALSE(result.failure) << "step " << step;
				completed_ |= 1UL << step;
				search_.completed(step);
				search_.look();
			}
		}
	}

	void await(unsigned long steps)
	{
		auto deadline = Clock::now() + kPatience;
		while ((completed_ & steps) != steps) {
			initiator_->progress();
			take_results();
			ASSERT_LT(Clock::now(), deadline) << "no completion";
		}
	}

	Search search_;
	const Program *program_ = nullptr;
	size_t base_ = 0;
	size_t index_ = 0;
	std::array<Region, 2> regions_{};
	RecordingOwner second_owner_;
	std::unique_ptr<ChannelTable> second_channels_;
	std::array<int, kMaxSteps> contexts_{};
	std::array<std::array<uint64_t, 2>, kMaxSteps> values_{};
	unsigned long posted_ = 0;
	unsigned long completed_ = 0;
};

class Litmus : public LitmusFixture,
	       public ::testing::WithParamInterface<Machine>
{
};

} // namespace

TEST_P(Litmus, NothingForbiddenIsSeen)
{
	uint64_t first = env_number("LITMUS_SEED", 1);
	uint64_t count = env_number("LITMUS_SEEDS", 8);
	open(GetParam());
	for (const Program &program : programs()) {
		for (uint64_t i = 0; i < count; i++) {
			if (!passes(program, first + i))
				break;
		}
	}
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
