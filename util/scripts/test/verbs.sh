#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The end-to-end tests over verbs, in a machine of util/vm: Soft-RoCE, which
# executes IB FLUSH and ATOMIC WRITE, and an NVDIMM. Builds the tree in the root
# of util/scripts/env/trixie.sh first.
#
#   util/scripts/test/verbs.sh [--filter PATTERN] [--env NAME=VALUE]...
#                              [--share NUMBER] [PROGRAM...]
#
#   --filter PATTERN   only these cases, as the first half of --gtest_filter
#   --env NAME=VALUE   something more in the environment of all of them
#   --share NUMBER     of what is long, a share that the number chooses: half of
#                      the programs, but for those of all methods; one of the
#                      other methods; one of the other persistence domains
#   PROGRAM            only these, for example pmem_rma_test
#
# Every program runs with regions on the device DAX, which get the native method;
# some also with each other method, without FLUSH, sealed, and with
# simulated power failure. Counted is what the kernel flushed for it: something
# for native, nothing for the others. Without PROGRAM also tries memory that is no
# NVDIMM (vm/dax_kinds.sh), and boots with each persistence domain and compares the
# methods chosen (vm/methods.sh). Ends with a line "N passed, N failed, N skipped";
# the logs are in build/check/trixie/verbs. Exits with 1 if anything failed, with 75
# if nothing could be tested.

set -u
. "$(dirname "$0")/../../vm/machine.sh"
. "$top/util/vm/methods.sh"
. "$top/util/vm/dax_kinds.sh"

logs=$root_build/verbs
filter=
limit=${VERBS_TIME_LIMIT:-600} # seconds that one program may run
# The methods differ in these cases of these programs; natively all cases run.
methods="pmem_rma_test pmem_storm_test"
essential="*WriteIsReadBack*:*CommitIsInTheFile*:*CommitSurvivesAKill*"
essential+=":*MakesEarlierWritesDurable*:*DeliveryComplete*:*InjectedWrite*"
essential+=":*ManyCommits*:*SequentialModel*:*DamagedBlocksAreNamed*"
on_dax="pmem_completion_test pmem_bad_input_test pmem_fault_test pmem_ops_test
pmem_atomic_test pmem_atomic_inner_test pmem_atomic_race_test pmem_verify_test"
simulated="pmem_rma_test pmem_kill_test pmem_atomic_kill_test pmem_log_kill_test
pmem_verify_test"
# These make no sense here: a device DAX neither shrinks nor fails, and maps whole
# units only, never privately; verbs has no TCP ports for strangers.
not_on_dax="*PmemFile*:*PmemPort*:*PrivateMappingIsRefused*:*UnmappedMemoryIsRefused*"

build_programs() {
	local program targets=()
	for program in $(printf '%s\n' $methods $on_dax $simulated | sort -u); do
		targets+=("fabtests/functional/$program")
	done
	"$root_sh" build || return
	logged "$root_build.log" "$root_sh" run make -C "$root_build" \
		-j "$(nproc)" "${targets[@]}" &&
		logged "$root_build.log" "$root_sh" run gcc -O2 -Wall \
			-o "$root_build/flushable" \
			"$top/fabtests/verbs/flushable.c" -libverbs &&
		build_dax_program
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

# Prints what became of each case that a program began: a word and its name.
case_results() { # case_results LOG
	awk '/^\[ RUN      \] / {running = $4}
	/^\[ .* \] .* \([0-9]+ ms\)$/ {
		sub(/,$/, "", $4)
		print $2, $4
		running = ""
	}
	END {if (running) print "UNFINISHED", running}' "$1"
}

count_cases() { # count_cases NAME LOG
	local result case
	while read -r result case; do
		case $result in
		OK) passed=$((passed + 1)) ;;
		SKIPPED) skipped=$((skipped + 1)) ;;
		*) record "$1: $case: $result" 1 ;;
		esac
	done < <(case_results "$2")
}

