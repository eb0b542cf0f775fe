/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Somebody between two ends of a sealed stream. Records reach the receiver as
 * the input decides: whole, with bits changed, cut off, again, too late, or
 * made up. It takes what was sealed next, and nothing after anything else.
 */
#include "seal/record.hh"

#include "harness.hh"
#include "input.hh"

#include <algorithm>
#include <cerrno>

namespace ofi_pmem::fuzz
{

namespace
{

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kRecordsInPhase = 3;

enum class Act : uint8_t { pass, flip, cut, again, drop, forge, invent, count };

std::shared_ptr<RegionKey> make_key(const CipherTraits &cipher)
{
	static constexpr uint8_t kBytes[kMaxKeyBytes] = {1, 2, 3};
	auto key =
		std::make_shared<RegionKey>(1, cipher, KeyLimits{1 << 20, 9});
	require(!key->secret().assign(kBytes, cipher.key_bytes),
		"a key can be kept");
	return key;
}

class Stream
{
public:
	Stream(const CipherTraits &cipher, Input *input)
		: key_(make_key(cipher)),
		  sealer_(key_, {cipher.max_blocks, kRecordsInPhase,
				 RecordKey::kMaxPhases}),
		  opener_(key_), input_(*input)
	{
		Schedule schedule;
		TrafficSecret secret;
		require(schedule.open(*key_, Hash{}) &&
				schedule.traffic(Side::initiator, &secret) &&
				sealer_.open(secret, "") &&
				opener_.open(secret),
			"both ends can be opened");
	}

	void run()
	{
		while (!input_.empty())
			step();
	}

private:
	struct Sealed {
		Bytes plain;
		Bytes record;
	};

	void step()
	{
		Bytes plain(1 + input_.take<uint8_t>(), input_.take<uint8_t>());
		iovec one{plain.data(), plain.size()};
		Bytes record(sealed_length(plain.size()));
		require(!sealer_.seal(&one, 1, plain.size(), record.data()),
			"it can be sealed");
		sealed_.push_back({plain, record});
		auto act = static_cast<Act>(input_.take<uint8_t>() %
					    static_cast<uint8_t>(Act::count));
		deliver(change(act, record));
	}

	Bytes change(Act act, Bytes record)
	{
		auto at = input_.take<uint16_t>();
		switch (act) {
		case Act::pass:
			return record;
		case Act::flip:
			record[at / 8 % record.size()] ^=
				static_cast<uint8_t>(1 << at % 8);
			return record;
		case Act::cut:
			record[4] = static_cast<uint8_t>(at);
			record[5] = static_cast<uint8_t>(at >> 8);
			return record;
		case Act::again:
			return sealed_[at % sealed_.size()].record;
		case Act::forge:
			record[1] = static_cast<uint8_t>(at);
			return record;
		case Act::invent:
			return input_.take_bytes(at);
		default:
			return {};
		}
	}

	/* A socket's reader waits for as many bytes as the header says. */
	void deliver(Bytes bytes)
	{
		if (bytes.size() < kRecordHeader)
			return;
		bytes.resize(
			std::max(record_length(bytes.data()), kRecordHeader));
		/* One that was late may still come in time. */
		bool good = !refused_ && next_ < sealed_.size() &&
			    bytes == sealed_[next_].record;
		ssize_t opened = opener_.unseal(bytes.data());
		require(good == (opened >= 0), "just the next one is opened");
		if (!good) {
			require(opened == -EBADMSG, "it is refused as forged");
			refused_ = true;
			return;
		}
		const Bytes &plain = sealed_[next_++].plain;
		require(static_cast<size_t>(opened) == plain.size() &&
				std::equal(plain.begin(), plain.end(),
					   bytes.begin() + kRecordHeader),
			"it is opened as it was sealed");
	}

	const std::shared_ptr<RegionKey> key_;
	Sealer sealer_;
	Opener opener_;
	Input &input_;
	std::vector<Sealed> sealed_;
	size_t next_ = 0; /* the first that the receiver has not opened */
	bool refused_ = false;
};

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem;
	fuzz::Input input(data, len);
	auto cipher = cipher_traits(
		static_cast<Cipher>(1 + input.take<uint8_t>() % 5));
	fuzz::Stream(*cipher, &input).run();
	return 0;
}
