/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Somebody between an initiator and a target with auth_keys or region keys.
 * What one says reaches the other as the input decides: whole, changed, again,
 * back to its sender, or not at all. A side with a key accepts the other only
 * if that has the same key, and if both have heard what the other one said.
 */
#include "application.hh"
#include "regions.hh"
#include "script_transport.hh"
#include "service/session.hh"

namespace ofi_pmem::fuzz
{

namespace
{

constexpr size_t kMostOld = 64; /* messages of other connections */

struct Keys {
	explicit Keys(uint8_t choice)
	{
		if (choice & 1)
			initiator.assign(kMinAuthKey, 'i');
		if (choice & 2)
			target.assign(kMinAuthKey, 't');
		if (choice & 4)
			target = initiator;
		seals = choice & 8;
		add(&initiator_ring, 1);
		require(!initiator_ring.bind_default(kId), "a key is bound");
		add(&target_ring, choice & 16 ? 1 : 2);
		same = initiator == target && (!seals || (choice & 16));
	}

	/* Key `number` under the one id. */
	static void add(KeyRing *ring, uint8_t number)
	{
		const char *why = "";
		std::vector<uint8_t> bytes(32, number);
		KeySpec spec;
		spec.id = kId;
		spec.cipher = Cipher::chacha20_poly1305;
		spec.bytes = bytes.data();
		spec.length = bytes.size();
		require(!ring->add(spec, &why), why);
	}

	/* The region that is asked for. */
	Key region() const { return Key(7, seals ? Key::kSealed | 1 : 1); }

	static constexpr uint64_t kId = 5;
	AuthKey initiator;
	AuthKey target;
	KeyRing initiator_ring;
	KeyRing target_ring;
	bool seals = false;
	bool same = false;
};

/* One end of a connection. */
struct End {
	ScriptLink *link = nullptr;
	std::vector<Bytes> said;
	std::vector<Bytes> heard;
	size_t passed = 0; /* of what it said, or lost */
};

class Between
{
public:
	explicit Between(Input *input)
		: input_(input), keys_(input->take<uint8_t>()), regions_(false),
		  transport_(0),
		  initiator_(transport_, keys_.initiator, keys_.initiator_ring)
	{
		transport_.on_connect = [this](ScriptLink *link) {
			connect(link);
		};
		require(!initiator_.open(false), "an initiator is opened");
		application_ = std::make_unique<Application>(&initiator_);
	}

	void run()
	{
		while (!input_->empty()) {
			ask();
			check();
			step(input_->take<uint8_t>());
			check();
		}
		application_->close();
	}

private:
	/* Connects if need be; the first message of an open channel. */
	void ask()
	{
		RemoteRegion region;
		static_cast<void>(application_->table().query(0, keys_.region(),
							      &region));
	}

	void connect(ScriptLink *link)
	{
		keep_old(asking_.said);
		keep_old(asked_.said);
		asking_ = attach(link, &asking_);
		session_ = std::make_unique<Session>(
			&regions_.table, &workspace_,
			Gate{keys_.target, keys_.target_ring,
			     regions_.table.events(),
			     regions_.table.wrong_proofs()},
			nullptr);
		ScriptRequest request([this](ScriptLink *accepted) {
			asked_ = attach(accepted, &asked_);
		});
		require(!session_->open(&request, nullptr, 1, false),
			"a session is opened");
		greeted_ = false;
		tell(LinkEvent::Kind::connected);
	}

	static End attach(ScriptLink *link, End *end)
	{
		link->injecting = true;
		link->on_send = [end](const uint8_t *bytes, size_t len) {
			end->said.emplace_back(bytes, bytes + len);
		};
		link->on_close = [end] { end->link = nullptr; };
		End made;
		made.link = link;
		return made;
	}

	void keep_old(const std::vector<Bytes> &messages)
	{
		for (const Bytes &message : messages) {
			if (old_.size() < kMostOld)
				old_.push_back(message);
		}
	}

	void step(uint8_t command)
	{
		bool to_target = command & 0x80;
		End &from = to_target ? asking_ : asked_;
		bool waits = from.passed < from.said.size();
		switch (command % 8) {
		case 0:
			initiator_.progress();
			break;
		case 1:
			if (waits)
				from.passed++;
			break;
		case 2:
			if (!old_.empty())
				deliver(to_target,
					old_[input_->take<uint8_t>() %
					     old_.size()]);
			break;
		case 3:
			reflect(to_target);
			break;
		case 4:
			deliver(to_target,
				input_->take_bytes(input_->take<uint8_t>()));
			break;
		case 5:
			if (waits)
				deliver(to_target,
					changed(from.said[from.passed++]));
			break;
		default:
			if (waits)
				deliver(to_target, from.said[from.passed++]);
			break;
		}
	}

