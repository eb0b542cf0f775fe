# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Sourced by tests that make mistakes on purpose: each by sed in one source file,
# whose object takes the place of the right one in a test program, which must find
# it. Run from the build directory (make check does). Before, set
#
#   program     the test program's name, which `make mutant-$program` builds
#   found_by    a filter of the cases that look for a mistake
#   words       what they say of one
#
# and at the end exit with $missed. SKIP_MUTANTS=yes skips them: they try the
# tests, and do not need every build. MUTANTS_SHARE=2/3 tries every third, from the
# second on: of the others only that they can still be made.

if [ "${SKIP_MUTANTS-no}" = yes ]; then
	echo "SKIP_MUTANTS=yes"
	exit 77
fi
source_dir=${srcdir:-.}
work=$program-mutants.$$.tmp # several scripts may run beside each other
export MAKEFLAGS= MFLAGS= IPATH_NO_BACKTRACE=1 HFI_NO_BACKTRACE=1
missed=0
named=0
share=${MUTANTS_SHARE:-1/1}

has_its_turn() {
	[ $((named++ % ${share#*/})) -eq $((${share%/*} - 1)) ]
}

# A script that names no mutant has shown nothing.
finish_mutants() {
	local status=$?
	rm -rf "$work"
	[ $named -gt 0 ] || {
		echo "no mutant was named"
		exit 1
	}
	exit $status
}
trap finish_mutants EXIT

# A mutant is found if the tests fail and say so in these words.
mutant() { # mutant NAME FILE SED-SCRIPT [FOUND_BY WORDS]
	rm -rf "$work"
	mkdir -p "$work"
	sed "$3" "$source_dir/$2" >"$work/mutant.cc" || exit 1
	if cmp -s "$source_dir/$2" "$work/mutant.cc"; then
		echo "$1: $2 has changed, and the mistake cannot be made"
		missed=1
	elif ! has_its_turn; then
		return
	elif ! make "mutant-$program" MUTANT="$work" \
		REPLACED="$(basename "$2" .cc)" \
		CXXFLAGS='-O1 -w' >"$work/log" 2>&1; then
		tail -n 20 "$work/log"
		echo "$1: does not compile"
		missed=1
	elif timeout 300 "$work/$program" --gtest_fail_fast \
		--gtest_filter="${4:-$found_by}" >"$work/log" 2>&1 ||
		! grep -qF "${5:-$words}" "$work/log"; then
		tail -n 20 "$work/log"
		echo "NOT FOUND: $1"
		missed=1
	else
		echo "found: $1"
	fi
}
