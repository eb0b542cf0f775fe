/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Negotiates the digest, and passes each digest to its sink.
 */
#include "transfer/scan.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <cinttypes>

namespace fi_pmem
{

const char *coverage_text(fi_pmem_coverage coverage)
{
	switch (coverage) {
	case FI_PMEM_COVERS_CACHE:
		return "cache";
	case FI_PMEM_COVERS_DOMAIN:
		return "persistence domain";
	case FI_PMEM_COVERS_DEVICE:
		return "device";
	case FI_PMEM_COVERS_MEDIUM:
		return "medium";
	}
	return "unknown";
}

int Scan::open()
{
	fi_pmem_region_attr attr{};
	int ret = connection_.query(&attr);
	if (ret)
		return ret;
	if (!(attr.digests & ofi_pmem::digest_bit(options_.digest)))
		return report_.fail(
			kRefused, "digest %s: this side and %s have %s",
			to_string(options_.digest), connection_.peer().c_str(),
			ofi_pmem::digest_names(attr.digests).c_str());
	covers_ = coverage_text(attr.coverage);
	return kOk;
}

int Scan::connect(uint64_t length, const char *what)
{
	int ret = connection_.open();
	if (!ret)
		ret = connection_.check_range(options_.offset, length, what);
	return ret ? ret : open();
}

int Scan::run(uint64_t length, DigestSink &sink, const std::string &are)
{
	sink_ = &sink;
	Transfer transfer(options_, report_, connection_);
	ProgressBar bar(options_.name, length, !options_.json);
	int ret = transfer.run(Direction::digest, length, *this, bar);
	bad_.finish();
	seconds_ = transfer.seconds();
	set_fields(length);
	if (ret || !bad_.bytes())
		return ret;
	return report_.fail(kDiffers,
			    "%" PRIu64 " of %" PRIu64 " bytes of %s offset "
			    "%" PRIu64 " are in blocks that %s",
			    bad_.bytes(), length, connection_.peer().c_str(),
			    options_.offset, are.c_str());
}

void Scan::unreadable(uint64_t position, uint64_t)
{
	unreadable_.insert(position);
}

int Scan::drain(const char *digests, size_t bytes)
{
	auto digest = reinterpret_cast<const uint8_t *>(digests);
	for (size_t done = 0; done < bytes;) {
		size_t len = std::min(options_.digest_block, bytes - done);
		bool good = true;
		int ret = sink_->take(len, digest, &good);
		if (ret)
			return ret;
		if (unreadable_.erase(position_))
			bad_.add(position_, len, "unreadable");
		else if (!good)
			bad_.add(position_, len, "differs");
		position_ += len;
		done += len;
		digest += ofi_pmem::digest_length(options_.digest);
	}
	return kOk;
}

void Scan::set_fields(uint64_t length)
{
	report_.set("peer", connection_.peer());
	report_.set("provider", connection_.provider());
	report_.set("offset", options_.offset);
	report_.set("bytes", length);
	report_.set("digest", to_string(options_.digest));
	report_.set("block", options_.digest_block);
	report_.set("covers", covers_);
	report_.set("done_bytes", position_);
	report_.set("bad_bytes", bad_.bytes());
	report_.set("seconds", seconds_);
	report_.set("bytes_per_second",
		    static_cast<double>(position_) / std::max(seconds_, 1e-9));
}

std::string Scan::summary(uint64_t length) const
{
	auto bytes = static_cast<double>(length);
	char seconds[32];
	std::snprintf(seconds, sizeof(seconds), "%.3f s", seconds_);
	return human_bytes(bytes) + " in " + seconds + ", " +
	       human_bytes(bytes / std::max(seconds_, 1e-9)) + "/s, " +
	       to_string(options_.digest) + " of blocks of " +
	       std::to_string(options_.digest_block) + " bytes (" + covers_ +
	       ")";
}

} // namespace fi_pmem
