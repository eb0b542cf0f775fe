/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An initiator whose targets are hostile. The input decides what they answer,
 * and when, and what the application asks for meanwhile.
 */
#include "application.hh"
#include "core/params.hh"
#include "hostile_target.hh"
#include "script_transport.hh"

#include <map>

namespace ofi_pmem::fuzz
{

namespace
{

class ChannelScript
{
public:
	explicit ChannelScript(Input *input)
		: input_(input), transport_(input->take<uint8_t>()),
		  initiator_(transport_)
	{
		transport_.on_connect = [this](ScriptLink *link) {
			uint32_t id = link->id();
			targets_.try_emplace(id, link);
			link->on_close = [this, id] { targets_.erase(id); };
		};
		require(!initiator_.open(false), "an initiator is opened");
		application_ = std::make_unique<Application>(&initiator_);
		application_->successes = [this] {
			return transport_.queues->successes;
		};
		application_->base = [this] { return base(); };
	}

	void run()
	{
		while (!input_->empty())
			step(input_->take<uint8_t>());
		application_->close();
	}

private:
	void step(uint8_t command)
	{
		switch (command & 0xf) {
		default:
			application_->call(input_);
			break;
		case 5:
			tell(command, LinkEvent::Kind::connected);
			break;
		case 6:
			tell(command, command & 0x40 ? LinkEvent::Kind::closed
						     : LinkEvent::Kind::failed);
			break;
		case 7:
		case 8:
			answer(command);
			break;
		case 9:
			answer(command);
			initiator_.progress();
			break;
		case 10:
			complete(command);
			break;
		case 11:
			initiator_.progress();
			break;
		case 12:
			disturb(command);
			break;
		case 13:
			manage(command);
			break;
		case 14:
			application_->answer_notification(input_);
			break;
		}
	}

	HostileTarget *target(uint8_t command)
	{
		if (targets_.empty())
			return nullptr;
		auto found = targets_.begin();
		std::advance(found, (command >> 4 & 3) % targets_.size());
		return &found->second;
	}

	/* Events are not read in each round. */
	void tell(uint8_t command, LinkEvent::Kind kind)
	{
		HostileTarget *one = target(command);
		if (!one)
			return;
		LinkEvent event;
		event.kind = kind;
		event.link = one->link().id();
		event.err =
			kind == LinkEvent::Kind::failed ? FI_ECONNREFUSED : 0;
		transport_.queues->events.push_back(std::move(event));
		while (!transport_.queues->events.empty() && !targets_.empty())
			initiator_.progress();
	}

	void answer(uint8_t command)
	{
		HostileTarget *one = target(command);
		if (!one || !one->link().can_arrive())
			return;
		Bytes bytes = one->make_answer(input_);
		one->delivers(bytes);
		deliver(one->link().arrive(bytes));
	}

	void complete(uint8_t command)
	{
		HostileTarget *one = target(command);
		if (one && one->link().has_unfinished())
			deliver(one->finish(
				command & 0x40 && command & 0x80 ? FI_EIO : 0));
	}

	void deliver(const Completion &completion)
	{
		transport_.queues->completions.push_back(completion);
	}

	void disturb(uint8_t command)
	{
		HostileTarget *one = target(command);
		if (!one || command & 0x40)
			transport_.unreachable = !transport_.unreachable;
		else if (command & 0x80)
			one->link().broken = true;
		else
			one->link().full = !one->link().full;
	}

	void manage(uint8_t command)
	{
		fi_addr_t peer = command >> 4 & 1;
		ChannelTable &table = application_->table();
		RemoteRegion region;
		if (command & 0x80)
			table.drop(peer);
		else if (command & 0x40)
			static_cast<void>(table.make_visible(peer));
		else
			static_cast<void>(table.query(
				peer, Key(7, command >> 5 & 1), &region));
	}

	uint64_t base() const
	{
		return targets_.empty() ? 0 : targets_.begin()->second.base();
	}

	Input *input_;
	std::map<uint32_t, HostileTarget> targets_; /* by link */
	ScriptTransport transport_;
	Initiator initiator_;
	std::unique_ptr<Application> application_;
};

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ofi_pmem::fuzz::Input input(data, len);
	ofi_pmem::fuzz::ChannelScript(&input).run();
	return 0;
}
