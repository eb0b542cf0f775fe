#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Storage that fails below a target, in a machine of util/vm: a block device that
# returns I/O errors (device mapper: error, and flakey, which can still be read),
# below ext4 with and without a journal; a DAX file system that is full. Over tcp,
# as verbs cannot pin files.
#
#   util/vm/storage_faults.sh [--filter PATTERN]
#
#   --filter PATTERN   only these cases of pmem_storage_test, as of --gtest_filter
#
# The cases are those of fabtests/functional/pmem_storage_test.cc: what was
# committed before the fault is there after a remount; from the fault on every
# commit to that file fails, also when the device works again, and no other; once
# registered again it serves again, and what it then calls durable is there, too.
# Ends with a line "N passed, N failed, N skipped"; exits with 1 if anything
# failed, with 75 if nothing could be tested.

set -u
. "$(dirname "$0")/machine.sh"

program=fabtests/functional/pmem_storage_test
log=$root_build/storage_faults.log
filter=*

while [ $# -gt 0 ]; do
	[ "$1" != --help ] || usage 0
	[ "$1" = --filter ] && [ $# -ge 2 ] || usage 2
	filter=$2
	shift 2
done

run_cases() {
	vm_run 1 env -C /var/tmp FI_PROVIDER_PATH="$root_build/.libs" \
		PMEM_FABTESTS_DISK="$top/util/vm/faulty_disk.sh" \
		PMEM_FABTESTS_TIMEOUT=100 GTEST_FILTER="$filter" \
		"$root_build/$program" >"$log" 2>&1
}

count_cases() {
	local result name
	while read -r result name; do
		case $result in
		OK) record "$name" 0 ;;
		SKIPPED)
			skipped=$((skipped + 1))
			echo "skipped: $name"
			;;
		*) record "$name" 1 ;;
		esac
	done < <(sed -n 's/^\[ *\([A-Z]*\) \] \(.*[^,]\),\{0,1\} .*([0-9]* ms)$/\1 \2/p' \
		"$log")
}

trap vm_remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$root_sh" build || exit $vm_not_made
logged "$root_build.log" "$root_sh" run make -C "$root_build" \
	-j "$(nproc)" "$program" || exit $vm_not_made
vm_create
vm_start 1
vm_wait 1 || exit $vm_not_made
run_cases
status=$?
count_cases
case $status in
0 | 1) ;;
*) record "$program ended with $status, see $log" 1 ;;
esac
[ $((passed + failed)) -gt 0 ] || die "no case was run; see $log"
conclude
