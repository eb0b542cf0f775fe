#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# How long a commit of one write takes, by durability method, and how long the
# same takes with ibverbs alone and with librpma (fabtests/reference/): all in
# one machine of util/vm, in rounds that take turns, on its NVDIMM.
#
#   util/vm/latency.sh [--rounds N] [--iterations N] [--sizes LIST]
#                      [--methods LIST]
#
# Builds the tree and the programs first, in the root of Debian trixie. A table
# of medians follows, microseconds: of each run the median, and of the rounds'
# the median; and the best round's, for hosts that are busy with other things,
# which only ever makes it slower. A method that cannot be used is named with
# the reason.
#
# The machine has one processor, and whoever polls for completions gives way to
# everyone else (SCHED_IDLE): with two, each step would wait until the host runs
# the other one, which on a host that has other work takes milliseconds. What is
# compared is so the work that an operation costs, the initiator's, the kernel's
# and the target's, and not how it spreads over processors.
#
# Before the rounds each program runs once, and what is called native must have
# made Soft-RoCE execute FLUSH. Exits with 1 if a reference cannot be measured
# or one of these flushes is missing, else as util/vm/run.

set -u
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

rounds=5
iterations=50
warmup=10
sizes=8,64,512,4096,16384,65536
methods=native,message,read,ack
results=$top/build/latency
port_raw=7471
port_rpma=7472
port_oob=3000 # fabtests' default

options() {
	while [ $# -gt 0 ]; do
		[ "$1" != --help ] || usage 0
		[ $# -ge 2 ] || usage 2
		case $1 in
		--rounds) rounds=$2 ;;
		--iterations) iterations=$2 ;;
		--sizes) sizes=$2 ;;
		--methods) methods=$2 ;;
		*) usage 2 ;;
		esac
		shift 2
	done
}

# The administrator of the target would have to declare this for the method. The
# machine says memory controller; the latency is the same.
declared_domain() { # declared_domain METHOD
	case $1 in
	read) echo FI_OFI_PMEM_DOMAIN=cpu_cache ;;
	ack) echo FI_OFI_PMEM_DOMAIN=system ;;
	esac
}

# --- Inside the machine ---

