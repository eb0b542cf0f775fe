/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A list of objects that carry their own links: to add or to remove one takes
 * constant time and never allocates. An object is in at most one list for each
 * ListNode that it has. Not thread-safe.
 */
#pragma once

#include <cstddef>

namespace ofi_pmem
{

template <typename T> struct ListNode {
	T *before = nullptr;
	T *after = nullptr;
	bool linked = false;
};

/* Node::of(T &) is the node that this list uses. */
template <typename T, typename Node> class IntrusiveList
{
public:
	IntrusiveList() = default;
	IntrusiveList(const IntrusiveList &) = delete;
	IntrusiveList &operator=(const IntrusiveList &) = delete;

	bool empty() const noexcept { return !first_; }
	size_t size() const noexcept { return size_; }
	T *front() const noexcept { return first_; }
	static T *after(T *one) noexcept { return Node::of(*one).after; }

	/* Does nothing if the object is in the list. */
	void push_back(T *one) noexcept
	{
		ListNode<T> &node = Node::of(*one);
		if (node.linked)
			return;
		node = {last_, nullptr, true};
		(last_ ? Node::of(*last_).after : first_) = one;
		last_ = one;
		size_++;
	}

	/* Does nothing if the object is not in the list. */
	void remove(T *one) noexcept
	{
		ListNode<T> &node = Node::of(*one);
		if (!node.linked)
			return;
		(node.before ? Node::of(*node.before).after : first_) =
			node.after;
		(node.after ? Node::of(*node.after).before : last_) =
			node.before;
		node = {};
		size_--;
	}

	/* Returns null if the list is empty. */
	T *pop_front() noexcept
	{
		T *one = first_;
		if (one)
			remove(one);
		return one;
	}

private:
	T *first_ = nullptr;
	T *last_ = nullptr;
	size_t size_ = 0;
};

} // namespace ofi_pmem
