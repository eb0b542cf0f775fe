#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Measures on this machine all that the README's table compares: commits beside
# plain tcp's and a bare TCP connection's, and on the disk beside a bare fdatasync(2),
# with a client that polls and one that sleeps; what the layer costs those who need no persistence, many channels,
# an idle service; in the root of util/scripts/env/trixie.sh fi_rdm_tagged_bw; and
# in a machine of util/vm the methods on verbs beside raw ibverbs and librpma.
#
#   util/scripts/bench/bench.sh [--build DIR] [--rounds N] [--native | --vm]
#
#   --build DIR  a build of this tree, with its tests (default: build/bench, which
#                is made)
#   --rounds N   what is compared takes turns so often (default: 5)
#   --native     not in the root and the machine; --vm: only there
#
# Regions are a file that counts as cache-line granular
# (PMEM2_FORCE_GRANULARITY), but where the disk is measured: tcp's commits do not
# reach one. So the commits of these tables are not durable, but do all the work that
# they would do on persistent memory. Writes build/bench/bench.md.

set -u
. "$(dirname "$0")/../common.sh"

rounds=5
build=
native=yes
vm=yes
port=$((20000 + $$ % 20000)) # of fi_pingpong
pids=

while [ $# -gt 0 ]; do
	case $1 in
	--help) usage 0 ;;
	--native) vm=no ;;
	--vm) native=no ;;
	--build | --rounds)
		[ $# -ge 2 ] || usage 2
		[ "$1" = --build ] && build=$2 || rounds=$2
		shift
		;;
	*) usage 2 ;;
	esac
	shift
done
case $rounds in
'' | *[!0-9]* | 0) usage 2 ;;
esac

results=$top/build/bench
mkdir -p "$results"
log=$results/bench.log
: >"$log"

cleanup() {
	local pid
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make_build() {
	build=$results
	update_configure && build_tree "$build" "$log" &&
		logged "$log" make -C "$build" -j"$(nproc)" check TESTS=
}

median() { # of the numbers, one a line
	sort -g | awk '{v[NR] = $1} END {
		if (!NR) exit 1
		print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
	}'
}

describe_machine() {
	echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)," \
		"$(nproc) processors, Linux $(uname -r)," \
		"$("$tool" --version), $rounds rounds"
}

# --- Beside plain tcp, and floors ---

beside_tcp() { # beside_tcp CLIENT [OPTION]: polls or sleeps
	local json=$results/tcp_$1.json
	PMEM2_FORCE_GRANULARITY=CACHE_LINE "$tool" bench --against tcp --json \
		--place "$results" --ops message,write,commit,drain \
		--sizes 8,512,4096,65536,1048576 --depths 1,64 \
		--rounds "$rounds" --floor sleep,spin ${2-} \
		>"$json" 2>>"$log" || return
	printf '\n%s\n\n%s\n%s\n' "Over tcp (a passive target beside a spinning \
one), and over bare TCP whose server sleeps or polls; the client $1" \
		"| operation | bytes | in flight | us | tcp's us | latency over | rate over | latency over sleeping | over polling |" \
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
	jq -rs 'def round1: . * 10 | round / 10;
		def round2: . * 100 | round / 100;
		map(select(.event == "measured" and .provider)) |
		group_by([.op, .bytes, .depth])[] |
		(map(select(.provider != "tcp"))[0]) as $ours |
		(map(select(.provider == "tcp"))[0]) as $tcp |
		select($ours and $tcp) |
		"| \($ours.op) | \($ours.bytes) | \($ours.depth) | " +
		"\($ours.p50_us | round1) | \($tcp.p50_us | round1) | " +
		"\($ours.latency_over | round2) | " +
		"\($ours.rate_over | round2) | " +
		"\($ours.floors.sleep.latency_over | round2) | " +
		"\($ours.floors.spin.latency_over | round2) |"' "$json"
}

beside_sync() {
	local json=$results/sync.json
	"$tool" bench --json --place "$results" --ops commit,drain \
		--sizes 4096,65536,1048576 --depths 1,16 --count 200 \
		--rounds "$rounds" --floor sync >"$json" 2>>"$log" || return
	printf '\n%s\n\n%s\n%s\n' "On this disk, over as many writes and one \
fdatasync(2)" "| operation | bytes | in flight | us | rate | latency over | rate over |" \
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
	jq -r 'def round2: . * 100 | round / 100;
		select(.event == "measured" and .provider) |
		"| \(.op) | \(.bytes) | \(.depth) | \(.p50_us | round) | " +
		"\(.per_second | round) | " +
		"\(.floors.sync.latency_over | round2) | " +
		"\(.floors.sync.rate_over | round2) |"' "$json"
}

# --- Those who need no persistence ---

# Microseconds of a message of 64 bytes there and back. On a virtual machine they
# depend on where the host runs its processors: the best rounds can be compared.
pingpong() { # pingpong PROVIDER TYPE
	local server us
	port=$((port + 1))
	fi_pingpong -p "$1" -e "$2" -I 20000 -S 64 -B $port >>"$log" 2>&1 &
	server=$!
	pids="$pids $server"
	await_listener $port || return
	us=$(timeout 60 fi_pingpong -p "$1" -e "$2" -I 20000 -S 64 -P $port \
		127.0.0.1 2>>"$log" | awk '$1 == 64 {print $7}')
	[ -n "$us" ] || return
	wait $server
	echo "$us"
}

