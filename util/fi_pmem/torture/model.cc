/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Checks the areas, byte by byte, and the words, bit by bit.
 */
#include "torture/model.hh"

#include "torture/content.hh"

#include <algorithm>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr int32_t kNone = -1;

/*
 * A fence that holds: an index of an initiator's operations. It says nothing
 * about what is before `since`: a fence that failed has reported that, and
 * later ones begin there.
 */
struct Fence {
	int32_t index = kNone;
	int32_t since = 0;
	bool acked = false;

	[[nodiscard]] bool covers(int32_t operation) const
	{
		return operation >= since && operation < index;
	}
};

class AreaCheck
{
public:
	AreaCheck(const TortureActor &actor, const TortureRecord &record,
		  const uint8_t *base, const uint8_t *found)
		: actor_(actor), record_(record), base_(base), found_(found),
		  durable_(actor.length, kNone), promise_(actor.length, kNone),
		  allowed_(actor.length, 0)
	{
		find_fences();
	}

	void run(TortureCheck *check);
	[[nodiscard]] const std::vector<Fence> &fences() const
	{
		return fences_;
	}

private:
	void find_fences();
	[[nodiscard]] bool is_on_medium(const TortureOp &op) const;
	void find_durable();
	/* These bytes are durable as they were `last` written. */
	void settle(const std::vector<int32_t> &last, uint64_t begin,
		    uint64_t end, int32_t promise, int32_t since = 0);
	void allow();
	void allow_op(const TortureOp &op, int32_t index);
	void allow_base();
	void tell(uint64_t begin, uint64_t end, TortureCheck *check) const;
	void identify(TortureLoss *loss) const;
	[[nodiscard]] bool issued(const TortureOp &op) const
	{
		return record_.of(op.number) != TortureOutcome::unissued;
	}
	[[nodiscard]] bool acked(const TortureOp &op) const
	{
		return record_.of(op.number) == TortureOutcome::acked;
	}
	void content(const TortureOp &op, uint64_t begin, uint64_t end,
		     std::vector<uint8_t> *bytes) const
	{
		bytes->resize(end - begin);
		fill_content(record_.salt, op.number, begin, bytes->data(),
			     bytes->size());
	}

	const TortureActor &actor_;
	const TortureRecord &record_;
	const uint8_t *base_;
	const uint8_t *found_;
	std::vector<Fence> fences_; /* ascending */
	/*
	 * For each byte, indices of operations: the last durable one, and the
	 * one that says so.
	 */
	std::vector<int32_t> durable_;
	std::vector<int32_t> promise_;
	std::vector<uint8_t> allowed_;
};

/* 8 equal bytes identify an operation. */
bool AreaCheck::is_on_medium(const TortureOp &op) const
{
	for (uint64_t at = (op.offset + 7) / 8 * 8;
	     at + 8 <= op.offset + op.length; at += 8) {
		uint8_t word[8];
		fill_content(record_.salt, op.number, at, word, 8);
		if (!memcmp(word, found_ + at, 8))
			return true;
	}
	return false;
}

/*
 * Among fences with the same beginning the last one says all that the others
 * do.
 */
void AreaCheck::find_fences()
{
	int32_t since = 0;
	for (size_t i = 0; i < actor_.ops.size(); i++) {
		const TortureOp &op = actor_.ops[i];
		auto index = static_cast<int32_t>(i);
		if (!op.fences() || !issued(op))
			continue;
		bool holds = acked(op) || (op.writes() && is_on_medium(op));
		if (holds && !fences_.empty() && fences_.back().since == since)
			fences_.pop_back();
		if (holds)
			fences_.push_back({index, since, acked(op)});
		else if (record_.of(op.number) == TortureOutcome::failed)
			since = index + 1;
	}
}

/*
 * A flush says nothing about a write that failed, as that has reported it
 * itself; a fence does.
 */
