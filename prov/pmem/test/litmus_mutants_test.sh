#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# For each guarantee a mistake that breaks it: the litmus tests, on the weak NIC,
# must find each of them, by a state that is forbidden. A mistake is made by sed in
# one source file, whose object takes the place of the right one among the unit
# tests. Run from the build directory (make check does).

set -u
source_dir=${srcdir:-.}
work=prov/pmem/test/litmus_mutants.tmp
found_by='*/Litmus.*'
export LITMUS_SEEDS=${LITMUS_MUTANT_SEEDS:-100}
export MAKEFLAGS= MFLAGS= IPATH_NO_BACKTRACE=1 HFI_NO_BACKTRACE=1
missed=0
trap 'rm -rf "$work"' EXIT

# A mutant is found if the tests fail and say so in these words.
mutant() { # mutant NAME FILE SED-SCRIPT [TESTS WORDS]
	local file=prov/pmem/$2 tests=${4:-$found_by} words=${5:-completed (last}
	rm -rf "$work"
	mkdir -p "$work"
	sed "$3" "$source_dir/$file" >"$work/mutant.cc" || exit 1
	if cmp -s "$source_dir/$file" "$work/mutant.cc"; then
		echo "$1: $file has changed, and the mistake cannot be made"
		missed=1
	elif ! make mutant-unit-tests MUTANT=$work \
		REPLACED="$(basename "$file" .cc)" \
		CXXFLAGS='-O1 -w' >"$work/log" 2>&1; then
		tail -n 20 "$work/log"
		echo "$1: does not compile"
		missed=1
	elif "$work/unit_tests" --gtest_fail_fast --gtest_filter="$tests" \
		>"$work/log" 2>&1 || ! grep -qF "$words" "$work/log"; then
		tail -n 20 "$work/log"
		echo "NOT FOUND: $1"
		missed=1
	else
		echo "found: $1"
	fi
}

mutant "no drain" src/target/executor.cc \
	's/region ? region->drain() : kUnknownKey/region ? Failure{} : kUnknownKey/'
mutant "the pointer is stored before the drain" src/target/session.cc \
	'/^Failure Session::fence/,/^}/s/^\t\(complete_pending\|executor_.drain\)();//'
mutant "what follows a fence is stored before its drain" src/target/session.cc \
	's/header.operation == fenced_operation_/false/'
mutant "acknowledged at the start of the batch" src/target/session.cc \
	's/bool needs_drain = .*/bool needs_drain = false;/'
mutant "the service flushes one line too little" src/target/executor.cc \
	's/region->flush(range.offset, range.length)/region->flush(range.offset, range.length > 64 ? range.length - 64 : 0)/'
mutant "FLUSH of 0 bytes" src/plane/channel_one_sided.cc \
	'/^void Channel::plan_settling/,/^}/s/range.length));/0));/'
mutant "the drain flushes 0 bytes" src/plane/channel_flush.cc \
	's/range.offset + drain_.offset, part);/range.offset + drain_.offset, 0);/'
mutant "a write is forgotten" src/plane/channel_one_sided.cc \
	's/nic_dirty_.add(range) && noted/noted/'
mutant "SEND after FLUSH" src/plane/channel_post.cc \
	'/^bool Channel::must_wait_for_nic/,/^}/s/^{/{ return false;/'
mutant "inline, then WRITE" src/plane/channel_post.cc \
	'/^bool Channel::overtakes_request/,/^}/s/^{/{ return false;/'
mutant "ATOMIC WRITE before what the service has" src/plane/channel_one_sided.cc \
	's/all_answered() && !requested_ &&/true \&\&/; s/dirty_.empty() && !spilled_;/true;/'
mutant "FLUSH of what the CPU stored" src/plane/channel_flush.cc \
	's/dirty_.overlaps(range) ||/false ||/'
mutant "FLUSH beside the service's own" src/plane/channel_flush.cc \
	's/fences_ || service_flushes()/fences_/'
mutant "FLUSH on another queue pair" test/fake_nic.cc \
	'/case OneSided::Kind::flush_persistent:/,/break;/s/place_all(link);//'
mutant "8 bytes by memcpy" src/persist/pmem2_backend.cc \
	's/if (store_integer(.*))$/if (false)/' \
	Pmem2BackendTest.AlignedIntegersAreFlushedAsOneStore 'FAILED'
exit "$missed"
