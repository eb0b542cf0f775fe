#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Writes into the NVDIMM of another machine, whose power is cut meanwhile, at
# random moments; boots that again, and compares what was reported durable.
#
#   util/vm/power_cuts.sh [--log | --torture] [--cuts N] [--seed N]
#
#   --log      what is written is a log, and not the bytes of a file
#   --torture  the writer is fi_pmem torture
#
# Two machines of util/vm: fi_pmem put, log append or torture in the first,
# fi_pmem serve /dev/dax0.0 in the second. The first runs all the time, and
# connects again after each cut. It takes 20 to 30 seconds a cut. A cut before anything
# was reported durable does not count. Ends with a line "N passed, N failed, N
# skipped".
#
# The logs wrap, and most cuts continue one that the cut before left, so that
# what was recovered is recovered again. What is found in one must be
# consecutive lines of what was appended, up to what was acknowledged or more.
#
# This shows that an acknowledgement comes after placement, that the target
# recovers and the initiator reconnects. It does not show that anything is
# flushed: a machine emulated by QEMU has no caches that could be lost, so that a
# target that flushes nothing passes, too. For that there are the simulated power
# failure, the flush ledger and the weak NIC of the unit tests.

set -u
. "$(dirname "$0")/machine.sh"
. "$top/util/vm/log_cuts.sh"
. "$top/util/vm/torture_cuts.sh"

kind=put
cuts=20
seed=$RANDOM
while [ $# -gt 0 ]; do
	case $1 in
	--log | --torture)
		kind=${1#--}
		shift
		continue
		;;
	--cuts) cuts=${2:-} ;;
	--seed) seed=${2:-} ;;
	--help) usage 0 ;;
	*) usage 2 ;;
	esac
	[ $# -ge 2 ] || usage 2
	shift 2
done

[ "$cuts" -gt 0 ] 2>/dev/null || usage 2

out=$root_build/power_cuts
tool=$root_build/util/fi_pmem/fi_pmem
stream=$((64 << 20)) # bytes; more than is written before the cut
port=7476
peer=$(vm_address 2):$port

# Sets a variable: a shell that is asked by $() has no part in the seed.
random() { # random NAME LOW HIGH
	printf -v "$1" %d $(($2 + RANDOM % ($3 - $2 + 1)))
}

# fi_pmem, with its output in $out/NAME. When the power goes while nothing but an
# answer is outstanding, only the timeout tells; it must come before --stall.
run_tool() { # run_tool NODE NAME ARGUMENTS...
	local node=$1 name=$2
	shift 2
	vm_run "$node" env FI_PROVIDER_PATH="$root_build/.libs" \
		FI_OFI_PMEM_OPERATION_TIMEOUT_MS=10000 \
		"$tool" "$@" --json >"$out/$name" 2>&1
}

client() { # client NAME ARGUMENTS...
	run_tool 1 "$@" -p "verbs;ofi_pmem"
}

serve() {
	vm_serve 2 $port "$out/serve"
}

# A JSON number of the last line.
number() { # number NAME KEY
	tail -n 1 "$out/$1" | jq -r ".$2 // 0"
}

# Runs the writer until the power is cut, at a random moment.
cut_during() { # cut_during COMMAND...
	local writer seconds milliseconds
	random seconds 2 5
	random milliseconds 100 999
	"$@" &
	writer=$!
	sleep "$seconds.$milliseconds"
	vm_kill 2
	wait $writer
}

# Its channel found out, and not only the tool's own patience. torture expects
# that its target ends, and succeeds; or, if that is gone before it has begun, it
# ends with code 3. It fails otherwise if an operation hangs or a read is wrong.
noticed() {
	local said='.ok == false'
	[ $kind != torture ] || said='.ok or .code == 3'
	tail -n 1 "$out/$kind" | jq -e "$said" >/dev/null &&
		! grep -q 'no answer from' "$out/$kind" && return
	tail -n 1 "$out/$kind"
	return 1
}

# Each kind has two functions, KIND_and_cut and KIND_check, which get the
# number of the cut. The first sets durable, the bytes (of torture, the commits)
# reported durable.
put_and_cut() {
	local place depth block
	random place 0 7
	random depth 1 32
	random block 8 65536
	offset=$((place * stream))
	# Other bytes each time: none of the cuts before can have left them.
	head -c $stream /dev/urandom >"$out/input"
	cut_during client put put "$out/input" "$peer" --offset "$offset" \
		--depth "$depth" --block "$block" --timeout 20 --stall 20
	durable=$(number put durable_bytes)
}

# The bytes that put called durable, from the machine as it came up again.
put_check() {
	client get get "$peer" "$out/output" --offset "$offset" \
		--length "$durable" --timeout 20 &&
		cmp -n "$durable" "$out/input" "$out/output"
	record "cut $1: $durable bytes reported durable are there" $?
}

boot() {
	vm_start "$1"
	vm_wait "$1" || exit $vm_not_made
}

one_cut() { # one_cut NUMBER
	"${kind}_and_cut" "$1"
	noticed
	record "cut $1: the initiator notices" $?
	boot 2
	# Reads the medium itself, which nobody may serve meanwhile.
	[ $kind != torture ] || [ "$durable" -eq 0 ] || torture_check "$1"
	serve || {
		record "cut $1: the target serves again" 1
		return
	}
	[ "$durable" -gt 0 ] || return
	[ $kind = torture ] || "${kind}_check" "$1"
	compared=$((compared + 1))
}

RANDOM=$seed
trap vm_remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$root_sh" build || exit $vm_not_made
mkdir -p "$out"
log_forget
echo "--cuts $cuts --seed $seed"
vm_create --nodes 2 --smp 1
vm_start 1
boot 2
vm_wait 1 || exit $vm_not_made
serve || die "fi_pmem serve does not start; see $out/serve"
compared=0
for ((cut = 1; compared < cuts && cut <= 2 * cuts; cut++)); do
	one_cut $cut
done
[ $compared -eq "$cuts" ]
record "$compared cuts came after a commit, $cuts wanted" $?
conclude