void AreaCheck::find_durable()
{
	std::vector<int32_t> last(actor_.length, kNone);
	std::vector<int32_t> sound = last; /* of those that did not fail */
	auto next = fences_.begin();
	for (size_t i = 0; i < actor_.ops.size(); i++) {
		const TortureOp &op = actor_.ops[i];
		auto index = static_cast<int32_t>(i);
		if (!issued(op))
			continue;
		uint64_t begin = op.offset - actor_.begin;
		bool fence = next != fences_.end() && index == next->index;
		if (fence) /* an unacknowledged one may be there in part */
			settle(last, 0, actor_.length, index, (next++)->since);
		if (op.writes()) {
			auto at = static_cast<long>(begin);
			std::fill_n(last.begin() + at, op.length, index);
			if (record_.of(op.number) != TortureOutcome::failed)
				std::fill_n(sound.begin() + at, op.length,
					    index);
		}
		if (!acked(op))
			continue;
		if (op.kind == TortureKind::flush_region)
			settle(sound, 0, actor_.length, index);
		else if (op.kind == TortureKind::flush ||
			 (op.writes() && op.commits()))
			settle(sound, begin, begin + op.length, index);
	}
}

void AreaCheck::settle(const std::vector<int32_t> &last, uint64_t begin,
		       uint64_t end, int32_t promise, int32_t since)
{
	for (uint64_t at = begin; at < end; at++) {
		if (last[at] <= durable_[at] || last[at] < since)
			continue;
		durable_[at] = last[at];
		promise_[at] = promise;
	}
}

/* An ordered write is there as a whole, or not at all. */
void AreaCheck::allow_op(const TortureOp &op, int32_t index)
{
	std::vector<uint8_t> bytes;
	uint64_t begin = op.offset - actor_.begin;
	content(op, op.offset, op.offset + op.length, &bytes);
	bool whole = op.kind == TortureKind::ordered;
	if (whole && memcmp(bytes.data(), found_ + op.offset, 8))
		return;
	for (uint64_t i = 0; i < op.length; i++) {
		if (index >= durable_[begin + i] &&
		    found_[op.offset + i] == bytes[i])
			allowed_[begin + i] = 1;
	}
}

void AreaCheck::allow_base()
{
	for (uint64_t at = 0; at < actor_.length; at++) {
		uint64_t begin = at, bytes = 1;
		if (at < kTorturePointers) {
			begin = at / 8 * 8;
			bytes = 8;
		}
		bool same =
			!base_ || !memcmp(base_ + actor_.begin + begin,
					  found_ + actor_.begin + begin, bytes);
		if (durable_[at] == kNone && same)
			allowed_[at] = 1;
	}
}

void AreaCheck::allow()
{
	allow_base();
	for (size_t i = 0; i < actor_.ops.size(); i++) {
		const TortureOp &op = actor_.ops[i];
		if (op.writes() && issued(op))
			allow_op(op, static_cast<int32_t>(i));
	}
}

/* The latest operation that has all of these bytes, or the base. */
void AreaCheck::identify(TortureLoss *loss) const
{
	uint64_t bytes = loss->end - loss->begin;
	std::vector<uint8_t> wrote;
	for (size_t i = actor_.ops.size(); i--;) {
		const TortureOp &op = actor_.ops[i];
		if (!op.writes() || op.offset > loss->begin ||
		    op.offset + op.length < loss->end)
			continue;
		content(op, loss->begin, loss->end, &wrote);
		if (!memcmp(wrote.data(), found_ + loss->begin, bytes)) {
			loss->found = op.number;
			return;
		}
	}
	loss->found_before = base_ && !memcmp(base_ + loss->begin,
					      found_ + loss->begin, bytes);
}

void AreaCheck::tell(uint64_t begin, uint64_t end, TortureCheck *check) const
{
	TortureLoss loss;
	loss.begin = actor_.begin + begin;
	loss.end = actor_.begin + end;
	if (durable_[begin] == kNone) {
		/* Nothing is promised, yet this was never written there. */
		loss.lost = loss.promised = UINT32_MAX;
	} else {
		auto op = [&](int32_t index) -> const TortureOp & {
			return actor_.ops[static_cast<size_t>(index)];
		};
		loss.lost = op(durable_[begin]).number;
		loss.promised = op(promise_[begin]).number;
		loss.acked = acked(op(promise_[begin]));
	}
	identify(&loss);
	check->lost_bytes += end - begin;
	check->losses.push_back(loss);
}