size_count() {
	local commas=${sizes//[!,]/}
	echo $((${#commas} + 1))
}

# LINE is a line of FILE.
await_line() { # await_line LINE FILE
	local end=$((SECONDS + 30))
	until grep -qx "$1" "$2"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

start_reference() { # start_reference NAME PORT
	"$top/build/reference/$1_flush" -s -f /dev/dax0.0 -p "$2" \
		"$VM_ADDRESS" >"$work/$1" 2>&1 &
	servers+=($!)
	await_line listening "$work/$1" && return
	cat "$work/$1"
	die "the server of $1 does not listen"
}

reference() { # reference NAME PORT ITERATIONS
	chrt --idle 0 timeout 60 "$top/build/reference/$1_flush" -p "$2" \
		-w $warmup -n "$3" -S "$sizes" "$VM_ADDRESS"
}

# The server's out-of-band socket listens (state 0A in proc(5) net/tcp), or the
# server is gone.
await_oob() { # await_oob PID
	local port
	port=$(printf ':%04X' $port_oob)
	while kill -0 "$1" 2>/dev/null; do
		awk -v port="$port" '$2 ~ port "$" && $4 == "0A" {found = 1}
			END {exit !found}' /proc/net/tcp && return
		sleep 0.05
	done
}

# The service does not poll: there is no processor for that.
ours() { # ours METHOD ITERATIONS
	local server status
	local -x FI_OFI_PMEM_METHOD=$1 FI_OFI_PMEM_SPIN_US=0
	local command=(timeout 60 "$top/build/pmem_fabtests/fi_pmem_lat"
		-p "verbs;ofi_pmem" -e msg -s "$VM_ADDRESS" -m -w $warmup
		-I "$2" -S "l:$sizes")
	env $(declared_domain "$1") "${command[@]}" --file /dev/dax0.0 \
		-c sread >"$work/server" 2>&1 &
	server=$!
	await_oob $server
	chrt --idle 0 "${command[@]}" "$VM_ADDRESS" \
		>"$work/client" 2>"$work/errors"
	status=$?
	wait $server
	[ $status -eq 0 ] || return $status
	awk -F '[:,]' -v method="$1" -v wanted="$(size_count)" '/^- {/ {
		for (i = 1; i < NF; i++)
			value[$i] = $(i + 1) + 0
		print "ours", method, value[" xfer_size"], value[" p50"]
		found++
	}
	END {exit found != wanted}' "$work/client"
}

# Runs it and sets `flushes` to how many FLUSHes Soft-RoCE executed meanwhile.
count_flushes() { # count_flushes COMMAND...
	local tracing=/sys/kernel/tracing status
	echo 'p:latency rxe_flush_pmem_iova' >$tracing/kprobe_events &&
		echo 1 >$tracing/events/kprobes/latency/enable ||
		die "FLUSH cannot be counted"
	"$@"
	status=$?
	flushes=$(awk '$1 == "latency" {print $2}' $tracing/kprobe_profile)
	echo 0 >$tracing/events/kprobes/latency/enable
	: >$tracing/kprobe_events
	return $status
}

# Each native commit of the trial was a FLUSH.
check_flushes() { # check_flushes NAME
	local wanted=$(($(size_count) * (warmup + trial)))
	[ "$flushes" -ge $wanted ] ||
		die "$1: $flushes FLUSHes for $wanted native commits"
}

# The lines that say why, if anything does, without libfabric's time and process.
why_not() {
	cat "$work/server" "$work/errors" "$work/client" |
		sed 's/^libfabric:[0-9]*:[0-9]*:[^:]*://' |
		awk '/^ofi_pmem:.*warn|ret=-/ && !seen[$0]++' | head -n 4
}

# Sets `usable` to the methods that work here.
try_all() {
	local name method
	trial=5
	for name in raw rpma; do
		count_flushes reference $name $(port_of $name) $trial \
			>/dev/null || die "the trial of $name failed"
		check_flushes $name
	done
	usable=()
	for method in ${methods//,/ }; do
		if ! count_flushes ours "$method" $trial >/dev/null; then
			echo "refused: $method"
			why_not | sed 's/^/    /'
			# It is valid everywhere.
			[ "$method" != message ] || die "message failed"
			continue
		fi
		[ "$method" != native ] || check_flushes "ours, native"
		usable+=("$method")
	done
}

port_of() {
	case $1 in
	raw) echo $port_raw ;;
	rpma) echo $port_rpma ;;
	esac
}

end_servers() {
	kill "${servers[@]}" 2>/dev/null
	rm -rf "$work"
}

inside() {
	local round name method
	work=$(mktemp -d)
	servers=()
	trap end_servers EXIT
	export FI_PROVIDER_PATH=$root_build/.libs FI_LOG_LEVEL=warn \
		FI_LOG_PROV=ofi_pmem FI_PROVIDER="verbs;ofi_pmem"
	# Else SCHED_IDLE only counts among processes of one session.
	echo 0 >/proc/sys/kernel/sched_autogroup_enabled
	start_reference raw $port_raw
	start_reference rpma $port_rpma
	try_all
	for ((round = 0; round < rounds; round++)); do
		for name in raw rpma; do
			reference $name $(port_of $name) "$iterations" ||
				die "$name failed"
		done
		for method in ${usable[@]+"${usable[@]}"}; do
			ours "$method" "$iterations" || {
				why_not
				die "$method failed"
			}
		done
	done
}

# --- Outside ---

outside() {
	local status
	heading "Build"
	"$root_sh" build || exit
	"$root_sh" run make -s -C "$top/fabtests/reference" || exit
	"$root_sh" run make -s -C "$top/fabtests/pmem" || exit
	heading "Measure: $rounds rounds of $iterations operations"
	mkdir -p "$(dirname "$results")"
	"$top/util/vm/run" --smp 1 -- "$top/util/vm/latency.sh" inside \
		--rounds "$rounds" --iterations "$iterations" \
		--sizes "$sizes" --methods "$methods" >"$results"
	status=$?
	grep -v '^\(raw\|rpma\|ours\) ' "$results"
	[ $status -eq 0 ] || exit $status
	heading "Medians"
	awk -f "$top/util/vm/latency_table.awk" "$results"
}

if [ "${1:-}" = inside ]; then
	shift
	options "$@"
	inside
else
	options "$@"
	outside
fi
