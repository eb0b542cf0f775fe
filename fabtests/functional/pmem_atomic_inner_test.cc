/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Every atomic operation that is offered, on a persistent region and on an
 * ordinary one, which is the inner provider's business: both must find and
 * leave the same.
 */
#include "common/atomics.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <limits>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 64 << 10;
constexpr size_t kElements = 6;
constexpr int kLastDatatype = FI_UINT128;

enum class Kind { base, fetch, compare };

/* Small numbers that every type has; signed where the type is. */
template <typename T> Bytes numbers(std::array<int, kElements> values)
{
	Bytes bytes(kElements * sizeof(T));
	for (size_t i = 0; i < kElements; i++) {
		T value = static_cast<T>(values[i]);
		/* The 10 bytes that an x87 number has; the rest stays 0. */
		memcpy(&bytes[i * sizeof(T)], &value,
		       std::is_same_v<T, long double> &&
				       std::numeric_limits<T>::digits == 64
			       ? 10
			       : sizeof(T));
	}
	return bytes;
}

/* The imaginary parts are the values shifted by one. */
template <typename T> Bytes complex_numbers(std::array<int, kElements> values)
{
	Bytes real = numbers<T>(values);
	std::rotate(values.begin(), values.begin() + 1, values.end());
	Bytes imaginary = numbers<T>(values);
	Bytes bytes;
	for (size_t at = 0; at < real.size(); at += sizeof(T)) {
		for (const Bytes &part : {real, imaginary})
			bytes.insert(bytes.end(), &part[at],
				     &part[at] + sizeof(T));
	}
	return bytes;
}

Bytes typed(int datatype, std::array<int, kElements> values)
{
	switch (datatype) {
	case FI_INT8:
		return numbers<int8_t>(values);
	case FI_UINT8:
		return numbers<uint8_t>(values);
	case FI_INT16:
		return numbers<int16_t>(values);
	case FI_UINT16:
		return numbers<uint16_t>(values);
	case FI_INT32:
		return numbers<int32_t>(values);
	case FI_UINT32:
		return numbers<uint32_t>(values);
	case FI_INT64:
		return numbers<int64_t>(values);
	case FI_UINT64:
		return numbers<uint64_t>(values);
	case FI_FLOAT:
		return numbers<float>(values);
	case FI_DOUBLE:
		return numbers<double>(values);
	case FI_LONG_DOUBLE:
		return numbers<long double>(values);
	case FI_FLOAT_COMPLEX:
		return complex_numbers<float>(values);
	case FI_DOUBLE_COMPLEX:
		return complex_numbers<double>(values);
	case FI_LONG_DOUBLE_COMPLEX:
		return complex_numbers<long double>(values);
	default:
		return {};
	}
}

/*
 * Clears the padding of an x87 number, where the inner provider leaves
 * anything.
 */
Bytes without_padding(int datatype, Bytes bytes)
{
	bool padded = (datatype == FI_LONG_DOUBLE ||
		       datatype == FI_LONG_DOUBLE_COMPLEX) &&
		      std::numeric_limits<long double>::digits == 64;
	for (size_t at = 0; padded && at < bytes.size(); at++) {
		if (at % sizeof(long double) >= 10)
			bytes[at] = 0;
	}
	return bytes;
}

class PmemAtomicInner : public testing::Test
{
protected:
	PmemAtomicInner()
		: file(kRegionLen),
		  target(atomic_options(), child_options(Memory::powerfail)),
		  persistent(target.add_file(file.path(), kRegionLen)),
		  ordinary(target.add_region(anonymous())),
		  initiator(atomic_options())
	{
		target.connect(initiator.node());
	}

	static RegionRequest anonymous()
	{
		RegionRequest request;
		request.map_len = kRegionLen;
		request.flags = 0;
		return request;
	}

	bool offered(Kind kind, fi_datatype datatype, fi_op op)
	{
		size_t count = 0;
		fid_ep *ep = initiator.ep();
		if (kind == Kind::base)
			return !fi_atomicvalid(ep, datatype, op, &count);
		if (kind == Kind::fetch)
			return !fi_fetch_atomicvalid(ep, datatype, op, &count);
		return !fi_compare_atomicvalid(ep, datatype, op, &count);
	}

	/* Returns what was fetched, followed by what the region then holds. */
	Bytes run(const RemoteRegion &region, Kind kind, fi_datatype datatype,
		  fi_op op)
	{
		Bytes start = typed(datatype, {0, 1, -2, 5, 7, -100});
		Bytes operand = typed(datatype, {3, -1, 2, 0, 7, 100});
		Bytes compare = typed(datatype, {0, 5, -3, 5, 8, 1});
		Bytes was(start.size());
		initiator.write_and_wait(region, 128, start,
					 FI_DELIVERY_COMPLETE);
		AtomicCall call(initiator, region, 128, datatype, op,
				kElements);
		ssize_t ret = kind == Kind::base
				      ? call.base(initiator, operand.data(),
						  FI_COMPLETION |
							  FI_DELIVERY_COMPLETE)
			      : kind == Kind::fetch
				      ? call.fetch(initiator, operand.data(),
						   was.data(), FI_COMPLETION)
				      : call.swap(initiator, operand.data(),
						  compare.data(), was.data(),
						  FI_COMPLETION);
		initiator.expect_success(ret, &call.context);
		Bytes left = initiator.read_and_wait(region, 128, start.size());
		was.insert(was.end(), left.begin(), left.end());
		return without_padding(datatype, was);
	}

	RegionFile file;
	Target target;
	RemoteRegion persistent;
	RemoteRegion ordinary;
	Initiator initiator;
};

TEST_F(PmemAtomicInner, AgreesOnEveryOperationThatIsOffered)
{
	/* The inner provider needs the target's help until this arrives. */
	target.post_recv();
	target.start_read_cq();
	size_t compared = 0;
	for (int type = 0; type <= kLastDatatype; type++) {
		for (int op = 0; op < FI_ATOMIC_OP_LAST; op++) {
			for (Kind kind :
			     {Kind::base, Kind::fetch, Kind::compare}) {
				auto datatype = static_cast<fi_datatype>(type);
				auto operation = static_cast<fi_op>(op);
				if (!offered(kind, datatype, operation))
					continue;
				SCOPED_TRACE(testing::Message()
					     << "datatype " << type << " op "
					     << op << " kind "
					     << static_cast<int>(kind));
				EXPECT_EQ(difference(run(persistent, kind,
							 datatype, operation),
						     run(ordinary, kind,
							 datatype, operation)),
					  "");
				compared++;
			}
		}
	}
	printf("%zu operations compared\n", compared);
	EXPECT_GT(compared, 200u);
	LocalBuffer text(initiator.node(), 8);
	fi_context2 context{};
	initiator.expect_success(initiator.post([&] {
		return fi_send(initiator.ep(), text.data(), text.size(),
			       text.desc(), initiator.peer(), &context);
	}),
				 &context);
	initiator.await_arrival(target);
}

} // namespace