void AreaCheck::run(TortureCheck *check)
{
	find_durable();
	allow();
	for (uint64_t at = 0; at < actor_.length;) {
		check->checked_bytes += durable_[at] != kNone;
		if (allowed_[at]) {
			at++;
			continue;
		}
		uint64_t begin = at;
		for (at++; at < actor_.length && !allowed_[at] &&
			   durable_[at] == durable_[begin];
		     at++)
			check->checked_bytes += durable_[at] != kNone;
		tell(begin, at, check);
	}
}

/*
 * Covers all initiators: the bits that must be set in a word, and those that
 * may be.
 */
struct Word {
	uint64_t must = 0;
	uint64_t may = 0;
	uint32_t promised[64] = {};
	uint32_t number[64] = {};
	bool acked[64] = {};
};

void add_bits(const TortureActor &actor, const TortureRecord &record,
	      const std::vector<Fence> &fences, std::vector<Word> *words)
{
	for (size_t i = 0; i < actor.ops.size(); i++) {
		const TortureOp &op = actor.ops[i];
		TortureOutcome outcome = record.of(op.number);
		if (!op.is_atomic() || outcome == TortureOutcome::unissued)
			continue;
		Word &word = (*words)[op.offset / 8];
		uint64_t bit = uint64_t{1} << op.bit;
		word.may |= bit;
		word.number[op.bit] = op.number;
		bool own = op.commits() && outcome == TortureOutcome::acked;
		auto fence = std::find_if(
			fences.begin(), fences.end(), [&](const Fence &one) {
				return one.covers(static_cast<int32_t>(i));
			});
		if (!own && fence == fences.end())
			continue;
		word.must |= bit;
		word.promised[op.bit] =
			own ? op.number
			    : actor.ops[static_cast<size_t>(fence->index)]
					.number;
		word.acked[op.bit] = own || fence->acked;
	}
}

uint64_t word_at(const uint8_t *region, size_t index)
{
	uint64_t word;
	memcpy(&word, region + 8 * index, sizeof(word));
	return word;
}

void check_words(const std::vector<Word> &words, const uint8_t *base,
		 const uint8_t *found, TortureCheck *check)
{
	for (size_t i = 0; i < words.size(); i++) {
		const Word &word = words[i];
		uint64_t set = word_at(base, i) ^ word_at(found, i);
		uint64_t bad = (word.must & ~set) | (set & ~word.may);
		check->checked_bytes += word.must ? 8 : 0;
		if (!bad)
			continue;
		auto bit = static_cast<size_t>(__builtin_ctzll(bad));
		TortureLoss loss;
		loss.begin = 8 * i;
		loss.end = loss.begin + 8;
		bool lost = (word.must & ~set) >> bit & 1;
		loss.lost = lost ? word.number[bit] : UINT32_MAX;
		loss.promised = lost ? word.promised[bit] : UINT32_MAX;
		loss.acked = word.acked[bit];
		loss.found_before = !set;
		check->lost_bytes += 8;
		check->losses.push_back(loss);
	}
}

} // namespace

std::string TortureLoss::text() const
{
	std::string text = "bytes " + std::to_string(begin) + "-" +
			   std::to_string(end - 1) + ": ";
	if (lost == UINT32_MAX)
		return text + "hold what was never written there";
	text += "operation " + std::to_string(lost) + " is not there, but ";
	if (promised != lost)
		text += "operation " + std::to_string(promised) + " behind it ";
	text += acked ? "was acknowledged" : "is there";
	if (found)
		return text + "; found operation " + std::to_string(*found);
	return text + (found_before ? "; found what was there before"
				    : "; found neither an operation nor what "
				      "was there before");
}

void check_medium(const TortureRound &round, const TortureRecord &record,
		  const uint8_t *base, const uint8_t *found,
		  TortureCheck *check)
{
	std::vector<Word> words(kTortureWords);
	for (const TortureActor &actor : round.actors) {
		AreaCheck area(actor, record, base, found);
		add_bits(actor, record, area.fences(), &words);
		area.run(check);
	}
	if (base)
		check_words(words, base, found, check);
}

} // namespace fi_pmem
