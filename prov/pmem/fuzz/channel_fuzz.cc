/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An initiator whose targets are hostile: what they answer, and when, says the
 * input, and what the application asks for meanwhile.
 */
#include <sys/eventfd.h>

#include "application.hh"
#include "core/params.hh"
#include "hostile_target.hh"

namespace ofi_pmem::fuzz
{

namespace
{

class ScriptQueues final : public Queues
{
public:
	size_t read_completions(Completion *into,
				size_t count) noexcept override
	{
		size_t got = std::min(count, completions.size());
		std::copy_n(completions.begin(), got, into);
		for (size_t i = 0; i < got; i++)
			successes += may_tell_success(into[i]);
		completions.erase(completions.begin(),
				  completions.begin() +
					  static_cast<ptrdiff_t>(got));
		return got;
	}
	bool read_event(LinkEvent *event) override
	{
		if (events.empty())
			return false;
		*event = std::move(events.front());
		events.pop_front();
		return true;
	}
	int trywait() noexcept override { return 0; }
	int completion_fd() const noexcept override
	{
		static const int fd = eventfd(0, EFD_CLOEXEC);
		return fd;
	}
	int event_fd() const noexcept override
	{
		static const int fd = eventfd(0, EFD_CLOEXEC);
		return fd;
	}

	std::deque<Completion> completions;
	std::deque<LinkEvent> events;
	/* Of what the initiator has read, answers and chains that are done. */
	size_t successes = 0;

private:
	/* Also a failure says that what was asked before it succeeded. */
	static bool may_tell_success(const Completion &completion) noexcept
	{
		return !completion.err &&
		       completion.handle.kind != Handle::send;
	}
};

class ScriptTransport final : public Transport
{
public:
	/* From raw queue pairs with all they have to tcp's endpoints. */
	explicit ScriptTransport(uint8_t choice)
	{
		traits_.max_transfer = choice & 1 ? 1000 : 1ULL << 31;
		traits_.max_buffers = choice & 2 ? 1 : 8;
		traits_.max_chain = choice & 4 ? 8 : 32;
		traits_.inline_bytes = choice & 8 ? 0 : 64;
		traits_.needs_local_memory = choice & 16;
		traits_.placement_wait = true;
		traits_.reliable_ack = choice & 32;
		traits_.native_flush = choice & 32;
		traits_.atomic_write = choice & 32;
		traits_.visible_writes = choice & 64;
		traits_.cpu_placed = choice & 128;
	}

	int open_queues(size_t, std::unique_ptr<Queues> *made) const override
	{
		auto created = std::make_unique<ScriptQueues>();
		queues = created.get();
		*made = std::move(created);
		return 0;
	}
	int connect(const IpAddress &, Queues *, const LinkAttr &attr,
		    std::unique_ptr<Link> *made) const override
	{
		if (unreachable)
			return -FI_ENETUNREACH;
		auto link = std::make_unique<ScriptLink>(attr);
		int ret = link->open(*this);
		if (ret)
			return ret;
		uint32_t id = attr.id;
		targets.try_emplace(id, link.get());
		link->on_close = [this, id] { targets.erase(id); };
		*made = std::move(link);
		return 0;
	}
	int listen(uint16_t, Queues *,
		   std::unique_ptr<Listener> *) const override
	{
		return -FI_ENOSYS;
	}
	int register_memory(const void *, size_t, uint64_t, bool,
			    std::unique_ptr<LinkMemory> *memory) const override
	{
		*memory = std::make_unique<LinkMemory>();
		return 0;
	}

	mutable ScriptQueues *queues = nullptr;
	mutable std::map<uint32_t, HostileTarget> targets; /* by link */
	bool unreachable = false;
};

class ChannelScript
{
public:
	explicit ChannelScript(Input *input)
		: input_(input), transport_(input->take<uint8_t>()),
		  initiator_(transport_)
	{
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
		auto &targets = transport_.targets;
		if (targets.empty())
			return nullptr;
		auto found = targets.begin();
		std::advance(found, (command >> 4 & 3) % targets.size());
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
		while (!transport_.queues->events.empty() &&
		       !transport_.targets.empty())
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
			static_cast<void>(table.quiet(peer));
		else
			static_cast<void>(table.query(
				peer, Key(7, command >> 5 & 1), &region));
	}

	uint64_t base() const
	{
		return transport_.targets.empty()
			       ? 0
			       : transport_.targets.begin()->second.base();
	}

	Input *input_;
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
