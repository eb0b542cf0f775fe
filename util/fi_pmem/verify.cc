/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The local side of a verify: the same digests of the file.
 */
#include "verify.hh"

#include <cinttypes>
#include <cstring>

#include "exit_codes.hh"
#include "report.hh"
#include "scan.hh"
#include "source_file.hh"

namespace fi_pmem
{

namespace
{

class LocalDigests final : public DigestSink
{
public:
	explicit LocalDigests(SourceFile &file) : file_(file) {}

	/* False where this side cannot compute it. */
	[[nodiscard]] bool open(ofi_pmem::DigestAlgorithm algorithm)
	{
		engine_ = ofi_pmem::open_digest(algorithm);
		return engine_ != nullptr;
	}

	/* In pieces that stay in the cache. */
	[[nodiscard]] int take(uint64_t bytes, const uint8_t *digest,
			       bool *good) override
	{
		for (uint64_t done = 0; done < bytes;) {
			size_t part =
				std::min<uint64_t>(piece_.size(), bytes - done);
			int ret = file_.fill(piece_.data(), part);
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

} // namespace

int run_verify(const Options &options, Report &report)
{
	SourceFile file(options.file, report);
	int ret = file.open();
	if (ret)
		return ret;
	Connection connection(options, report);
	Scan scan(options, report, connection);
	LocalDigests digests(file);
	ret = connection.open();
	if (!ret)
		ret = connection.check_range(file.bytes(),
					     options.file.c_str());
	if (!ret)
		ret = scan.open();
	if (ret)
		return ret;
	if (!digests.open(options.digest))
		return report.fail(kFailed, "cannot compute %s",
				   to_string(options.digest));
	report.set("file", options.file);
	ret = scan.run(file.bytes(), digests, "differ from " + options.file);
	if (ret)
		return ret;
	report.say("%s offset %" PRIu64 " is the same as %s: %s",
		   connection.peer().c_str(), options.offset,
		   options.file.c_str(), scan.summary(file.bytes()).c_str());
	return kOk;
}

} // namespace fi_pmem
