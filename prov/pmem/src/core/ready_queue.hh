/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Whose turn it is: the channels of an initiator that have something to post,
 * or the sessions of a service that have something to execute. A policy decides
 * who is next, and how much one may do in a turn. Without a policy whatever
 * arrives is done at once, and what is left is done in the order of its
 * arrival. Not thread-safe.
 */
#pragma once

#include "core/intrusive_list.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace ofi_pmem
{

template <typename T> class ReadyQueue;

/* Says what a parked object waits for. */
enum class Wait : uint8_t {
	turn,  /* its next turn: it has more to do than one turn allows */
	sends, /* its link, which takes no message now */
	sync,  /* a sync that makes durable what it has stored */
};

/* The base of what has turns: T derives from Turn<T>. */
template <typename T> class Turn
{
	friend class ReadyQueue<T>;

	ListNode<T> ready_node_;
	ListNode<T> parked_node_;
	Wait wait_ = Wait::turn; /* while it is parked */
};

template <typename T> class TurnPolicy
{
public:
	static constexpr size_t kUnlimited = SIZE_MAX;

	virtual ~TurnPolicy() = default;

	/* Returns how many operations or requests it may do now; with 0 it
	 * waits for a later turn. */
	virtual size_t budget(const T &one) noexcept = 0;

	/* Chooses the next of those that are ready; there is at least one. */
	virtual T *next(const ReadyQueue<T> &ready) noexcept = 0;
};

template <typename T> class ReadyQueue
{
public:
	void set_policy(std::unique_ptr<TurnPolicy<T>> policy) noexcept
	{
		policy_ = std::move(policy);
	}

	size_t budget(const T &one) const noexcept
	{
		return policy_ ? policy_->budget(one)
			       : TurnPolicy<T>::kUnlimited;
	}

	bool empty() const noexcept { return ready_.empty(); }
	size_t size() const noexcept { return ready_.size(); }
	T *first() const noexcept { return ready_.front(); }
	static T *after(T *one) noexcept
	{
		return IntrusiveList<T, ReadyNode>::after(one);
	}

	/* Does nothing if it is ready already. */
	void add(T *one) noexcept { ready_.push_back(one); }

	/* Takes the next one out; null if none is ready. */
	T *take() noexcept
	{
		if (ready_.empty())
			return nullptr;
		T *one = policy_ ? policy_->next(*this) : ready_.front();
		ready_.remove(one);
		return one;
	}

	/* It waits for this until unpark(). */
	void park(T *one, Wait wait) noexcept
	{
		parked(turn_of(one).wait_).remove(one);
		turn_of(one).wait_ = wait;
		parked(wait).push_back(one);
	}

	/* Makes the first that waits for this ready and returns it, or null. */
	T *unpark(Wait wait) noexcept
	{
		T *one = parked(wait).pop_front();
		if (one)
			ready_.push_back(one);
		return one;
	}

	bool any_parked(Wait wait) const noexcept
	{
		return !parked_[static_cast<size_t>(wait)].empty();
	}

	/* It goes away. */
	void remove(T *one) noexcept
	{
		ready_.remove(one);
		parked(turn_of(one).wait_).remove(one);
	}

private:
	struct ReadyNode {
		static ListNode<T> &of(Turn<T> &one) noexcept
		{
			return one.ready_node_;
		}
	};
	struct ParkedNode {
		static ListNode<T> &of(Turn<T> &one) noexcept
		{
			return one.parked_node_;
		}
	};
	using Parked = IntrusiveList<T, ParkedNode>;

	static Turn<T> &turn_of(T *one) noexcept { return *one; }
	Parked &parked(Wait wait) noexcept
	{
		return parked_[static_cast<size_t>(wait)];
	}

	IntrusiveList<T, ReadyNode> ready_;
	std::array<Parked, 3> parked_;
	std::unique_ptr<TurnPolicy<T>> policy_;
};

} // namespace ofi_pmem