# Again without the cases that it began, should one crash.
run_program() { # run_program MODE PROGRAM EXCEPT [NAME=VALUE...]
	local name="$2 ($1)" program=$2 log=$logs/$2.$1 except=$3 status
	local assignments=(FI_PROVIDER_PATH="$root_build/.libs"
		PMEM_FABTESTS_CORE=verbs PMEM_FABTESTS_HOST="$(vm_address 1)"
		PMEM_FABTESTS_TIMEOUT=100
		FI_UNIVERSE_SIZE=64 # ofi_rxm's queues, see fi_pmem(7)
		"${@:4}")
	: >"$log.all"
	while :; do
		vm_run 1 env -C /var/tmp "${assignments[@]}" \
			GTEST_FILTER="$cases-$except" timeout -k 5 "$limit" \
			"$root_build/fabtests/functional/$program" >"$log" 2>&1
		status=$?
		cat "$log" >>"$log.all"
		count_cases "$name" "$log"
		# 124: it was not a crash, but took too long.
		[ $status -gt 124 ] &&
			case_results "$log" | grep -q UNFINISHED || break
		except+=$(case_results "$log" | sed 's/.* /:/' | tr -d '\n')
	done
	mv "$log.all" "$log"
	echo "== $name: $(grep -c '^\[       OK' "$log") cases passed"
	case $status in
	0 | 1) ;;
	*) record "$name: ended with $status, see $log" 1 ;;
	esac
}

# run_mode MODE FLUSHES PROGRAMS CASES EXCEPT [NAME=VALUE...]: FLUSHES is "some"
# or "none", what the kernel is to flush meanwhile.
run_mode() {
	local mode=$1 wanted=$2 programs=$3 cases=${filter:-$4}
	local program before flushed any=no
	shift 4
	before=$(flushes)
	for program in $programs; do
		case " $only " in
		"  " | *" $program "*)
			run_program "$mode" "$program" "$@"
			any=yes
			;;
		esac
	done
	[ $any = yes ] || return
	flushed=$(($(flushes) - before))
	case $wanted in
	some) [ $flushed -gt 0 ] ;;
	none) [ $flushed -eq 0 ] ;;
	esac
	record "$mode: $flushed IB FLUSHes executed, $wanted expected" $?
}

# The machine reads it in the root that it has booted from.
seal_key=$root_build/seal_key
make_seal_key() {
	(
		umask 077
		printf '1 aes-256-gcm %s\n' \
			"$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" \
			>"$seal_key"
	)
}

# Takes every Nth of them with --share, from one on that the number draws.
its_share() { # its_share N WORD...
	local n=$1 i
	shift
	[ -n "$share" ] || n=1
	for ((i = ${share:-0} % n + 1; i <= $#; i += n)); do
		echo "${!i}"
	done
}

environment=()
share=
while [ $# -gt 0 ]; do
	case $1 in
	--filter) filter=${2:-} ;;
	--env) environment+=(--env "${2:-}") ;;
	--share) share=${2:-} ;;
	--help) usage 0 ;;
	-*) usage 2 ;;
	*) break ;;
	esac
	[ $# -ge 2 ] || usage 2
	shift 2
done
[[ $share =~ ^[0-9]*$ ]] || usage 2
only="$*"
trap vm_remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$root_sh" make >/dev/null || exit $vm_not_made
build_programs || exit $vm_not_made
mkdir -p "$logs"
# Slow as the processor is emulated; make check runs them all.
environment+=(--env "PMEM_VERIFY_CLEAN=${PMEM_VERIFY_CLEAN:-1000}")
vm_create --memory 3G --virtio-pmem 256M --soft-reserved 256M \
	"${environment[@]}"
vm_start 1
vm_wait 1 || exit $vm_not_made
check_machine
dax=PMEM_FABTESTS_DAX=/dev/dax0.0
run_mode native some "$methods $(its_share 2 $on_dax)" '*' "$not_on_dax" $dax
for method in $(its_share 5 read ack message unflushed sealed); do
	case $method in
	read) setting="FI_OFI_PMEM_DOMAIN=cpu_cache FI_OFI_PMEM_METHOD=read" ;;
	ack) setting="FI_OFI_PMEM_DOMAIN=system FI_OFI_PMEM_METHOD=ack" ;;
	message) setting=FI_OFI_PMEM_METHOD=message ;;
	unflushed) setting=FI_OFI_PMEM_NATIVE_FLUSH=off ;;
	sealed)
		make_seal_key
		setting="FI_OFI_PMEM_SEAL=required FI_OFI_PMEM_SEAL_CQ_DATA=clear"
		setting+=" FI_OFI_PMEM_SEAL_KEY_FILE=$seal_key"
		setting+=" FI_OFI_PMEM_SEAL_ROLL_RECORDS=100"
		;;
	esac
	run_mode $method none "$methods pmem_verify_test" "$essential" \
		"$not_on_dax" $dax $setting
done
run_mode powerfail none "$simulated" '*' "" \
	PMEM_KILL_ROUNDS="${PMEM_KILL_ROUNDS:-20}" \
	PMEM_LOG_CRASHES="${PMEM_LOG_CRASHES:-6}"
[ -n "$only" ] || check_dax_kinds
[ -n "$only" ] || check_methods "$vm_domain" $(its_share 2 none cpu)
vm_stop 1
conclude
