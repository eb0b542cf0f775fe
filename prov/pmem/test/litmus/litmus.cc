/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "litmus/litmus.hh"

#include "fixture/env_number.hh"

#include <gtest/gtest.h>
#include <rdma/fi_errno.h>

#include <chrono>
#include <utility>

namespace ofi_pmem::test::litmus
{

namespace
{

uint64_t word_at(const std::vector<uint8_t> &bytes, size_t offset) noexcept
{
	uint64_t word;
	std::memcpy(&word, &bytes[offset], sizeof(word));
	return word;
}

std::string text_of(const State &state)
{
	std::string text = "variables";
	for (uint64_t value : state.variable)
		text += " " + std::to_string(value);
	return text + ", completed (last step first) " + state.done.to_string();
}

} // namespace

void Search::start(const Program *program, std::vector<Variable> variables)
{
	program_ = program;
	variables_ = std::move(variables);
	media_.clear();
	for (const Variable &one : variables_) {
		if (std::find(media_.begin(), media_.end(), one.medium) ==
		    media_.end())
			media_.push_back(one.medium);
	}
	done_ = 0;
	seen_ = false;
	looked_at_.clear();
}

/* The values that a power failure may leave; its medium is locked. */
Search::Words Search::survivors(const Variable &variable)
{
	const FakeMedium &medium = *variable.medium;
	size_t offset = variable.offset;
	Words words{word_at(medium.visible, offset)};
	/* There the caches survive. */
	if (medium.domain == PersistenceDomain::cpu_cache ||
	    medium.domain == PersistenceDomain::system)
		return words;
	words.push_back(word_at(medium.durable, offset));
	for (const FakeMedium::Piece &piece : medium.flushed) {
		if (piece.offset <= offset &&
		    offset + 8 <= piece.offset + piece.bytes.size())
			words.push_back(
				word_at(piece.bytes, offset - piece.offset));
	}
	std::sort(words.begin(), words.end());
	words.erase(std::unique(words.begin(), words.end()), words.end());
	return words;
}

void Search::look()
{
	if (!program_)
		return;
	State state;
	/* First: what completes while we look has made more durable. */
	state.done = done_.load();
	std::vector<Words> words;
	{
		/* At one moment in all media; nobody holds two of the locks. */
		std::vector<std::unique_lock<std::mutex>> locks;
		for (FakeMedium *medium : media_)
			locks.emplace_back(medium->mutex);
		for (const Variable &one : variables_)
			words.push_back(survivors(one));
	}
	{
		std::lock_guard guard(lock_);
		if (words == looked_at_ && state.done == looked_at_done_)
			return;
		looked_at_ = words;
		looked_at_done_ = state.done;
	}
	std::vector<size_t> choice(words.size());
	while (true) {
		for (size_t i = 0; i < words.size(); i++)
			state.variable[i] = words[i][choice[i]];
		judge(state);
		size_t next = 0;
		while (next < choice.size() &&
		       ++choice[next] == words[next].size())
			choice[next++] = 0;
		if (next == choice.size())
			return;
	}
}

void Search::judge(const State &state)
{
	if (program_->allowed && program_->allowed(state))
		seen_ = true;
	if (!program_->forbidden(state))
		return;
	std::lock_guard guard(lock_);
	if (violation_.empty())
		violation_ = text_of(state);
}

std::string Search::violation()
{
	std::lock_guard guard(lock_);
	return std::exchange(violation_, {});
}

namespace
{

using Clock = std::chrono::steady_clock;

constexpr size_t kLine = 64;
constexpr auto kPatience = std::chrono::seconds(20);

} // namespace

void Execution::run_all()
{
	uint64_t first = env_number("LITMUS_SEED", 1);
	uint64_t count = env_number("LITMUS_SEEDS", 8);
	/*
	 * Seeds are the outer loop: a mistake that one program finds at once
	 * need not wait for many schedules of the others.
	 */
	for (uint64_t i = 0; i < count; i++) {
		for (const Program &program : programs()) {
			if (!passes(program, first + i))
				return;
		}
	}
}

uint64_t Execution::flags_of(Do what) noexcept
{
	switch (what) {
	case Do::inject:
		return FI_INJECT;
	case Do::visible:
		return FI_DELIVERY_COMPLETE;
	case Do::commit:
		return FI_COMMIT_COMPLETE;
	case Do::inject_commit:
		return FI_INJECT | FI_COMMIT_COMPLETE;
	case Do::fenced_write:
		return FI_FENCE;
	case Do::fenced_commit:
	case Do::drain:
		return FI_FENCE | FI_COMMIT_COMPLETE;
	default:
		return 0;
	}
}

bool Execution::is_ordered(Do what) noexcept
{
	return what == Do::ordered || what == Do::ordered_pair;
}

bool Execution::is_flush(Do what) noexcept
{
	return what == Do::flush || what == Do::flush_region ||
	       what == Do::flush_peer || what == Do::flush_visible;
}

void Execution::use(const std::array<Region, 2> &regions)
{
	regions_ = regions;
	for (const Region &region : regions)
		region.medium->after_call = [this] { search_.look(); };
}

bool Execution::passes(const Program &program, uint64_t seed)
{
	SCOPED_TRACE(std::string(program.name) +
		     " LITMUS_SEED=" + std::to_string(seed));
	random_.seed(seed);
	begin(seed);
	prepare(program);
	watch_network(true);
	run(program);
	watch_network(false);
	std::string violation = search_.violation();
	EXPECT_EQ(violation, "");
	return violation.empty() && !::testing::Test::HasFatalFailure();
}

const Execution::Region &Execution::region_of(size_t variable) const
{
	return regions_[place_ == Place::two_regions ? variable % 2 : 0];
}

size_t Execution::offset_of(size_t variable) const
{
	return start_ + variable * (place_ == Place::one_line ? 8 : kLine);
}

void Execution::prepare(const Program &program)
{
	size_t half = regions_[0].medium->visible.size() / 2;
	start_ = (start_ + kVariables * kLine) % half;
	place_ = program.place;
	completed_ = 0;
	std::vector<Search::Variable> variables;
	for (size_t i = 0; i < kVariables; i++) {
		FakeMedium *medium = region_of(i).medium;
		variables.push_back({medium, offset_of(i)});
		std::lock_guard guard(medium->mutex);
		for (auto *bytes : {&medium->visible, &medium->durable})
			std::memset(&(*bytes)[offset_of(i)], 0, 8);
	}
	search_.start(&program, std::move(variables));
}

void Execution::run(const Program &program)
{
	unsigned long posted = 0;
	for (size_t i = 0; i < program.steps.size(); i++) {
		const Step &step = program.steps[i];
		if (step.what == Do::wait) {
			await(1UL << step.value);
			continue;
		}
		post(step, i);
		if (::testing::Test::HasFatalFailure())
			return;
		posted |= 1UL << i;
	}
	await(posted);
}

void Execution::post(const Step &step, size_t index)
{
	size_t len = step.what == Do::ordered_pair ? 16 : 8;
	if (step.what == Do::drain)
		len = 0;
	const Region &region = region_of(step.variable);
	values_[index] = {step.value, step.value};
	iovec local{values_[index].data(), len};
	fi_rma_iov range{region.base + offset_of(step.variable), len,
			 region.key};
	fi_msg_rma msg{};
	msg.msg_iov = &local;
	msg.iov_count = !is_flush(step.what);
	msg.rma_iov = &range;
	msg.rma_iov_count = 1;
	msg.context = &contexts_[index];
	bool checked =
		check_half_ && random_() % 2 && step.what != Do::flush_visible;
	auto deadline = Clock::now() + kPatience;
	ssize_t ret;
	while ((ret = try_post(step.what, checked, step.endpoint, msg)) ==
		       -FI_EAGAIN &&
	       Clock::now() < deadline)
		progress();
	ASSERT_EQ(ret, 0) << "step " << index;
	/* At once, or when answers have come. */
	for (uint64_t rounds = random_() % 2 ? 0 : random_() % 32; rounds;
	     rounds--)
		progress();
}

void Execution::completed(const void *context)
{
	auto step = static_cast<size_t>(static_cast<const int *>(context) -
					contexts_.data());
	completed_ |= 1UL << step;
	search_.completed(step);
	search_.look();
}

void Execution::await(unsigned long steps)
{
	auto deadline = Clock::now() + kPatience;
	while ((completed_ & steps) != steps) {
		progress();
		ASSERT_LT(Clock::now(), deadline) << "no completion";
	}
}

} // namespace ofi_pmem::test::litmus
