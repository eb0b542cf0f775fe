/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/resume.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"
#include "transfer/local_digests.hh"
#include "transfer/scan.hh"
#include "transfer/source_file.hh"
#include "transfer/transfer.hh"

#include <cstring>

namespace fi_pmem
{

namespace
{

/* At most this many bytes of what is there are sent again. */
constexpr size_t kBlock = 64 << 10;

/* Counts the common prefix, and ends the transfer where it ends. */
class Prefix final : public BlockStream
{
public:
	static constexpr int kEnd = -1;

	Prefix(LocalDigests &local, size_t digest_bytes)
		: local_(local), digest_bytes_(digest_bytes)
	{
	}

	[[nodiscard]] uint64_t bytes() const { return bytes_; }

	[[nodiscard]] int fill(char *, size_t, size_t *) override { return 0; }

	[[nodiscard]] int drain(const char *digests, size_t bytes) override
	{
		auto digest = reinterpret_cast<const uint8_t *>(digests);
		for (size_t done = 0; done < bytes; done += kBlock) {
			size_t len = std::min(kBlock, bytes - done);
			bool same = false;
			int ret = local_.take(len, digest, &same);
			if (ret)
				return ret;
			if (!same || bytes_ + len > readable_)
				return kEnd;
			bytes_ += len;
			digest += digest_bytes_;
		}
		return kOk;
	}

	void unreadable(uint64_t position, uint64_t) override
	{
		readable_ = std::min(readable_, position);
	}

private:
	LocalDigests &local_;
	size_t digest_bytes_;
	uint64_t bytes_ = 0;
	uint64_t readable_ = UINT64_MAX;
};

} // namespace

int find_common_prefix(const Options &asked, Report &report, SourceFile &file,
		       uint64_t *bytes)
{
	Options options = asked;
	options.digest_block = kBlock;
	Signals signals;
	Connection connection(options, report, signals);
	Scan scan(options, report, connection);
	LocalDigests local(file);
	int ret = local.open(options, report, scan);
	if (ret)
		return ret;
	Prefix prefix(local, ofi_pmem::digest_length(options.digest));
	Transfer transfer(options, report, connection);
	ProgressBar bar("compare", file.bytes(), !options.json);
	ret = transfer.run(Direction::digest, file.bytes(), prefix, bar);
	*bytes = prefix.bytes();
	file.seek(*bytes);
	return ret == Prefix::kEnd ? int{kOk} : ret;
}

} // namespace fi_pmem
