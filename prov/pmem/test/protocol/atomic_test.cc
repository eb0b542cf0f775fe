/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Every atomic operation on every datatype, against fi_atomic(3)'s own words,
 * at addresses without alignment.
 */
#include "protocol/atomic.hh"

#include <gtest/gtest.h>
#include <rdma/fi_domain.h>

#include <complex>
#include <cstring>
#include <limits>
#include <vector>

namespace ofi_pmem::test
{

namespace
{

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

constexpr unsigned kDiff = 19; /* FI_DIFF, since 2.0 */
constexpr unsigned kOpCount = 20;

template <typename T> struct TypeOf {
	using type = T;
};

/* Calls visit(datatype, TypeOf<T>()) for each. */
template <typename Visit> void for_each_integer(Visit &&visit)
{
	visit(FI_INT8, TypeOf<int8_t>());
	visit(FI_UINT8, TypeOf<uint8_t>());
	visit(FI_INT16, TypeOf<int16_t>());
	visit(FI_UINT16, TypeOf<uint16_t>());
	visit(FI_INT32, TypeOf<int32_t>());
	visit(FI_UINT32, TypeOf<uint32_t>());
	visit(FI_INT64, TypeOf<int64_t>());
	visit(FI_UINT64, TypeOf<uint64_t>());
	visit(FI_INT128, TypeOf<int128>());
	visit(FI_UINT128, TypeOf<uint128>());
}

template <typename Visit> void for_each_real(Visit &&visit)
{
	visit(FI_FLOAT, TypeOf<float>());
	visit(FI_DOUBLE, TypeOf<double>());
	visit(FI_LONG_DOUBLE, TypeOf<long double>());
}

template <typename Visit> void for_each_complex(Visit &&visit)
{
	visit(FI_FLOAT_COMPLEX, TypeOf<std::complex<float>>());
	visit(FI_DOUBLE_COMPLEX, TypeOf<std::complex<double>>());
	visit(FI_LONG_DOUBLE_COMPLEX, TypeOf<std::complex<long double>>());
}

bool is_bitwise(unsigned op)
{
	return op == FI_BOR || op == FI_BAND || op == FI_BXOR || op == FI_MSWAP;
}

bool is_ordering(unsigned op)
{
	return op == FI_MIN || op == FI_MAX ||
	       (op >= FI_CSWAP_LE && op <= FI_CSWAP_GT);
}

/* Applies the operation to one element, at an odd address. */
template <typename T> T apply(unsigned datatype, unsigned op, T t, T o, T c)
{
	alignas(16) uint8_t bytes[3][sizeof(T) + 1];
	std::memcpy(bytes[0] + 1, &t, sizeof(T));
	std::memcpy(bytes[1] + 1, &o, sizeof(T));
	std::memcpy(bytes[2] + 1, &c, sizeof(T));
	AtomicFunction function = find_atomic(datatype, op);
	if (!function) {
		ADD_FAILURE() << "no operation " << op << " on " << datatype;
		return t;
	}
	function(bytes[0] + 1, bytes[1] + 1, bytes[2] + 1, 1);
	std::memcpy(&t, bytes[0] + 1, sizeof(T));
	return t;
}

/*
 * Returns what the man page says, for types where nothing overflows or has
 * bits.
 */
template <typename T> T expected_of_any(unsigned op, T t, T o, T c)
{
	bool a = t != T(0);
	bool b = o != T(0);
	switch (op) {
	case FI_SUM:
		return t + o;
	case FI_PROD:
		return t * o;
	case kDiff:
		return t - o;
	case FI_LOR:
		return a || b ? T(1) : T(0);
	case FI_LAND:
		return a && b ? T(1) : T(0);
	case FI_LXOR:
		return (a && !b) || (!a && b) ? T(1) : T(0);
	case FI_ATOMIC_READ:
		return t;
	case FI_ATOMIC_WRITE:
		return o;
	case FI_CSWAP:
		return c == t ? o : t;
	default:
		return c != t ? o : t;
	}
}

template <typename T> T expected_of_ordered(unsigned op, T t, T o, T c)
{
	switch (op) {
	case FI_MIN:
		return o < t ? o : t;
	case FI_MAX:
		return o > t ? o : t;
	case FI_CSWAP_LE:
		return c <= t ? o : t;
	case FI_CSWAP_LT:
		return c < t ? o : t;
	case FI_CSWAP_GE:
		return c >= t ? o : t;
	case FI_CSWAP_GT:
		return c > t ? o : t;
	default:
		return expected_of_any(op, t, o, c);
	}
}

template <typename T>
void expect_all(unsigned datatype, const std::vector<T> &values,
		bool (*exists)(unsigned op), T (*expected)(unsigned, T, T, T))
{
	for (unsigned op = 0; op < kOpCount; op++) {
		SCOPED_TRACE(testing::Message()
			     << "datatype " << datatype << " op " << op);
		if (!exists(op)) {
			EXPECT_EQ(find_atomic(datatype, op), nullptr);
			continue;
		}
		for (T t : values) {
			for (T o : values) {
				for (T c : values)
					EXPECT_TRUE(
						apply(datatype, op, t, o, c) ==
						expected(op, t, o, c));
			}
		}
	}
}

/* Computes with the bits of the two's complement, so that everything wraps. */
template <typename T> T expected_of_integer(unsigned op, T t, T o, T c)
{
	auto a = static_cast<uint128>(t);
	auto b = static_cast<uint128>(o);
	auto mask = static_cast<uint128>(c);
	switch (op) {
	case FI_SUM:
		return static_cast<T>(a + b);
	case FI_PROD:
		return static_cast<T>(a * b);
	case kDiff:
		return static_cast<T>(a - b);
	case FI_BOR:
		return static_cast<T>(a | b);
	case FI_BAND:
		return static_cast<T>(a & b);
	case FI_BXOR:
		return static_cast<T>(a ^ b);
	case FI_MSWAP:
		return static_cast<T>((b & mask) | (a & ~mask));
	default:
		return expected_of_ordered(op, t, o, c);
	}
}

} // namespace

TEST(Atomic, OnIntegersIsAsTheManualSaysAndWraps)
{
	for_each_integer([](unsigned datatype, auto type) {
		using T = typename decltype(type)::type;
		/* 0x40... and 0x7f..., which fit signed types too. */
		T top = static_cast<T>(uint128(1) << (sizeof(T) * 8 - 2));
		T max = static_cast<T>(top - 1 + top);
		std::vector<T> values{
			T(0),
			T(1),
			T(2),
			T(77),
			static_cast<T>(-1),
			static_cast<T>(-3),
			top,
			max,
			static_cast<T>(static_cast<uint128>(max) + 1)};
		expect_all<T>(
			datatype, values, [](unsigned) { return true; },
			expected_of_integer<T>);
	});
}

TEST(Atomic, OnRealNumbersIsAsTheManualSays)
{
	for_each_real([](unsigned datatype, auto type) {
		using T = typename decltype(type)::type;
		expect_all<T>(
			datatype,
			{T(0), T(1), T(-1), T(0.5), T(-2.25), T(1e30)},
			[](unsigned op) { return !is_bitwise(op); },
			expected_of_ordered<T>);
	});
}

TEST(Atomic, OnComplexNumbersIsAsTheManualSays)
{
	for_each_complex([](unsigned datatype, auto type) {
		using T = typename decltype(type)::type;
		expect_all<T>(
			datatype, {T(0), T(1), T(0, 1), T(-2, 0.5), T(3, -4)},
			[](unsigned op) {
				return !is_bitwise(op) && !is_ordering(op);
			},
			expected_of_any<T>);
	});
}

TEST(Atomic, OfKnownValuesGivesKnownResults)
{
	EXPECT_EQ(apply<int8_t>(FI_INT8, FI_SUM, 127, 1, 0), -128);
	EXPECT_EQ(apply<uint16_t>(FI_UINT16, FI_PROD, 65535, 65535, 0), 1);
	EXPECT_EQ(apply<int32_t>(FI_INT32, FI_PROD, INT32_MIN, -1, 0),
		  INT32_MIN);
	EXPECT_EQ(apply<int64_t>(FI_INT64, kDiff, INT64_MIN, 1, 0), INT64_MAX);
	EXPECT_EQ(apply<int16_t>(FI_INT16, FI_MIN, -5, 3, 0), -5);
	EXPECT_EQ(apply<uint16_t>(FI_UINT16, FI_MIN, 65531, 3, 0), 3);
	EXPECT_EQ(apply<uint32_t>(FI_UINT32, FI_MSWAP, 0x1111, 0x2222, 0x0ff0),
		  0x1221u);
	EXPECT_EQ(apply<uint32_t>(FI_UINT32, FI_LXOR, 4, 9, 0), 0u);
	/* compare <= target */
	EXPECT_EQ(apply<int32_t>(FI_INT32, FI_CSWAP_LE, 5, 99, 4), 99);
	EXPECT_EQ(apply<int32_t>(FI_INT32, FI_CSWAP_LE, 5, 99, 6), 5);
	EXPECT_EQ(apply<int32_t>(FI_INT32, FI_CSWAP_GT, 5, 99, 6), 99);
	using Complex = std::complex<double>;
	EXPECT_EQ(
		apply<Complex>(FI_DOUBLE_COMPLEX, FI_PROD, {1, 2}, {3, 4}, {}),
		Complex(-5, 10));
}

TEST(Atomic, ComparesNumbersByValue)
{
	double nan = std::numeric_limits<double>::quiet_NaN();
	EXPECT_EQ(apply<double>(FI_DOUBLE, FI_CSWAP, -0.0, 7, 0.0), 7);
	EXPECT_NE(apply<double>(FI_DOUBLE, FI_CSWAP, nan, 7, nan), 7);
	EXPECT_EQ(apply<double>(FI_DOUBLE, FI_CSWAP_NE, nan, 7, nan), 7);
	EXPECT_EQ(apply<double>(FI_DOUBLE, FI_MIN, 3, nan, 0), 3);
}

TEST(Atomic, GoesThroughEveryElementAndNoFurther)
{
	uint32_t target[] = {1, 2, 3, 4};
	uint32_t operand[] = {10, 20, 30, 40};
	auto bytes = [](uint32_t *words) {
		return reinterpret_cast<uint8_t *>(words);
	};
	find_atomic(FI_UINT32, FI_SUM)(bytes(target), bytes(operand), nullptr,
				       3);
	EXPECT_EQ(target[0], 11u);
	EXPECT_EQ(target[2], 33u);
	EXPECT_EQ(target[3], 4u);
	find_atomic(FI_UINT32, FI_SUM)(bytes(target), nullptr, nullptr, 0);
	EXPECT_EQ(target[0], 11u);
}

/* The padding of an x87 number at the target is never what lay on our stack. */
TEST(Atomic, LeavesThePaddingOfLongDoubles)
{
	if (std::numeric_limits<long double>::digits != 64)
		GTEST_SKIP() << "long double has no padding here";
	uint8_t target[32], operand[32];
	std::memset(target, 0xaa, sizeof(target));
	std::memset(operand, 0xbb, sizeof(operand));
	long double one = 1;
	for (size_t at : {0, 16}) {
		std::memcpy(target + at, &one, 10);
		std::memcpy(operand + at, &one, 10);
	}
	find_atomic(FI_LONG_DOUBLE_COMPLEX, FI_SUM)(target, operand, nullptr,
						    1);
	long double two = 0;
	std::memcpy(&two, target + 16, 10);
	EXPECT_EQ(two, 2);
	for (size_t at : {10, 15, 26, 31})
		EXPECT_EQ(target[at], 0xaa);
}

TEST(Atomic, IsNothingBeyondTheListsOfLibfabric)
{
	for (unsigned op = 0; op < 256; op++) {
		for (unsigned type = FI_UINT128 + 1; type < 256; type++)
			EXPECT_EQ(find_atomic(type, op), nullptr);
		EXPECT_EQ(find_atomic(FI_UINT64, op) == nullptr,
			  op >= kOpCount);
	}
	EXPECT_EQ(find_atomic(UINT32_MAX, UINT32_MAX), nullptr);
	EXPECT_EQ(atomic_size(FI_UINT128), 16u);
	EXPECT_EQ(atomic_size(FI_LONG_DOUBLE_COMPLEX), 2 * sizeof(long double));
	EXPECT_EQ(atomic_size(FI_UINT128 + 1), 0u);
}

TEST(Atomic, TraitsTellWhatACallMustBring)
{
	EXPECT_FALSE(atomic_traits(FI_ATOMIC_READ).modifies());
	EXPECT_TRUE(atomic_traits(FI_ATOMIC_READ).must_fetch());
	EXPECT_TRUE(atomic_traits(FI_CSWAP).must_fetch());
	EXPECT_TRUE(atomic_traits(FI_MSWAP).compares);
	EXPECT_FALSE(atomic_traits(kDiff).compares);
	EXPECT_FALSE(atomic_traits(FI_SUM).must_fetch());
	EXPECT_TRUE(atomic_traits(FI_ATOMIC_WRITE).modifies());
}

} // namespace ofi_pmem::test
