#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The end-to-end tests over verbs, in a machine of util/vm: Soft-RoCE, which
# executes IB FLUSH and ATOMIC WRITE, and an NVDIMM. Builds the tree in the root
# of util/root.sh first.
#
#   util/rxe.sh [--filter PATTERN] [PROGRAM...]
#
#   --filter PATTERN   only these cases, as --gtest_filter has them
#   PROGRAM            only these, for example pmem_rma_test
#
# Every program runs with regions on the device DAX, and those that cut the power
# also with simulated power failure. Ends with a line "N passed, N failed,
# N skipped"; the logs are in build/check/trixie/rxe. Exits with 1 if anything
# failed, with 75 if nothing could be tested.

set -u
. "$(dirname "$0")/vm/common.sh"

usage() {
	echo "usage: util/rxe.sh [--filter PATTERN] [PROGRAM...]" >&2
	exit 2
}

logs=$root_build/rxe
filter='*'
limit=${RXE_TIME_LIMIT:-300} # seconds that one program may run
on_dax="pmem_rma_test pmem_completion_test pmem_storm_test pmem_bad_input_test
pmem_fault_test pmem_atomic_test pmem_atomic_inner_test pmem_atomic_race_test"
simulated="pmem_rma_test pmem_kill_test pmem_atomic_kill_test"
# What a device DAX cannot show: it neither shrinks nor fails, and has no ledger
# of what a file holds.
not_on_dax="PmemFile*"
build_programs() {
	local program targets=()
	for program in $(printf '%s\n' $on_dax $simulated | sort -u); do
		targets+=("fabtests/functional/$program")
	done
	"$top/util/root.sh" build || return
	logged "$root_build.log" "$top/util/root.sh" run make -C "$root_build" \
		-j "$(nproc)" "${targets[@]}" &&
		logged "$root_build.log" "$top/util/root.sh" run gcc -O2 -Wall \
			-o "$root_build/flushable" \
			"$top/fabtests/verbs/flushable.c" -libverbs
}

# Counts what the kernel flushes for IB FLUSH.
count_flushes='cd /sys/kernel/tracing &&
	echo "p:pmem/flush rxe_flush_pmem_iova" >kprobe_events &&
	echo 1 >events/pmem/flush/enable'

flushes() {
	vm_run 1 awk '$1 == "flush" {print $2}' /sys/kernel/tracing/kprobe_profile
}

check_machine() {
	vm_run 1 "$root_build/flushable" rxe0 /dev/dax0.0 16777216
	record "the NVDIMM is flushable through rxe0" $?
	! vm_run 1 "$root_build/flushable" rxe0 memory 16777216
	record "ordinary memory is not" $?
	vm_run 1 bash -c "$count_flushes"
	record "flushes are counted" $?
}

# Adds up what one program printed; a crash is one failure more.
count_cases() { # count_cases NAME LOG STATUS
	local name=$1 log=$2 status=$3 case
	passed=$((passed + $(sed -n \
		's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" |
		awk '{n += $1} END {print n + 0}')))
	skipped=$((skipped + $(sed -n \
		's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" |
		awk '{n += $1} END {print n + 0}')))
	while read -r case; do
		record "$name: $case" 1
	done < <(sed -n '/^\[  FAILED  \] .*listed below/,$ {
		s/^\[  FAILED  \] \([^ ,]*\).*/\1/
		t found
		d
		: found
		/^[0-9]/! p
	}' "$log")
	[ "$status" -eq 0 ] || grep -q 'FAILED  .*listed below' "$log" ||
		record "$name: ended with $status, see $log" 1
}

run_program() { # run_program MODE PROGRAM [NAME=VALUE...]
	local name="$2 ($1)" log=$logs/$2.$1 status
	local program=$root_build/fabtests/functional/$2
	shift 2
	vm_run 1 env -C /var/tmp FI_PROVIDER_PATH="$root_build/.libs" \
		PMEM_FABTESTS_CORE=verbs \
		PMEM_FABTESTS_HOST="$(vm_address 1)" "$@" \
		timeout -k 5 "$limit" "$program" >"$log" 2>&1
	status=$?
	echo "== $name: $(grep -c '^\[       OK' "$log") cases passed"
	count_cases "$name" "$log" $status
}

run_mode() { # run_mode MODE PROGRAMS [NAME=VALUE...]
	local mode=$1 programs=$2 program
	shift 2
	for program in $programs; do
		case " $only " in
		"  " | *" $program "*) run_program "$mode" "$program" "$@" ;;
		esac
	done
}

if [ "${1:-}" = --filter ]; then
	[ $# -ge 2 ] || usage
	filter=$2
	shift 2
fi
case ${1:-} in -*) usage ;; esac
only="$*"
trap vm_remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$top/util/root.sh" make >/dev/null || exit $vm_not_made
build_programs || exit $vm_not_made
mkdir -p "$logs"
vm_create --memory 3G
vm_start 1
vm_wait 1 || exit $vm_not_made
check_machine
run_mode dax "$on_dax" PMEM_FABTESTS_DAX=/dev/dax0.0 \
	GTEST_FILTER="$filter-$not_on_dax"
run_mode powerfail "$simulated" GTEST_FILTER="$filter" \
	PMEM_KILL_ROUNDS="${PMEM_KILL_ROUNDS:-20}"
echo "IB FLUSHes executed: $(flushes)"
vm_stop 1
conclude
