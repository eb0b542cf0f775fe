/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Damage between the flush and the verification, in data of every size: each
 * block that is not what was written is named by every digest, and no other.
 *
 * PMEM_VERIFY_MAX (1048577) is the largest size in bytes. At most 16384 blocks
 * wait for their comparison: from 64 MiB on FI_OFI_PMEM_VERIFY_BLOCK must be
 * set. PMEM_VERIFY_CLEAN (10000) is the number of commits that nothing damages.
 */
#include "common/initiator.hh"
#include "common/random.hh"

#include <gtest/gtest.h>

using namespace pmem_test;

namespace
{

/* This is in the midst of a page and of a line. */
constexpr size_t kOffset = 3 * 4096 + 100;
constexpr size_t kLine = 64;

const size_t kSizes[] = {1,	2,	 7,	  8,	   63,
			 64,	65,	 4095,	  4096,	   4097,
			 65536, 1048577, 1 << 24, 1 << 27, 1 << 30};

/* A medium, a cable or a program may do these things to a block. */
enum class Damage { flipped_bit, torn_line, stale, wrong_place };
constexpr Damage kDamages[] = {Damage::flipped_bit, Damage::torn_line,
			       Damage::stale, Damage::wrong_place};

size_t largest()
{
	return env_number("PMEM_VERIFY_MAX", 1048577);
}

size_t block_bytes()
{
	return env_number("FI_OFI_PMEM_VERIFY_BLOCK", 4096);
}

class PmemVerify : public testing::TestWithParam<Setup>
{
protected:
	using Blocks = std::vector<size_t>;

	PmemVerify()
		: length(largest() + kOffset + 8192), file(length),
		  target(GetParam().stack, GetParam().memory),
		  region(target.add_file(file.path(), length)),
		  initiator(GetParam().stack)
	{
		target.connect(initiator.node());
	}

	/* Writes `bytes`, durably, and has them compared by a later flush. */
	void write_checked(const Bytes &bytes)
	{
		LocalBuffer buffer(initiator.node(), bytes);
		initiator.expect_success(initiator.write(region, kOffset,
							 buffer, FI_PMEM_VERIFY,
							 &context),
					 &context);
		initiator.expect_success(initiator.drain(region, &context),
					 &context);
	}

	/* The bad blocks that the comparison names. */
	Blocks compare()
	{
		fi_rma_iov any{region.base, 1, region.key};
		fi_pmem_msg_flush all{&any,
				      1,
				      initiator.peer(),
				      &context,
				      FI_PMEM_PLACE_PERSISTENT,
				      FI_PMEM_SELECT_PEER};
		Failure failed = outcome(initiator, initiator.post([&] {
			return initiator.ops()->flushv(initiator.ep(), &all,
						       FI_COMPLETION |
							       FI_PMEM_VERIFY);
		}),
					 &context);
		if (!failed.err)
			return {};
		EXPECT_EQ(failed.err, FI_EIO) << failed.completion.text;
		/* The next drain reports this as well. */
		EXPECT_EQ(outcome(initiator, initiator.drain(region, &context),
				  &context)
				  .err,
			  FI_EIO);
		return named(failed.completion);
	}

	Blocks named(const Completion &completion) const
	{
		Blocks blocks;
		fi_pmem_bad_block bad{};
		size_t count = completion.err_data.size() / sizeof(bad);
		for (size_t i = 0; i < count; i++) {
			memcpy(&bad, &completion.err_data[i * sizeof(bad)],
			       sizeof(bad));
			EXPECT_EQ(bad.key, region.key);
			uint64_t at = bad.addr - region.base - kOffset;
			EXPECT_EQ(at % block_bytes(), 0u);
			blocks.push_back(at / block_bytes());
		}
		return blocks;
	}

	/*
	 * Returns the digest of each block of these bytes; unreadable blocks
	 * have 0.
	 */
	Bytes digests(fi_pmem_digest digest, size_t size)
	{
		Bytes made(blocks_of(size) * fi_pmem_digest_length(digest));
		fi_rma_iov range{region.base + kOffset, size, region.key};
		fi_pmem_msg_verify verify{&range,	    1,
					  initiator.peer(), &context,
					  digest,	    block_bytes(),
					  made.data(),	    made.size()};
		Failure failed = outcome(initiator, initiator.post([&] {
			return initiator.ops()->verify(initiator.ep(), &verify,
						       FI_COMPLETION);
		}),
					 &context);
		EXPECT_TRUE(!failed.err || failed.err == FI_EIO)
			<< failed.completion.text;
		return made;
	}

	/* Uses every digest that both sides have. */
	std::vector<std::pair<fi_pmem_digest, Bytes>> all_digests(size_t size)
	{
		fi_pmem_region_attr attr{};
		attr.size = sizeof(attr);
		EXPECT_EQ(initiator.post([&] {
			return initiator.ops()->query(initiator.ep(),
						      initiator.peer(),
						      region.key, &attr);
		}),
			  0);
		std::vector<std::pair<fi_pmem_digest, Bytes>> all;
		for (unsigned i = 1; i < 32; i++) {
			auto digest = static_cast<fi_pmem_digest>(i);
			if (attr.digests & 1U << i)
				all.emplace_back(digest, digests(digest, size));
		}
		EXPECT_GE(all.size(), 6u);
		return all;
	}

	/* Every digest names these blocks, as does the comparison. */
	void expect_named(
		const Blocks &wanted, size_t size,
		const std::vector<std::pair<fi_pmem_digest, Bytes>> &before)
	{
		for (const auto &[digest, was] : before)
			EXPECT_EQ(changed(digest, was, digests(digest, size)),
				  wanted)
				<< "digest " << digest;
		EXPECT_EQ(compare(), wanted);
	}

