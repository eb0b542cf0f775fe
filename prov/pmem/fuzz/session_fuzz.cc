/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One session of a service, message by message: what arrives together, when
 * sends complete or are refused, and when media fail, says the input.
 */
#include "service/session.hh"

#include "hostile_initiator.hh"
#include "script_transport.hh"

namespace ofi_pmem::fuzz
{

namespace
{

class SessionScript
{
public:
	explicit SessionScript(Input *input)
		: input_(input), regions_(input->take<uint8_t>() & 1),
		  session_(&regions_.table, &workspace_,
			   Gate{no_key_, KeyRing::none(),
				regions_.table.events(),
				regions_.table.wrong_proofs()},
			   nullptr),
		  initiator_(&regions_)
	{
		ScriptRequest request([this](ScriptLink *link) {
			link_ = link;
			link->on_send = [this](const uint8_t *bytes,
					       size_t len) {
				initiator_.answered(bytes, len);
			};
		});
		require(!session_.open(&request, nullptr, 1, false),
			"a session is opened");
	}

	void run()
	{
		while (alive_ && !input_->empty())
			step(input_->take<uint8_t>());
		finish();
	}

private:
	void step(uint8_t command)
	{
		switch (command % 10) {
		case 0:
		case 1:
			gather();
			break;
		case 2:
			gather();
			arrive();
			break;
		case 3:
			arrive();
			end_batch();
			break;
		case 4:
			work();
			break;
		case 5:
			complete_sends(command / 10);
			break;
		case 6:
			link_->full = !link_->full;
			break;
		case 7:
			link_->injecting = !link_->injecting;
			break;
		case 8:
			disturb();
			break;
		case 9:
			regions_.close(command % FuzzRegions::kCount);
			break;
		}
	}

	/*
	 * Appends requests that arrive in the same packet, as far as a buffer
	 * takes them.
	 */
	void gather()
	{
		Bytes more = initiator_.make_message(input_);
		if (arriving_.size() + more.size() > wire::kMaxMessage)
			arrive();
		arriving_.insert(arriving_.end(), more.begin(), more.end());
	}

	void arrive()
	{
		if (!alive_ || arriving_.empty() || !link_->can_arrive())
			return;
		initiator_.sends(arriving_);
		Completion completion = link_->arrive(arriving_);
		arriving_.clear();
		SharedLock guard(regions_.table.lock(), 0);
		alive_ = session_.enqueue(completion.handle.slot,
					  completion.len) &&
			 execute();
	}

	bool execute() { return session_.run(TurnPolicy<Session>::kUnlimited); }

	void end_batch()
	{
		SharedLock guard(regions_.table.lock(), 0);
		alive_ = alive_ && session_.finish_batch();
	}

	void work()
	{
		if (!alive_ || !session_.needs_turn())
			return;
		SharedLock guard(regions_.table.lock(), 0);
		alive_ = session_.go_on() && execute();
	}

	void complete_sends(size_t most)
	{
		SharedLock guard(regions_.table.lock(), 0);
		for (; alive_ && most && link_->has_unfinished(); most--) {
			session_.on_sent(link_->finish().handle.slot);
			alive_ = execute();
		}
	}

	/* Makes a medium fail from now on, or poisons bytes of it. */
	void disturb()
	{
		auto choice = input_->take<uint8_t>();
		auto &medium = regions_.at(choice % FuzzRegions::kCount).medium;
		switch (choice / FuzzRegions::kCount % 4) {
		case 0:
			medium.store_result = -FI_ENOSPC;
			break;
		case 1:
			medium.flush_result = -FI_EIO;
			break;
		case 2:
			medium.drain_result = -FI_EIO;
			break;
		case 3:
			medium.unreadable.push_back(input_->take<uint8_t>());
			break;
		}
	}

	/* Whoever is still connected gets all its answers. */
	void finish()
	{
		link_->full = false;
		arrive();
		while (alive_) {
			end_batch();
			complete_sends(SIZE_MAX);
			if (!session_.needs_turn() &&
			    !link_->has_unfinished() && !session_.unsent())
				break;
			work();
		}
		require(!alive_ || !initiator_.doomed(),
			"what is malformed or out of turn ends a session");
		require(!alive_ || initiator_.satisfied(),
			"every request is answered");
	}

	Input *input_;
	FuzzRegions regions_;
	const AuthKey no_key_;
	Workspace workspace_{[] {}};
	Session session_;
	HostileInitiator initiator_;
	ScriptLink *link_ = nullptr;
	Bytes arriving_;
	bool alive_ = true;
};

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ofi_pmem::fuzz::Input input(data, len);
	ofi_pmem::fuzz::SessionScript(&input).run();
	return 0;
}
