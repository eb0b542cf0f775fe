/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The course of an initiator, and its faults.
 */
#include "torture/actor.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "torture/content.hh"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr useconds_t kFrozenUs = 30000;

} // namespace

int TortureInitiator::open()
{
	int ret = connection_.open();
	if (!ret)
		ret = connection_.check_writable("torture cannot write");
	if (!ret)
		ret = connection_.open_extension(&ops_);
	if (!ret)
		ret = connection_.check_range(options_.offset,
					      actor_.begin - options_.offset +
						      actor_.length,
					      "--size");
	if (ret)
		return ret;
	buffer_.resize(actor_.depth * size_t{kTortureMostBytes});
	ret = connection_.fabric().register_local(
		buffer_.data(), buffer_.size(), FI_WRITE | FI_READ, &mr_);
	if (ret)
		return report_.fail(kFailed, "cannot register memory: %s",
				    fi_strerror(-ret));
	slots_.resize(actor_.depth);
	for (size_t i = 0; i < slots_.size(); i++)
		slots_[i].buffer = &buffer_[i * kTortureMostBytes];
	visible_.resize(actor_.length);
	if (base_)
		memcpy(visible_.data(), base_ + actor_.begin, actor_.length);
	return kOk;
}

/* Otherwise the target might be killed before some have connected. */
int TortureInitiator::meet_others()
{
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	shared_.ready++;
	while (shared_.ready < shared_.awaited) {
		if (Clock::now() > deadline) {
			shared_.given_up = true;
			return report_.fail(kUnreachable,
					    "other initiators did not connect "
					    "within %u s",
					    options_.timeout_s);
		}
		usleep(500);
	}
	return kOk;
}

int TortureInitiator::run(int signal)
{
	int ret = open();
	if (ret) {
		/* A successor of another initiator may come too late. */
		bool late = shared_.ended && shared_.target;
		if (!late)
			shared_.given_up = true;
		shared_.ready++; /* nobody waits for it */
		return late ? int{kOk} : ret;
	}
	ret = meet_others();
	failed_ = shared_.given_up;
	last_progress_ = Clock::now();
	for (size_t i = 0; !ret && !failed_ && i < actor_.ops.size(); i++) {
		ret = perform(i);
		if (!ret && !failed_)
			misbehave(actor_.ops[i].number, signal);
	}
	if (!ret && !failed_)
		misbehave(UINT32_MAX, signal);
	while (!ret && busy_)
		ret = await_slot(true);
	return ret;
}

/* A verified commit is alone: others would change what it compares. */
int TortureInitiator::perform(size_t index)
{
	const TortureOp &op = actor_.ops[index];
	bool alone = op.kind == TortureKind::verified;
	int ret = await_slot(alone);
	if (ret || failed_)
		return ret;
	for (Slot &slot : slots_) {
		if (slot.busy)
			continue;
		slot.op = &op;
		slot.index = index;
		ret = post(slot);
		break;
	}
	if (!ret && alone)
		ret = await_slot(true);
	for (unsigned i = 0; !ret && i < op.polls; i++)
		ret = reap();
	return ret;
}

void TortureInitiator::end_target(int signal)
{
	shared_.ended = true;
	shared_.faults++;
	if (shared_.target)
		kill(shared_.target, signal);
}

/* Does what is due once an operation of this number was posted. */
void TortureInitiator::misbehave(uint32_t number, int signal)
{
	auto take = [number](std::optional<uint32_t> *at) {
		bool due = *at && **at <= number;
		if (due)
			at->reset();
		return due;
	};
	/* A target that ends is not frozen: see LocalServer::end(). */
	bool freezes = take(&actor_.freezes_target) && !shared_.ended;
	if (freezes && shared_.target) {
		shared_.faults++;
		kill(shared_.target, SIGSTOP);
		usleep(kFrozenUs);
		kill(shared_.target, SIGCONT);
	}
	if (take(&actor_.ends_target))
		end_target(signal);
	if (take(&actor_.dies)) {
		shared_.faults++;
		kill(getpid(), SIGKILL);
	}
}

} // namespace fi_pmem
