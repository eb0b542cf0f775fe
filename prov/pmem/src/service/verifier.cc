/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/verifier.hh"

#include <algorithm>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/* A block counts as this many bytes of a slice, however short it is. */
constexpr size_t kLeastCost = 4096;

} // namespace

bool Verifier::parse(const uint8_t *bytes, size_t len)
{
	if (!wire::parse(bytes, len, &request_) || request_.header.flags ||
	    request_.compare > 1 || !request_.count ||
	    request_.count > wire::kMaxBlocks)
		return false;
	auto algorithm = static_cast<DigestAlgorithm>(request_.algorithm);
	digest_length_ = digest_length(algorithm);
	size_t each = sizeof(wire::Range);
	if (request_.compare)
		each += digest_length_;
	if (!digest_length_ || len - sizeof(request_) != request_.count * each)
		return false;
	body_.assign(bytes + sizeof(request_), bytes + len);
	return true;
}

wire::Range Verifier::block(size_t index) const noexcept
{
	wire::Range range;
	std::memcpy(&range, body_.data() + index * sizeof(range),
		    sizeof(range));
	return range;
}

Digest Verifier::expected(size_t index) const noexcept
{
	const uint8_t *digests =
		body_.data() + request_.count * sizeof(wire::Range);
	Digest digest;
	digest.length = static_cast<uint8_t>(digest_length_);
	std::memcpy(digest.bytes.data(), digests + index * digest_length_,
		    digest_length_);
	return digest;
}

/* A digest says something about the bytes, so the peer must be allowed to read
 * them. */
Failure Verifier::open()
{
	for (size_t i = 0; i < request_.count; i++) {
		wire::Range range = block(i);
		TargetRegion *region = nullptr;
		Failure failure = table_->admit(range.token, key_, &region);
		if (failure)
			return failure;
		if (!range.length)
			return {FI_EINVAL, Cause::out_of_range};
		failure = region->check(range.offset, range.length,
					wire::kRemoteRead);
		if (failure)
			return failure;
	}
	engine_ = open_digest(static_cast<DigestAlgorithm>(request_.algorithm));
	if (!engine_)
		return {FI_EOPNOTSUPP, Cause::unsupported_digest};
	int ret = buffer_->open();
	return ret ? Failure{-ret, Cause::none} : Failure{};
}

/* Returns 0 or a positive fi_errno. */
int Verifier::read_slice(const wire::Range &range, size_t len)
{
	TargetRegion *region = nullptr;
	failure_ = table_->admit(range.token, key_, &region);
	if (failure_)
		return failure_.err;
	int ret =
		region->backend->read_back(range.offset + done_, len, buffer_);
	if (!ret)
		engine_->update(buffer_->data(), len);
	return -ret;
}

void Verifier::end_block(int status)
{
	Digest found = engine_->finish();
	if (!status && !found.length)
		status = FI_EIO; /* the library failed */
	bool good = !status && (!request_.compare || found == expected(index_));
	if (!request_.compare) {
		size_t at = digests_.size();
		digests_.resize(at + digest_length_);
		if (!status)
			std::memcpy(&digests_[at], found.bytes.data(),
				    digest_length_);
	}
	if (!good) {
		wire::BadBlock bad{};
		bad.index = static_cast<uint16_t>(index_);
		bad.status = static_cast<uint16_t>(status);
		if (!status)
			std::copy(found.bytes.begin(), found.bytes.end(),
				  bad.found);
		bad_.push_back(bad);
	}
	index_++;
	done_ = 0;
}

bool Verifier::step()
{
	size_t budget = ReadBackBuffer::kSize;
	while (budget && index_ < request_.count) {
		wire::Range range = block(index_);
		auto len = static_cast<size_t>(
			std::min<uint64_t>(budget, range.length - done_));
		int status = read_slice(range, len);
		if (failure_)
			return true;
		budget -= std::min(budget, std::max(len, kLeastCost));
		done_ += len;
		if (status || done_ == range.length)
			end_block(status);
	}
	return index_ == request_.count;
}

std::vector<uint8_t> Verifier::answer() const
{
	wire::Verified head{};
	head.digests = request_.compare ? 0 : request_.count;
	head.bad = static_cast<uint16_t>(bad_.size());
	auto fixed = reinterpret_cast<const uint8_t *>(&head);
	auto bad = reinterpret_cast<const uint8_t *>(bad_.data());
	size_t fixed_length = sizeof(head) - sizeof(head.header);
	size_t bad_length = bad_.size() * sizeof(wire::BadBlock);

	std::vector<uint8_t> made(fixed_length + digests_.size() + bad_length);
	uint8_t *at = std::copy_n(fixed + sizeof(head.header), fixed_length,
				  made.data());
	at = std::copy(digests_.begin(), digests_.end(), at);
	std::copy_n(bad, bad_length, at);
	return made;
}

} // namespace ofi_pmem
