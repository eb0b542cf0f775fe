/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* What is sent comes out in order, whatever was copied and wherever it broke.
 */
#include "transport/out_queue.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

namespace ofi_pmem
{

namespace
{

void add(OutQueue *queue, const std::string &text)
{
	std::copy(text.begin(), text.end(), queue->room(text.size()));
	queue->add(text.size());
}

/* Sends up to `most` bytes, which it returns. */
std::string send(OutQueue *queue, size_t most, size_t buffers = 64)
{
	std::vector<iovec> iov(buffers);
	size_t count = queue->next(iov.data(), buffers);
	std::string bytes;
	for (size_t i = 0; i < count; i++)
		bytes.append(static_cast<char *>(iov[i].iov_base),
			     iov[i].iov_len);
	bytes.resize(std::min(most, bytes.size()));
	queue->sent(bytes.size());
	return bytes;
}

/* A stream of bytes of which some always wait. */
TEST(OutQueue, StaysSmallWhileItIsNeverEmpty)
{
	SpareBuffer spare;
	OutQueue queue(&spare);
	std::string foreign = "foreign";
	std::string piece(50000, 'p');
	add(&queue, piece);
	for (int i = 0; i < 2000; i++) {
		add(&queue, piece);
		queue.refer({foreign.data(), foreign.size()});
		send(&queue, piece.size() + foreign.size());
		ASSERT_FALSE(queue.empty());
	}
	while (!queue.empty())
		send(&queue, SIZE_MAX);
	/* What has grown too large is not lent. */
	EXPECT_GT(spare.capacity, 0U);
	EXPECT_LE(spare.capacity, size_t{1} << 20);
}

TEST(OutQueue, KeepsTheOrderOfCopiedAndForeignBytes)
{
	std::string foreign = "FOREIGN";
	std::string also = "ALSO";
	for (size_t step = 1; step < 40; step++) {
		for (size_t buffers : {1, 2, 64}) {
			SpareBuffer spare;
			OutQueue queue(&spare);
			add(&queue, "one");
			add(&queue, "two");
			queue.refer({foreign.data(), foreign.size()});
			queue.refer({nullptr, 0});
			queue.refer({also.data(), also.size()});
			add(&queue, "three");
			EXPECT_EQ(queue.left(), 22U);
			std::string all;
			while (!queue.empty())
				all += send(&queue, step, buffers);
			EXPECT_EQ(all, "onetwoFOREIGNALSOthree");
		}
	}
}

TEST(OutQueue, GrowsWhileSomethingIsUnsent)
{
	SpareBuffer spare;
	OutQueue queue(&spare);
	std::string expected;
	std::string all;
	for (int i = 0; i < 500; i++) {
		std::string text(static_cast<size_t>(i * 37 % 1000),
				 static_cast<char>('a' + i % 26));
		add(&queue, text);
		expected += text;
		all += send(&queue, static_cast<size_t>(i * 13 % 700));
	}
	EXPECT_FALSE(queue.empty());
	while (!queue.empty())
		all += send(&queue, 1000);
	EXPECT_EQ(all, expected);
	EXPECT_EQ(queue.left(), 0U);
	add(&queue, "again");
	EXPECT_EQ(send(&queue, 100), "again");
}

} // namespace

} // namespace ofi_pmem