tax() { # tax NAME PROVIDER TYPE
	local round with=$results/with without=$results/without
	: >"$with"
	: >"$without"
	for round in $(seq "$rounds"); do
		pingpong "$2;ofi_pmem" "$3" >>"$with" || return
		pingpong "$2" "$3" >>"$without" || return
	done
	awk -v name="$1" -v with="$(median <"$with")" \
		-v without="$(median <"$without")" \
		-v best_with="$(sort -g "$with" | head -n 1)" \
		-v best_without="$(sort -g "$without" | head -n 1)" 'BEGIN {
		printf "| %s | %.2f | %.2f | %.2f | %.2f |\n", name, with,
			without, with / without, best_with / best_without
	}'
}

instructions() { # instructions THROUGH COUNT
	valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$build/prov/pmem/test/app_cost" "$1" "$2" 2>&1 |
		sed -n 's/.*Collected : //p'
}

each() { # each THROUGH: instructions of one round
	echo $((($(instructions "$1" 11000) - $(instructions "$1" 1000)) / 10000))
}

without_persistence() {
	local inner
	printf '\n%s\n\n%s\n%s\n' "Messages, without persistence" \
		"| | with the layer, us | without | over | best over best |" \
		"| --- | ---: | ---: | ---: | ---: |"
	tax "fi_pingpong, 64 bytes, msg on tcp" tcp msg || return
	tax "fi_pingpong, 64 bytes, rdm on tcp;ofi_rxm" "tcp;ofi_rxm" rdm ||
		return
	command -v valgrind >/dev/null || {
		printf '\n%s\n' "(instructions: valgrind is not installed)"
		return
	}
	inner=$(each inner)
	printf '\n%s %s\n' "Instructions that the layer adds to a send, its" \
		"completion and a read that finds none: $(($(each plain) - inner));"
	echo "with FI_RMA_PMEM: $(($(each persistent) - inner))."
}

# --- Channels and an idle service ---

channels() {
	printf '\n%s\n\n```\n' "Channels on one target"
	(cd "$build" && fabtests/benchmarks/pmem_scale_bench --rounds "$rounds") ||
		return
	echo '```'
}

ticks() { # of a process, user and system
	awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"
}

idle_service() {
	local server line used seconds=20 pipe=$results/serving
	rm -f "$pipe"
	mkfifo "$pipe"
	"$tool" serve "$results/region" --size 1M --bind 127.0.0.1 --port 0 \
		>"$pipe" 2>>"$log" &
	server=$!
	pids="$pids $server"
	exec 7<"$pipe"
	read -r -t 30 line <&7 || return
	used=$(ticks $server)
	sleep $seconds # what is measured
	used=$(($(ticks $server) - used))
	printf '\n%s %s\n' "An idle service used $used of" \
		"$((seconds * $(getconf CLK_TCK))) ticks of a processor."
	kill -TERM $server
	wait $server
	exec 7<&-
	rm -f "$pipe" "$results/region"
}

natively() {
	describe_machine
	beside_tcp polls --poll && beside_tcp sleeps && beside_sync &&
		without_persistence && channels && idle_service
}

# --- In the root of Debian trixie, which has libfabric's fabtests ---

tagged_bandwidth() {
	local size lines=$results/tagged
	"$root_sh" build >>"$log" 2>&1 || return
	printf '\n%s\n\n%s\n%s\n' "fi_rdm_tagged_bw on tcp, libfabric 2.1" \
		"| bytes | with the layer, MB/s | without | over |" \
		"| ---: | ---: | ---: | ---: |"
	for size in 64 4096 65536; do
		"$root_sh" run "$top/fabtests/scripts/tagged_bw.sh" \
			"$rounds" $size >"$lines" 2>>"$log" || return
		awk -v size=$size -v with="$(sed -n 's/^with //p' "$lines" | median)" \
			-v without="$(sed -n 's/^without //p' "$lines" | median)" \
			'BEGIN {
			printf "| %d | %.1f | %.1f | %.2f |\n", size, with,
				without, with / without
		}'
	done
}

# --- In a machine ---

in_a_machine() {
	printf '\n%s\n\n```\n' "Over verbs (Soft-RoCE in an emulated machine)"
	"$top/util/vm/latency.sh" --rounds "$rounds" || return
	echo '```'
}

main() {
	if [ $native = yes ]; then
		natively || return
	fi
	if [ $vm = yes ]; then
		tagged_bandwidth && in_a_machine || return
	fi
}

if [ $native = yes ]; then
	install_packages "$log" build test
	if [ -n "$build" ]; then
		build=$(cd "$build" && pwd) || die "there is no such build"
	else
		make_build || die "there is no build; see $log"
	fi
	tool=$build/util/fi_pmem/fi_pmem
	export FI_PROVIDER_PATH=$build/.libs
fi
main | tee "$results/bench.md"
[ "${PIPESTATUS[0]}" -eq 0 ] || die "not everything could be measured; see $log"
