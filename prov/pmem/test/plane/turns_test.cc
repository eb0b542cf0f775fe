/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Both halves of the plane run with another policy than the default one:
 * channels and sessions get one operation or request in a turn.
 */
#include "fixture/nic_fixture.hh"

#include <atomic>
#include <cstring>
#include <map>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

constexpr size_t kBatch = 8;

/* Records whose turns they are. */
template <typename T> class InTurn final : public TurnPolicy<T>
{
public:
	using Turns = std::vector<const T *>;

	InTurn(Turns *turns, const std::atomic<size_t> *budget)
		: turns_(turns), budget_(budget)
	{
	}

	size_t budget(const T &one) noexcept override
	{
		if (*budget_ && has_work(one))
			turns_->push_back(&one);
		return *budget_;
	}
	T *next(const ReadyQueue<T> &ready) noexcept override
	{
		return ready.first();
	}

private:
	/* A session also has a turn when a send completes. */
	static bool has_work(const T &one)
	{
		if constexpr (std::is_same_v<T, Session>)
			return one.needs_turn();
		return true;
	}

	Turns *turns_;
	const std::atomic<size_t> *budget_;
};

/* The service has two sessions. */
class SessionTurns : public PlaneFixture
{
protected:
	void set_policies() override
	{
		service_->set_policies([this] {
			return std::make_unique<InTurn<Session>>(&turns_,
								 &budget_);
		});
		channels_of_another_ = std::make_unique<ChannelTable>(
			initiator_.get(), &another_);
		channels_of_another_->open(256);
	}

	void TearDown() override
	{
		channels_of_another_.reset();
		PlaneFixture::TearDown();
	}

	/* Starts commits of 8 bytes, which travel together. */
	void commit(ChannelTable *channels, size_t count)
	{
		for (size_t i = 0; i < count; i++) {
			iovec iov{&word_, sizeof(word_)};
			fi_rma_iov rma{kBase + 64 * i, sizeof(word_), key_};
			fi_msg_rma msg{};
			msg.msg_iov = &iov;
			msg.iov_count = 1;
			msg.rma_iov = &rma;
			msg.rma_iov_count = 1;
			OpRequest request = OpRequest::write(msg)
						    .at(Level::commit)
						    .more(i + 1 < count)
						    .report();
			/* Progress would send requests that wait for more. */
			auto submit = [&] {
				return channels->submit(request, 0);
			};
			ASSERT_EQ(count > 1 ? submit() : until_taken(submit),
				  0);
		}
	}

	void wait_for(RecordingOwner *owner, size_t count)
	{
		auto deadline = Clock::now() + kPatience;
		while (owner->results.size() < count && Clock::now() < deadline)
			initiator_->progress();
		ASSERT_EQ(owner->results.size(), count);
		for (const OpResult &result : owner->results)
			EXPECT_FALSE(result.failure);
		owner->results.clear();
	}

	/* Both batches arrive while the service stores what comes first. */
	void commit_at_once()
	{
		FakeMedium *medium = &media_.emplace_back(kRegionLen);
		key_ = add_region(medium);
		commit(channels_.get(), 1);
		wait_for(&owner_, 1);
		commit(channels_of_another_.get(), 1);
		wait_for(&another_, 1);
		{
			std::lock_guard guard(medium->mutex);
			turns_.clear();
			commit(channels_.get(), 1);
			commit(channels_.get(), kBatch);
			commit(channels_of_another_.get(), kBatch);
			initiator_->progress(); /* sends what was gathered */
		}
		wait_for(&owner_, 1 + kBatch);
		wait_for(&another_, kBatch);
	}

	std::atomic<size_t> budget_{1};
	InTurn<Session>::Turns turns_;
	RecordingOwner another_;
	std::unique_ptr<ChannelTable> channels_of_another_;
	uint64_t key_ = 0;
	uint64_t word_ = 1;
};

