#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Tries what a bad network does to operations on persistent regions, in a machine of
# util/vm, whose kernel can lose, delay, double and reorder packets and reset
# connections. Builds the tree in the root of util/scripts/env/trixie.sh first.
#
#   util/scripts/test/netem.sh [--filter PATTERN]
#
#   --filter PATTERN   only these cases, as --gtest_filter has it
#
# Ends with the table of faults and operations and a line "N passed, N failed, N
# skipped"; the log is build/check/trixie/netem.log. Exits with 1 if anything
# failed, with 75 if nothing could be tested.

set -u
. "$(dirname "$0")/../../vm/machine.sh"

filter='*'
while [ $# -gt 0 ]; do
	case $1 in
	--filter) filter=${2:-} ;;
	--help) usage 0 ;;
	*) usage 2 ;;
	esac
	[ $# -ge 2 ] || usage 2
	shift 2
done

program=fabtests/functional/pmem_netem_test
log=$root_build/netem.log
"$root_sh" build || exit $?
logged "$root_build.log" "$root_sh" run make -C "$root_build" \
	-j "$(nproc)" "$program" || exit 1

# Emulated processors are slow: more time for what is to succeed.
"$top/util/vm/run" --env FI_PROVIDER_PATH="$root_build/.libs" \
	--env PMEM_NETEM_TIMEOUT_MS=5000 --env PMEM_FABTESTS_TIMEOUT=60 -- \
	sh -c "modprobe sch_netem; modprobe veth; cd /var/tmp &&
		exec '$root_build/$program' --gtest_filter='$filter'" \
	>"$log" 2>&1
status=$?
sed -n '/^| fault/,$p' "$log"
if [ $status -ne 0 ]; then
	grep -A 4 -E 'Failure|not run:' "$log" | tail -n 40
fi
exit $status
