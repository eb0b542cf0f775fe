/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Says what a run has found, in numbers and sentences.
 */
#include "client/exit_codes.hh"
#include "torture/run.hh"

#include <rdma/fi_errno.h>

#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr size_t kMostLosses = 20; /* reported per round */

template <typename Visit>
void for_each_op(const TortureRound &round, Visit visit)
{
	for (const TortureActor &actor : round.actors)
		for (const TortureOp &op : actor.ops)
			visit(actor, op);
}

std::string name_of(const TortureRound &round, uint32_t number)
{
	std::string name = "operation " + std::to_string(number);
	for_each_op(round, [&](const TortureActor &actor, const TortureOp &op) {
		if (op.number == number)
			name = "operation " + op.text() + " of initiator " +
			       std::to_string(actor.initiator);
	});
	return name;
}

/* If its initiator failed before, what that wrote may not be there. */
bool failed_before(const TortureRound &round, const TortureRecord &record,
		   uint32_t number)
{
	bool failed = false;
	for (const TortureActor &actor : round.actors) {
		for (const TortureOp &op : actor.ops) {
			failed = failed ||
				 record.of(op.number) == TortureOutcome::failed;
			if (op.number == number)
				return failed;
		}
		failed = false;
	}
	return false;
}

} // namespace

int TortureResult::code() const
{
	return lost_bytes || wrong_reads ? kDiffers
	       : hangs			 ? kHung
	       : errors			 ? kFailed
					 : kOk;
}

void TortureResult::add(const TortureResult &other)
{
	operations += other.operations;
	commits += other.commits;
	faults += other.faults;
	checked_bytes += other.checked_bytes;
	lost_bytes += other.lost_bytes;
	wrong_reads += other.wrong_reads;
	errors += other.errors;
	hangs += other.hangs;
	note_error(other.first_error);
}

void TortureResult::note_error(int error)
{
	if (!first_error)
		first_error = error;
}

void TortureResult::take(const TortureRound &round, const TortureRecord &record,
			 const uint8_t *base, const uint8_t *found)
{
	for_each_op(round, [&](const TortureActor &, const TortureOp &op) {
		TortureOutcome outcome = record.of(op.number);
		operations += outcome != TortureOutcome::unissued;
		commits += outcome == TortureOutcome::acked &&
			   (op.commits() || op.flushes());
	});
	note_error(record.first_error);
	for (const TortureEvent &event : record.findings) {
		std::string what = name_of(round, event.number);
		if (event.what == 'w' &&
		    failed_before(round, record, event.number))
			continue;
		if (event.what == 'w') {
			wrong_reads++;
			findings.push_back("wrong read: " + what +
					   " found at byte " +
					   std::to_string(event.value) +
					   " what was not written last");
		} else if (event.what == 'h') {
			hangs++;
			findings.push_back("hang: " + what);
		} else {
			errors++;
			findings.push_back(
				"error: " + what + ": " +
				fi_strerror(static_cast<int>(event.value)));
		}
	}
	if (!found)
		return;
	TortureCheck check;
	check_medium(round, record, base, found, &check);
	checked_bytes += check.checked_bytes;
	lost_bytes += check.lost_bytes;
	for (size_t i = 0; i < check.losses.size() && i < kMostLosses; i++) {
		const TortureLoss &loss = check.losses[i];
		findings.push_back(
			"lost: " + loss.text() +
			(loss.lost == UINT32_MAX
				 ? ""
				 : " (" + name_of(round, loss.lost) + ")"));
	}
}

} // namespace fi_pmem
