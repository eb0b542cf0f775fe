/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Two lists, of datatypes and of operations, each in the order of libfabric's
 * enumeration; the table of functions is their product.
 */
#include "protocol/atomic.hh"

#include <rdma/fi_domain.h>

#include <array>
#include <complex>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ofi_pmem
{

namespace
{

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

/* A type's position is its fi_datatype. */
using Datatypes =
	std::tuple<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t,
		   int64_t, uint64_t, float, double, std::complex<float>,
		   std::complex<double>, long double, std::complex<long double>,
		   int128, uint128>;
static_assert(FI_INT8 == 0 && FI_UINT64 == 7 && FI_DOUBLE == 9 &&
	      FI_LONG_DOUBLE == 12 && FI_INT128 == 14 && FI_UINT128 == 15);

template <typename T>
inline constexpr bool is_wide =
	std::is_same_v<T, int128> || std::is_same_v<T, uint128>;
template <typename T>
inline constexpr bool is_integer = std::is_integral_v<T> || is_wide<T>;
template <typename T>
inline constexpr bool is_ordered = is_integer<T> || std::is_floating_point_v<T>;

/* The result of operations that exist for some types only. */
template <typename T> using Integer = std::enable_if_t<is_integer<T>, T>;
template <typename T> using Ordered = std::enable_if_t<is_ordered<T>, T>;

/*
 * The type to calculate in: unsigned for integers, which must wrap, and not so
 * small that it is promoted to int.
 */
template <typename T> constexpr auto calculation_type() noexcept
{
	if constexpr (is_wide<T>)
		return uint128();
	else if constexpr (is_integer<T> && sizeof(T) < sizeof(unsigned))
		return 0u;
	else if constexpr (is_integer<T>)
		return std::make_unsigned_t<T>();
	else
		return T();
}

template <typename T> using Calculation = decltype(calculation_type<T>());

template <typename T> Calculation<T> calc(T value) noexcept
{
	return static_cast<Calculation<T>>(value);
}

template <typename T> bool truth(T value) noexcept
{
	return value != T(0);
}

template <typename T> T from_truth(bool value) noexcept
{
	return value ? T(1) : T(0);
}

/*
 * An operation's position is its fi_op. `t` is the target's element, `o` the
 * operand, `c` what to compare with; what is returned is stored.
 */
constexpr auto kOperations = std::make_tuple(
	/* FI_MIN, FI_MAX */
	[](auto t, auto o, auto) -> Ordered<decltype(t)> {
		return o < t ? o : t;
	},
	[](auto t, auto o, auto) -> Ordered<decltype(t)> {
		return o > t ? o : t;
	},
	/* FI_SUM, FI_PROD */
	[](auto t, auto o, auto) -> decltype(t) {
		return static_cast<decltype(t)>(calc(t) + calc(o));
	},
	[](auto t, auto o, auto) -> decltype(t) {
		return static_cast<decltype(t)>(calc(t) * calc(o));
	},
	/* FI_LOR, FI_LAND */
	[](auto t, auto o, auto) -> decltype(t) {
		return from_truth<decltype(t)>(truth(t) || truth(o));
	},
	[](auto t, auto o, auto) -> decltype(t) {
		return from_truth<decltype(t)>(truth(t) && truth(o));
	},
	/* FI_BOR, FI_BAND */
	[](auto t, auto o, auto) -> Integer<decltype(t)> {
		return static_cast<decltype(t)>(calc(t) | calc(o));
	},
	[](auto t, auto o, auto) -> Integer<decltype(t)> {
		return static_cast<decltype(t)>(calc(t) & calc(o));
	},
	/* FI_LXOR, FI_BXOR */
	[](auto t, auto o, auto) -> decltype(t) {
		return from_truth<decltype(t)>(truth(t) != truth(o));
	},
	[](auto t, auto o, auto) -> Integer<decltype(t)> {
		return static_cast<decltype(t)>(calc(t) ^ calc(o));
	},
	/* FI_ATOMIC_READ, FI_ATOMIC_WRITE */
	[](auto t, auto, auto) -> decltype(t) { return t; },
	[](auto t, auto o, auto) -> decltype(t) { return o; },
	/* FI_CSWAP, _NE, _LE, _LT, _GE, _GT */
	[](auto t, auto o, auto c) -> decltype(t) { return c == t ? o : t; },
	[](auto t, auto o, auto c) -> decltype(t) { return c != t ? o : t; },
	[](auto t, auto o, auto c) -> Ordered<decltype(t)> {
		return c <= t ? o : t;
	},
	[](auto t, auto o, auto c) -> Ordered<decltype(t)> {
		return c < t ? o : t;
	},
	[](auto t, auto o, auto c) -> Ordered<decltype(t)> {
		return c >= t ? o : t;
	},
	[](auto t, auto o, auto c) -> Ordered<decltype(t)> {
		return c > t ? o : t;
	},
	/* FI_MSWAP */
	[](auto t, auto o, auto c) -> Integer<decltype(t)> {
		return static_cast<decltype(t)>((calc(o) & calc(c)) |
						(calc(t) & ~calc(c)));
	},
	/* FI_DIFF, since 2.0 */
	[](auto t, auto o, auto) -> decltype(t) {
		return static_cast<decltype(t)>(calc(t) - calc(o));
	});
static_assert(FI_MIN == 0 && FI_LXOR == 8 && FI_ATOMIC_READ == 10 &&
	      FI_CSWAP == 12 && FI_MSWAP == 18);

constexpr size_t kDatatypes = std::tuple_size_v<Datatypes>;
constexpr size_t kOps = std::tuple_size_v<decltype(kOperations)>;

template <size_t kType> using Element = std::tuple_element_t<kType, Datatypes>;

template <typename T> T get(const uint8_t *bytes) noexcept
{
	T value;
	std::memcpy(&value, bytes, sizeof(value));
	return value;
}

template <typename T> void put(T value, uint8_t *bytes) noexcept
{
	/* That of the x87 has 10 bytes; its padding is not stored. */
	constexpr bool padded = std::is_same_v<T, long double> &&
				std::numeric_limits<T>::digits == 64;
	std::memcpy(bytes, &value, padded ? 10 : sizeof(value));
}

template <typename T> void put(std::complex<T> value, uint8_t *bytes) noexcept
{
	put(value.real(), bytes);
	put(value.imag(), bytes + sizeof(T));
}

template <size_t kType, size_t kOp>
void run(uint8_t *target, const uint8_t *operand, const uint8_t *compare,
	 size_t count) noexcept
{
	using T = Element<kType>;
	constexpr auto operation = std::get<kOp>(kOperations);
	for (size_t at = 0; at < count * sizeof(T); at += sizeof(T)) {
		auto o = kOp == FI_ATOMIC_READ ? T() : get<T>(operand + at);
		auto c = kOp >= FI_CSWAP && kOp <= FI_MSWAP
				 ? get<T>(compare + at)
				 : T();
		put(operation(get<T>(target + at), o, c), target + at);
	}
}

template <size_t kType, size_t kOp> constexpr AtomicFunction function() noexcept
{
	using T = Element<kType>;
	using Operation = std::tuple_element_t<kOp, decltype(kOperations)>;
	if constexpr (std::is_invocable_v<const Operation, T, T, T>)
		return run<kType, kOp>;
	else
		return nullptr;
}

using Row = std::array<AtomicFunction, kOps>;

template <size_t kType, size_t... kOp>
constexpr Row make_row(std::index_sequence<kOp...>) noexcept
{
	return {function<kType, kOp>()...};
}

template <size_t... kType>
constexpr std::array<Row, kDatatypes>
make_table(std::index_sequence<kType...>) noexcept
{
	return {make_row<kType>(std::make_index_sequence<kOps>())...};
}

template <size_t... kType>
constexpr std::array<size_t, kDatatypes>
make_sizes(std::index_sequence<kType...>) noexcept
{
	return {sizeof(Element<kType>)...};
}

constexpr auto kTable = make_table(std::make_index_sequence<kDatatypes>());
constexpr auto kSizes = make_sizes(std::make_index_sequence<kDatatypes>());

} // namespace

size_t atomic_size(unsigned datatype) noexcept
{
	return datatype < kDatatypes ? kSizes[datatype] : 0;
}

AtomicTraits atomic_traits(unsigned op) noexcept
{
	AtomicTraits traits;
	traits.takes_operand = op != FI_ATOMIC_READ;
	traits.compares = op >= FI_CSWAP && op <= FI_MSWAP;
	return traits;
}

AtomicFunction find_atomic(unsigned datatype, unsigned op) noexcept
{
	return datatype < kDatatypes && op < kOps ? kTable[datatype][op]
						  : nullptr;
}

} // namespace ofi_pmem
