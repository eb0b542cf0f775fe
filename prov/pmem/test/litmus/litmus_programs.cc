/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The table: what fi_pmem(7) and fi_pmem_ops(3) promise of durability and of
 * its order, and beside it what they do not.
 */
#include "litmus/litmus.hh"

namespace ofi_pmem::test::litmus
{

namespace
{

bool never(const State &) noexcept
{
	return false;
}

/* The step has completed, and the first variable is not durable. */
template <size_t step> bool done_but_lost(const State &s) noexcept
{
	return s.done[step] && !s.variable[0];
}

/* The second variable is durable, and the first is not. */
bool second_alone(const State &s) noexcept
{
	return s.variable[1] && !s.variable[0];
}

/* The same, or the step has completed and either is not durable. */
template <size_t step> bool second_alone_or_lost(const State &s) noexcept
{
	return second_alone(s) ||
	       (s.done[step] && !(s.variable[0] && s.variable[1]));
}

} // namespace

const std::vector<Program> &programs()
{
	static const std::vector<Program> all = {
		/* These programs test a commit's completion. */
		{"Commit",
		 {{Do::commit, 0}},
		 done_but_lost<0>,
		 [](const State &s) { return !s.done[0] && s.variable[0]; }},
		{"InjectedCommit", {{Do::inject_commit, 0}}, done_but_lost<0>},
		{"CompletionOfAWriteIsNone",
		 {{Do::write, 0}},
		 never,
		 done_but_lost<0>},
		{"VisibleIsNotDurable",
		 {{Do::visible, 0}},
		 never,
		 done_but_lost<0>},
		{"TwoCommits",
		 {{Do::commit, 0}, {Do::commit, 1}},
		 [](const State &s) {
			 return (s.done[0] && !s.variable[0]) ||
				(s.done[1] && !s.variable[1]);
		 }},

		/* A commit does not promise order. */
		{"CommitsHaveNoOrder",
		 {{Do::commit, 0}, {Do::commit, 1}},
		 never,
		 second_alone},
		{"FenceAloneIsNoDrain",
		 {{Do::write, 0}, {Do::fenced_write, 1}},
		 never,
		 second_alone},

		/* Flushes. */
		{"Flush", {{Do::write, 0}, {Do::flush, 0}}, done_but_lost<1>},
		{"FlushOfAnInject",
		 {{Do::inject, 0}, {Do::flush, 0}},
		 done_but_lost<1>},
		{"FlushOfAnInjectThatCompleted",
		 {{Do::inject, 0}, {Do::wait, 0, 0}, {Do::flush, 0}},
		 done_but_lost<2>},
		{"FlushOfAVisibleWrite",
		 {{Do::visible, 0}, {Do::flush, 0}},
		 done_but_lost<1>},
		{"FlushOfARegion",
		 {{Do::write, 0}, {Do::flush_region, 0}},
		 done_but_lost<1>},
		{"FlushOfARegionWithAnInject",
		 {{Do::inject, 0}, {Do::flush_region, 0}},
		 done_but_lost<1>},
		{"FlushOfAPeer",
		 {{Do::write, 0}, {Do::flush_peer, 0}},
		 done_but_lost<1>},
		{"DrainOfAllPeers",
		 {{Do::write, 0}, {Do::inject, 1}, {Do::drain_all}},
		 [](const State &s) {
			 return s.done[2] && !(s.variable[0] && s.variable[1]);
		 }},
		{"FlushBehindAFlush",
		 {{Do::inject, 0}, {Do::flush, 0}, {Do::flush, 0}},
		 [](const State &s) {
			 return (s.done[1] || s.done[2]) && !s.variable[0];
		 }},
		{"FlushBehindAFlushOfAnInjectThatCompleted",
		 {{Do::inject, 0},
		  {Do::wait, 0, 0},
		  {Do::flush, 0},
		  {Do::flush, 0}},
		 [](const State &s) {
			 return (s.done[2] || s.done[3]) && !s.variable[0];
		 }},
		{"FlushIsOfItsRange",
		 {{Do::write, 0}, {Do::write, 1}, {Do::flush, 0}},
		 done_but_lost<2>,
		 [](const State &s) { return s.done[2] && !s.variable[1]; }},
		{"VisibleFlush",
		 {{Do::write, 0}, {Do::flush_visible, 0}},
		 never,
		 done_but_lost<1>},
		{"FlushOfTheNewerValue",
		 {{Do::write, 0, 1},
		  {Do::flush, 0},
		  {Do::write, 0, 2},
		  {Do::flush, 0}},
		 [](const State &s) {
			 return (s.done[1] && !s.variable[0]) ||
				(s.done[3] && s.variable[0] != 2);
		 }},
		{"FlushDoesNotHoldBackWrites",
		 {{Do::write, 0}, {Do::flush, 0}, {Do::write, 1}},
		 done_but_lost<1>,
		 second_alone},
		{"WriteAfterAFlushThatCompleted",
		 {{Do::write, 0},
		  {Do::flush, 0},
		  {Do::wait, 0, 1},
		  {Do::write, 1}},
		 second_alone},

		/* Fenced commits and drains. */
		{"FencedCommit",
		 {{Do::write, 0}, {Do::fenced_commit, 1}},
		 second_alone_or_lost<1>},
		{"FencedCommitBehindAnInject",
		 {{Do::inject, 0}, {Do::fenced_commit, 1}},
		 second_alone_or_lost<1>},
		{"FencedCommitBehindACommit",
		 {{Do::commit, 0}, {Do::fenced_commit, 1}},
		 second_alone_or_lost<1>},
		{"FencedCommitBehindAFlush",
		 {{Do::inject, 0}, {Do::flush, 0}, {Do::fenced_commit, 1}},
		 second_alone_or_lost<2>},
		{"Drain", {{Do::write, 0}, {Do::drain}}, done_but_lost<1>},
		{"DrainBehindAFlush",
		 {{Do::write, 0}, {Do::flush, 0}, {Do::drain}},
		 [](const State &s) {
			 return (s.done[1] || s.done[2]) && !s.variable[0];
		 }},
		{"WriteBehindADrain",
		 {{Do::write, 0}, {Do::drain}, {Do::write, 1}},
		 second_alone},
		{"InjectBehindADrain",
		 {{Do::write, 0}, {Do::drain}, {Do::inject, 1}},
		 second_alone},
		{"WriteAfterACommitThatCompleted",
		 {{Do::commit, 0}, {Do::wait, 0, 0}, {Do::write, 1}},
		 second_alone},

		/* Ordered writes. */
		{"OrderedWrite",
		 {{Do::write, 0}, {Do::ordered, 1}},
		 second_alone_or_lost<1>},
		{"OrderedWriteBehindAnInject",
		 {{Do::inject, 0}, {Do::ordered, 1}},
		 second_alone_or_lost<1>},
		{"OrderedWriteBehindACommit",
		 {{Do::commit, 0}, {Do::ordered, 1}},
		 second_alone_or_lost<1>},
		{"OrderedWriteBehindAFlush",
		 {{Do::write, 0},
		  {Do::flush, 0},
		  {Do::ordered, 1},
		  {Do::flush, 1}},
		 [](const State &s) {
			 return second_alone_or_lost<2>(s) ||
				(s.done[3] && !s.variable[1]);
		 }},
		{"OrderedWriteBehindAFlushOfARegion",
		 {{Do::inject, 0}, {Do::flush_region, 0}, {Do::ordered, 1}},
		 second_alone_or_lost<2>},
		{"OrderedWrites",
		 {{Do::ordered, 0}, {Do::ordered, 1}, {Do::ordered, 2}},
		 [](const State &s) {
			 return second_alone(s) ||
				(s.variable[2] && !s.variable[1]);
		 }},
		{"WriteBehindAnOrderedOne",
		 {{Do::ordered, 0}, {Do::write, 1}},
		 second_alone},
		{"OrderedWriteInTheLineOfItsRecord",
		 {{Do::write, 0}, {Do::ordered, 1}},
		 second_alone_or_lost<1>,
		 nullptr,
		 Place::one_line},
		{"OrderedWriteInAnotherRegion",
		 {{Do::write, 0}, {Do::ordered, 1}},
		 second_alone_or_lost<1>,
		 nullptr,
		 Place::two_regions},
		{"OrderedWriteFromAnotherRegion",
		 {{Do::write, 1}, {Do::ordered, 0}},
		 [](const State &s) { return s.variable[0] && !s.variable[1]; },
		 nullptr,
		 Place::two_regions},
		{"DrainOfTwoRegions",
		 {{Do::write, 0}, {Do::write, 1}, {Do::drain}},
		 [](const State &s) {
			 return s.done[2] && !(s.variable[0] && s.variable[1]);
		 },
		 nullptr,
		 Place::two_regions},
		{"LongOrderedWriteMayTear",
		 {{Do::write, 0}, {Do::ordered_pair, 1}},
		 [](const State &s) {
			 return (s.variable[1] || s.variable[2]) &&
				!s.variable[0];
		 },
		 [](const State &s) { return !s.variable[1] && s.variable[2]; },
		 Place::one_line},
		{"Log",
		 {{Do::write, 0},
		  {Do::ordered, 2, 1},
		  {Do::write, 1},
		  {Do::ordered, 2, 2}},
		 [](const State &s) {
			 return (s.variable[2] >= 1 && !s.variable[0]) ||
				(s.variable[2] >= 2 && !s.variable[1]) ||
				(s.done[3] && s.variable[2] != 2);
		 },
		 [](const State &s) { return s.variable[2] == 1; }},
		{"LogOfInjects",
		 {{Do::inject, 0},
		  {Do::ordered, 2, 1},
		  {Do::write, 1},
		  {Do::ordered, 2, 2}},
		 [](const State &s) {
			 return (s.variable[2] >= 1 && !s.variable[0]) ||
				(s.variable[2] >= 2 && !s.variable[1]);
		 }},

		/* The same bytes, stored by the service and by the NIC. */
		{"InjectThenCommit",
		 {{Do::inject, 0, 1}, {Do::commit, 0, 2}},
		 [](const State &s) {
			 return s.done[0] && s.done[1] && s.variable[0] != 2;
		 }},
		{"InjectThenWriteThenDrain",
		 {{Do::inject, 0, 1}, {Do::write, 0, 2}, {Do::drain}},
		 [](const State &s) {
			 return s.done[2] && s.variable[0] != 2;
		 }},
		{"WriteThenInjectThenFlush",
		 {{Do::write, 0, 1}, {Do::inject, 0, 2}, {Do::flush, 0}},
		 [](const State &s) {
			 return s.done[2] && s.variable[0] != 2;
		 }},

		/* These programs use two endpoints. */
		{"OrderedWriteOfAnotherEndpointAfterACommit",
		 {{Do::commit, 0, 1, 0},
		  {Do::wait, 0, 0},
		  {Do::ordered, 1, 1, 1}},
		 second_alone_or_lost<2>},
		{"OrderedWriteOfAnotherEndpointIsNotOrdered",
		 {{Do::write, 0, 1, 0}, {Do::ordered, 1, 1, 1}},
		 never,
		 second_alone},
		{"DrainOfAnotherEndpointIsNone",
		 {{Do::write, 0, 1, 0}, {Do::drain, 0, 1, 1}},
		 never,
		 done_but_lost<1>},
		{"BothEndpointsCommit",
		 {{Do::commit, 0, 1, 0}, {Do::commit, 1, 1, 1}},
		 [](const State &s) {
			 return (s.done[0] && !s.variable[0]) ||
				(s.done[1] && !s.variable[1]);
		 }},
		{"BothEndpointsFlush",
		 {{Do::write, 0, 1, 0},
		  {Do::write, 1, 1, 1},
		  {Do::flush, 0, 1, 0},
		  {Do::flush, 1, 1, 1}},
		 [](const State &s) {
			 return (s.done[2] && !s.variable[0]) ||
				(s.done[3] && !s.variable[1]);
		 }},
	};
	return all;
}

} // namespace ofi_pmem::test::litmus