	static Blocks changed(fi_pmem_digest digest, const Bytes &was,
			      const Bytes &is)
	{
		Blocks blocks;
		auto each =
			static_cast<ptrdiff_t>(fi_pmem_digest_length(digest));
		for (auto at = was.begin(); at != was.end(); at += each) {
			if (!std::equal(at, at + each,
					is.begin() + (at - was.begin())))
				blocks.push_back(static_cast<size_t>(
					(at - was.begin()) / each));
		}
		return blocks;
	}

	static size_t blocks_of(size_t size)
	{
		return (size + block_bytes() - 1) / block_bytes();
	}

	/* Blocks of the medium that do not have these bytes. */
	static Blocks different(const uint8_t *medium, const Bytes &wanted)
	{
		Blocks blocks;
		for (size_t i = 0; i < blocks_of(wanted.size()); i++) {
			size_t begin = i * block_bytes();
			size_t len =
				std::min(block_bytes(), wanted.size() - begin);
			if (memcmp(medium + begin, &wanted[begin], len))
				blocks.push_back(i);
		}
		return blocks;
	}

	const size_t length;
	RegionFile file;
	Target target;
	RemoteRegion region;
	Initiator initiator;
	fi_context2 context{};
};

/*
 * Damages the block that begins here, which held `old` before it was written.
 */
void damage(Damage kind, uint8_t *block, size_t len, const uint8_t *old)
{
	switch (kind) {
	case Damage::flipped_bit:
		block[len / 2] ^= 0x04;
		break;
	case Damage::torn_line: {
		/* 8 bytes of a line are there, the rest of it is not. */
		size_t from = len > 8 ? 8 : len / 2;
		size_t to = std::min(len, kLine);
		memcpy(block + from, old + from, to - from);
		break;
	}
	case Damage::stale:
		memcpy(block, old, len);
		break;
	case Damage::wrong_place:
		for (size_t i = 0; i < len / 2; i++)
			std::swap(block[i], block[len - 1 - i]);
		block[0] ^= 0x80; /* of blocks that are too short for that */
		break;
	}
}

TEST_P(PmemVerify, DamagedBlocksAreNamedAndNoOthers)
{
	uint64_t seed = 0;
	for (size_t size : kSizes) {
		if (size > largest())
			continue;
		for (Damage kind : kDamages) {
			SCOPED_TRACE(std::to_string(size) + " bytes, damage " +
				     std::to_string(static_cast<int>(kind)));
			Bytes old = pattern(++seed, size);
			write_checked(old);
			EXPECT_EQ(compare(), Blocks{});
			Bytes wanted = pattern(++seed, size);
			write_checked(wanted);
			auto before = all_digests(size);
			Mapping medium(file.path(), length);
			uint8_t *data = medium.data() + kOffset;
			size_t last = blocks_of(size) - 1;
			for (size_t block : {size_t{0}, last / 3, last}) {
				size_t begin = block * block_bytes();
				damage(kind, data + begin,
				       std::min(block_bytes(), size - begin),
				       &old[begin]);
			}
			msync(medium.data(), length, MS_SYNC);
			expect_named(different(data, wanted), size, before);
		}
	}
}

TEST_P(PmemVerify, BlocksOfATruncatedFileAreNamedAndNoOthers)
{
	/*
	 * A NIC does not notice either: it goes on writing to the pages it
	 * pinned.
	 */
	if (dax_device() || !strcmp(core_provider(), "verbs"))
		GTEST_SKIP() << "a device has no length to change";
	uint64_t seed = 100;
	for (size_t size : kSizes) {
		if (size > largest())
			continue;
		SCOPED_TRACE(size);
		write_checked(pattern(++seed, size));
		auto before = all_digests(size);
		size_t left = size / 2;
		file.resize(kOffset + left);
		Blocks gone;
		for (size_t i = left / block_bytes(); i < blocks_of(size); i++)
			gone.push_back(i);
		expect_named(gone, size, before);
		file.resize(length);
	}
}

/* The largest that the environment allows, whole and damaged in one byte. */
TEST_P(PmemVerify, TheLargestIsComparedByteByByte)
{
	size_t size = largest();
	Bytes wanted = pattern(7, size);
	write_checked(wanted);
	EXPECT_EQ(compare(), Blocks{});
	write_checked(wanted);
	auto before = all_digests(size);
	Mapping medium(file.path(), length);
	medium.data()[kOffset + size - 1] ^= 1;
	msync(medium.data(), length, MS_SYNC);
	expect_named({blocks_of(size) - 1}, size, before);
}

TEST_P(PmemVerify, CleanCommitsAreNeverReported)
{
	Random random(1);
	Bytes source = pattern(1, 4096);
	LocalBuffer buffer(initiator.node(), source);
	uint64_t count = env_number("PMEM_VERIFY_CLEAN", 10000);
	for (uint64_t i = 0; i < count; i++) {
		size_t len = random.between(1, 200);
		uint64_t from = random.below(source.size() - len);
		uint64_t flags = random.below(8)
					 ? FI_COMMIT_COMPLETE
					 : FI_COMMIT_COMPLETE | FI_FENCE;
		ssize_t ret = initiator.write(
			region, random.below(length - len), buffer, from, len,
			flags | FI_PMEM_VERIFY, &context);
		initiator.expect_success(ret, &context);
	}
}

INSTANTIATE_TEST_SUITE_P(Setups, PmemVerify, testing::ValuesIn(setups()),
			 CaseName());

} // namespace
