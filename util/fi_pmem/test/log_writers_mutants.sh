#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# log_writers.sh finds each mistake that leaves a log with two writers: in fi_pmem
# with one source changed by sed. SKIP_MUTANTS=yes skips it, as scripts/mutants.sh.
. "$(dirname "$0")/tool.sh"
[ "${SKIP_MUTANTS-no}" = yes ] && skip "SKIP_MUTANTS=yes"
source_dir=${srcdir:-.}
export MAKEFLAGS= MFLAGS= WRITER_TENTHS=50

# planted FILE SED-SCRIPT: such a tool, $dir/mutant/fi_pmem.
planted() {
	rm -rf "$dir/mutant"
	mkdir "$dir/mutant"
	sed "$2" "$source_dir/$1" >"$dir/mutant/mutant.cc"
	if cmp -s "$source_dir/$1" "$dir/mutant/mutant.cc"; then
		echo "$1 has changed, and the mistake cannot be made"
		return 1
	fi
	make mutant-fi_pmem MUTANT="$dir/mutant" \
		REPLACED="$(basename "$1" .cc)" CXXFLAGS='-O1 -w' \
		>"$dir/out" 2>"$dir/err"
}

found() { # PART WORDS
	FI_PMEM=$dir/mutant/fi_pmem PARTS=$1 STOP_AT_FAILURE=yes timeout 300 \
		"$(dirname "$0")/log_writers.sh" >"$dir/out" 2>&1
	[ $? -eq 1 ] && grep -qF "NOT OK: $2" "$dir/out"
}

check "the former writer keeps its access: is made" \
	planted util/lib/log/gate.cc 's/int ret = fi_close.*/int ret = 0;/'
check "is found by what was under way" found in_flow \
	"the former writer ends with an error"
check "nobody is refused: is made" planted util/fi_pmem/serve/claims.cc \
	's/if (!(claim.flags & Claim::kTakeover))/if (false)/'
check "is found" found in_use "a second writer is refused"
finish