	void reflect(bool to_target)
	{
		const std::vector<Bytes> &said =
			to_target ? asked_.said : asking_.said;
		if (!said.empty())
			deliver(to_target, Bytes(said[input_->take<uint8_t>() %
						      said.size()]));
	}

	Bytes changed(Bytes bytes)
	{
		size_t at = input_->take<uint8_t>() % bytes.size();
		bytes[at] ^= input_->take<uint8_t>();
		return bytes;
	}

	void deliver(bool to_target, const Bytes &bytes)
	{
		End &to = to_target ? asked_ : asking_;
		if (bytes.empty() || !to.link || !to.link->can_arrive())
			return;
		to.heard.push_back(bytes);
		Completion completion = to.link->arrive(bytes);
		if (!to_target) {
			transport_.queues->completions.push_back(completion);
			initiator_.progress();
		} else if (!take_at_target(completion)) {
			session_.reset();
			tell(LinkEvent::Kind::closed);
		}
	}

	bool take_at_target(const Completion &completion)
	{
		SharedLock guard(regions_.table.lock(), 0);
		return session_->enqueue(completion.handle.slot,
					 completion.len) &&
		       session_->run(TurnPolicy<Session>::kUnlimited) &&
		       session_->finish_batch();
	}

	void tell(LinkEvent::Kind kind)
	{
		if (!asking_.link)
			return;
		LinkEvent event;
		event.kind = kind;
		event.link = asking_.link->id();
		transport_.queues->events.push_back(std::move(event));
	}

	/*
	 * Returns whether the other end's words were heard: all of the first
	 * message, and of the later ones all but the header, which means
	 * nothing there.
	 */
	static bool heard(const End &from, const End &to, size_t count)
	{
		if (to.heard.size() < count || from.said.size() < count)
			return false;
		for (size_t i = 0; i < count; i++) {
			const Bytes &said = from.said[i];
			size_t first = i ? sizeof(wire::Header) : 0;
			if (!std::equal(said.begin() + first, said.end(),
					to.heard[i].begin() + first,
					to.heard[i].end()))
				return false;
		}
		return true;
	}

	/* A channel that ends an earlier one is not sealed. */
	bool asks_seal() const
	{
		wire::Hello hello{};
		if (!asking_.said.empty() &&
		    asking_.said[0].size() >= sizeof(hello))
			std::memcpy(&hello, asking_.said[0].data(),
				    sizeof(hello));
		return hello.header.flags & wire::kSeal;
	}

	/* At the moment that one end takes the other. */
	void check()
	{
		bool target_asks =
			!keys_.target.empty() || (session_ && session_->key());
		bool initiator_asks = !keys_.initiator.empty() || asks_seal();
		if (target_asks && !greeted_ && session_ &&
		    session_->greeting().done()) {
			greeted_ = true;
			require(keys_.same || !session_->key(),
				"a target seals with who has its key");
			require(keys_.initiator == keys_.target,
				"a target takes who has its key");
			/* The unused proof of an auth_key may change. */
			require(session_->key() || (heard(asking_, asked_, 2) &&
						    heard(asked_, asking_, 2)),
				"who proves has heard what the target said");
		}
		/* Hello, Response, and what needs an open channel. */
		if (initiator_asks && !taken_ && asking_.said.size() > 2)
			require(greeted_ && (asks_seal() ||
					     heard(asked_, asking_, 3)),
				"an initiator takes who has proven");
		taken_ = asking_.said.size() > 2;
	}

	Input *input_;
	const Keys keys_;
	FuzzRegions regions_;
	End asking_; /* the initiator's */
	End asked_;
	std::vector<Bytes> old_;
	bool greeted_ = false;
	bool taken_ = false;
	Workspace workspace_{[] {}};
	std::unique_ptr<Session> session_;
	ScriptTransport transport_;
	Initiator initiator_;
	std::unique_ptr<Application> application_;
};

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ofi_pmem::fuzz::Input input(data, len);
	ofi_pmem::fuzz::Between(&input).run();
	return 0;
}
