/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Computes the digests of a local file and compares them with those of a
 * region.
 */
#pragma once

#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "transfer/scan.hh"
#include "transfer/source_file.hh"

#include <cstring>
#include <memory>
#include <vector>

namespace fi_pmem
{

class LocalDigests final : public DigestSink
{
public:
	explicit LocalDigests(SourceFile &file) : file_(file) {}

	/*
	 * Prepares both sides to digest the file, by `scan`. Returns an exit
	 * code.
	 */
	[[nodiscard]] int open(const Options &options, Report &report,
			       Scan &scan)
	{
		int ret = scan.connect(file_.bytes(), options.file.c_str());
		if (ret)
			return ret;
		engine_ = ofi_pmem::open_digest(options.digest);
		return engine_ ? int{kOk}
			       : report.fail(kFailed, "cannot compute %s",
					     to_string(options.digest));
	}

	/* The file is read in pieces that stay in the cache. */
	[[nodiscard]] int take(uint64_t bytes, const uint8_t *digest,
			       bool *good) override
	{
		for (uint64_t done = 0; done < bytes;) {
			size_t part =
				std::min<uint64_t>(piece_.size(), bytes - done);
			int ret = file_.read(piece_.data(), part);
			if (ret)
				return ret;
			engine_->update(piece_.data(), part);
			done += part;
		}
		ofi_pmem::Digest own = engine_->finish();
		*good = own.length &&
			!memcmp(own.bytes.data(), digest, own.length);
		return kOk;
	}

private:
	SourceFile &file_;
	std::unique_ptr<ofi_pmem::DigestEngine> engine_;
	std::vector<char> piece_ = std::vector<char>(64 << 10);
};

} // namespace fi_pmem