TEST_F(SessionTurns, AlternateIfEachExecutesOneRequest)
{
	commit_at_once();
	/* Turns count from the second one's first on, until one of them is
	 * done. */
	std::map<const Session *, size_t> had;
	size_t in_a_row = 0;
	size_t longest = 0;
	const Session *last = nullptr;
	for (const Session *one : turns_) {
		in_a_row = one == last ? in_a_row + 1 : 1;
		last = one;
		had[one]++;
		bool both = had.size() == 2 && had.begin()->second < kBatch &&
			    had.rbegin()->second < kBatch;
		if (both)
			longest = std::max(longest, in_a_row);
	}
	EXPECT_EQ(had.size(), 2u);
	EXPECT_GE(longest, 1u);
	EXPECT_LE(longest, 2u);
}

class LongSessionTurns : public SessionTurns
{
protected:
	LongSessionTurns() { budget_ = 1000; }
};

TEST_F(LongSessionTurns, ExecuteABatchAtOnce)
{
	commit_at_once();
	/* One for each message, unless the first two arrive together. */
	EXPECT_GE(turns_.size(), 2u);
	EXPECT_LE(turns_.size(), 3u);
}

/* The initiator has two channels. */
class ChannelTurns : public NicFixture
{
protected:
	void prepare() override
	{
		nic_.kind = NicKind::software;
		nic_.flushable = false;
	}

	void set_policies() override
	{
		initiator_->set_policy(
			std::make_unique<InTurn<LinkUser>>(&turns_, &budget_));
	}

	std::atomic<size_t> budget_{1000};
	InTurn<LinkUser>::Turns turns_;
};

TEST_F(ChannelTurns, AlternateIfEachPostsOneOperation)
{
	open_region(add_medium(kDmp));
	RecordingOwner owner;
	ChannelTable others(initiator_.get(), &owner);
	others.open(256);
	uint64_t word = 1;
	iovec iov{&word, sizeof(word)};
	fi_rma_iov rma{kBase, sizeof(word), key_};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.iov_count = 1;
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	auto submit_to = [&](ChannelTable *table, uint64_t offset) {
		rma.addr = kBase + offset;
		ASSERT_EQ(until_taken([&] {
				  return table->submit(
					  OpRequest::write(msg)
						  .at(Level::commit)
						  .report(),
					  0);
			  }),
			  0);
	};
	submit_to(&others, 0);
	while (owner.results.empty())
		initiator_->progress();

	budget_ = 0; /* all of them must wait for a later turn */
	nic_.take_posted();
	for (size_t i = 1; i <= 4; i++) {
		submit_to(channels_.get(), 100 * i);
		submit_to(&others, 100 * i);
	}
	EXPECT_TRUE(nic_.take_posted().empty());
	budget_ = 1;
	std::vector<uint64_t> offsets;
	for (size_t i = 0; i < 4; i++) {
		initiator_->progress();
		for (const auto &posted : nic_.take_posted()) {
			wire::Write write;
			ASSERT_TRUE(wire::parse(posted.bytes.data(),
						posted.bytes.size(), &write));
			offsets.push_back(write.offset);
		}
	}
	EXPECT_EQ(offsets, (std::vector<uint64_t>{100, 100, 200, 200, 300, 300,
						  400, 400}));
	while (owner.results.size() < 5 || owner_.results.size() < 4)
		initiator_->progress();
	for (const OpResult &result : owner_.results)
		EXPECT_FALSE(result.failure);
}

TEST_F(ChannelTurns, AnInjectIsRefusedWhileItMayNotBePosted)
{
	open_region(add_medium(kDmp));
	uint64_t word = 1;
	Call inject = kWrite;
	inject.inject = true;
	budget_ = 0;
	EXPECT_EQ(try_submit(inject, &word, sizeof(word), 0, key_), -FI_EAGAIN);
	budget_ = 1;
	EXPECT_EQ(try_submit(inject, &word, sizeof(word), 0, key_), 0);
	EXPECT_FALSE(wait().failure);
}

} // namespace
