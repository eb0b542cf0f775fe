/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "litmus.hh"

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

} // namespace ofi_pmem::test::litmus
