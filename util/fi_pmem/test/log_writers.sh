#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A log has one writer: a second one is refused, or takes the log over and ends
# the access of the first, whatever that one has still under way. No record that
# was acknowledged to either of them is lost. Where there are network namespaces,
# which need root, the first one's packets also arrive after the takeover, late
# by netem or, where the kernel has none, by a wire that is cut meanwhile.
. "$(dirname "$0")/tool.sh"
trap '' PIPE

log() { # log CODE COMMAND ARGUMENTS...: of standard input, if there is any
	local wanted=$1 command=$2
	shift 2
	tool "$wanted" log "$command" "$addr" "$@"
}

# start_writer NAME ARGUMENTS...: appends what comes through descriptor 8, a pipe,
# and begins with the record "NAME 0". Sets writer.
start_writer() {
	local name=$1
	shift
	rm -f "$dir/input"
	mkfifo "$dir/input"
	exec 6<>"$dir/input" # if the writer does not open it
	"${WRITER:-$FI_PMEM}" log append "$addr" "$dir/input" -p "$PROV" --json \
		"$@" >"$dir/$name.out" 2>"$dir/$name.err" 6>&- 9>&- &
	writer=$!
	pids="$pids $writer"
	exec 8>"$dir/input"
	echo "$name 0" >&8
	await_record "$name 0" || check "$name has begun" false
	exec 6>&-
}

await_record() { # of the writer
	local i
	for i in $(seq "${WRITER_TENTHS:-600}"); do
		log 0 tail -n 1000 && grep -qx "$1" "$dir/out" && return 0
		kill -0 "$writer" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

await_end() { # of the writer; sets code, to 0 too if it goes on for too long
	local i
	for i in $(seq "${WRITER_TENTHS:-600}"); do
		kill -0 "$writer" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$writer" 2>/dev/null
	local killed=$?
	wait "$writer" 2>/dev/null
	code=$?
	[ $killed -eq 0 ] && code=0
	exec 8>&-
}

field() { # NAME FIELD: the number in NAME.out
	sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "$dir/$1.out"
}

# The log is in use.
in_use() {
	start_server "$dir/in_use" --size 4M
	check "a log" log 0 append --create </dev/null
	start_writer a
	check "a second writer is refused" log 4 append <<<b
	check "is told by whom" says "has a writer, process $writer at 127.0.0.1:"
	check "and how to go on" says "append --takeover ends its access"
	check "so is one that makes a new log" log 4 append --create <<<b
	check "and one that shares a part of it" log 4 append --create --offset 1M \
		--length 1M <<<b
	check "and the benchmark" log 4 bench --force
	echo "a 1" >&8
	exec 8>&-
	await_end
	check "the first one goes on to its end" test "$code" -eq 0
	check "then comes the next, without an option" log 0 append <<<"b 0"
	check "all is there" log 0 tail
	check "in order" cmp -s "$dir/out" - <<<$'a 0\na 1\nb 0'
	check "two logs in one region" log 0 append --create --length 2M </dev/null
	start_writer a --length 2M
	check "have a writer each" log 0 append --create --offset 2M <<<other
	exec 8>&-
	await_end
	stop_server TERM
}

# Each of several files has a log of its own at the same place.
regions() {
	start_server "$dir/first" "$dir/second" --size 4M
	check "a log" log 0 append --create </dev/null
	start_writer a
	check "the second file has another writer" \
		log 0 append --region 1 --create <<<"b 0"
	check "also by a takeover" log 0 append --region 1 --takeover <<<"b 1"
	echo "a 1" >&8
	exec 8>&-
	await_end
	check "the first one goes on to its end" test "$code" -eq 0
	check "its log" log 0 tail
	check "has its records" cmp -s "$dir/out" - <<<$'a 0\na 1'
	check "the other one" log 0 tail --region 1
	check "has the others" cmp -s "$dir/out" - <<<$'b 0\nb 1'
	stop_server TERM
}

# A writer that was killed has no log any more.
killed() {
	start_server "$dir/killed" --size 4M
	check "a log" log 0 append --create </dev/null
	for i in 1 2; do
		start_writer "k$i"
		kill -KILL "$writer"
		await_end
		check "the next one follows at once" log 0 append <<<"after $i"
	done
	check "all is there" log 0 tail
	check "in order" cmp -s "$dir/out" - \
		<<<$'k1 0\nafter 1\nk2 0\nafter 2'
	stop_server TERM
}

# A takeover from a writer that sleeps, and wakes up later.
asleep() {
	start_server "$dir/asleep" --size 4M
	check "a log" log 0 append --create </dev/null
	start_writer a
	kill -STOP "$writer"
	echo "a 1" >&8
	check "a takeover" log 0 append --takeover <<<"b 0"
	kill -CONT "$writer"
	await_end
	check "the former writer ends with an error" test "$code" -eq 4
	check "that says why" grep -q "taken over by another writer" "$dir/a.out"
	check "its record is not there" log 0 tail
	check "the other one's is" cmp -s "$dir/out" - <<<$'a 0\nb 0'
	start_writer again # whose first record is not there yet
	kill -STOP "$writer"
	check "a new log instead" log 0 append --takeover --create <<<"b 0"
	echo "again 1" >&8
	kill -CONT "$writer"
	await_end
	check "the former writer ends with an error" test "$code" -eq 4
	check "the new log" log 0 tail
	check "has nothing of it" cmp -s "$dir/out" - <<<"b 0"

	# Now with a name of who took over, as that one is still there.
	check "another new log" log 0 append --create </dev/null
	start_writer a
	former=$writer
	mv "$dir/input" "$dir/former"
	exec 9>&8
	start_writer b --takeover
	echo "a 1" >&9
	exec 9>&-
	wait "$former"
	check "the former writer ends with an error" test $? -eq 4
	check "that says by whom" grep -q "process $writer at 127.0.0.1:" "$dir/a.out"
	exec 8>&-
	await_end
	check "and the other one without" test "$code" -eq 0
	stop_server TERM
}

# records NAME FIRST LAST: one of WIDTH bytes each
records() {
	seq -f "$1 %.0f" "$2" "$3" | awk -v width="$WIDTH" \
		'{ printf "%-*s\n", width, $0 }'
}

# The records acknowledged to a, and all of b's, are there in order, and none of
# a's lies behind b's.
nothing_lost() {
	local durable
	durable=$(field a durable_to)
	log 0 dump --json || return 1
	grep '"event":"record"' "$dir/out" |
		sed 's/.*"position":\([0-9]*\),.*"text":"\([ab]\) \([0-9]*\).*/\1 \2 \3/' |
		awk -v durable="$durable" '
			$2 == "a" && !a { next_a = $3 }
			$2 == "a" && (b || $3 != next_a++) { wrong = wrong " " $0 }
			$2 == "a" { a++ }
			$2 == "b" && !b { begin = $1 }
			$2 == "b" && $3 != b++ { wrong = wrong " " $0 }
			END { print a " of a, of which " durable \
				" bytes were acknowledged, and " b " of b" wrong
			      exit wrong != "" || b != 300 || begin < durable }'
}

# taken_over CAUSE: from a writer in full flow, between CAUSE_begins and CAUSE_ends.
taken_over() {
	check "a log" log 0 append --create </dev/null
	start_writer a --drop-oldest
	records a 1 10000000 >&8 2>/dev/null &
	local feeder=$!
	pids="$pids $feeder"
	check "a writer in full flow" await_record "a [1-9].*"
	"$1_begins"
	records b 0 299 >"$dir/b"
	check "a takeover" log 0 append --takeover --drop-oldest "$dir/b"
	"$1_ends"
	exec 8>&-
	await_end
	check "the former writer ends with an error" test "$code" -ne 0
	wait "$feeder" 2>/dev/null
	check "no acknowledged record is lost" nothing_lost
}

nothing_begins() { :; }
nothing_ends() { :; }

# A host for the server, and one for the writer that is taken over from, with a
# wire between them. False with a reason where there cannot be any.
open_networks() {
	case $PROV in
	verbs*) reason="$PROV is not in a namespace"; return 1 ;;
	esac
	reason="needs iproute2 and nsenter"
	{ ip -V && ss -V && nsenter -V; } >/dev/null 2>&1 || return 1
	reason="network namespaces need root"
	unshare -n true 2>/dev/null || return 1
	local own name
	own=$(readlink /proc/self/ns/net)
	for name in there here; do
		unshare -n sleep 1000 &
		pids="$pids $!"
		eval "$name=\$!"
		until [ "$(readlink "/proc/$!/ns/net")" != "$own" ]; do
			sleep 0.01
		done
		printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net "$@"\n' \
			"$!" >"$dir/in_$name"
		printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$dir/in_$name" \
			"$FI_PMEM" >"$dir/fi_pmem_$name"
		chmod +x "$dir/in_$name" "$dir/fi_pmem_$name"
	done
	reason="the kernel has no veth"
	"$dir/in_there" sh -c "ip link set lo up &&
		ip link add pmem0 type veth peer name pmem1 netns $here &&
		ip addr add 10.77.0.1/24 dev pmem0 &&
		ip link set pmem0 up" 2>/dev/null || return 1
	"$dir/in_here" sh -c "ip addr add 10.77.0.2/24 dev pmem1 &&
		ip link set pmem1 up && ip link set lo up" || return 1
}

# The writer's packets are late: its system has bytes that were not acknowledged.
late_begins() {
	local i
	late=netem
	"$dir/in_here" tc qdisc replace dev pmem1 root netem delay 2s \
		2>/dev/null || {
		late="a cut wire"
		"$dir/in_here" ip neigh replace 10.77.0.1 dev pmem1 \
			lladdr 02:00:00:00:00:99 nud permanent
	}
	for i in $(seq 600); do
		"$dir/in_here" ss -Htn state established |
			awk '$2 { found = 1 } END { exit !found }' && break
		sleep 0.05
	done
	check "it has something under way, late by $late" test "$i" -lt 600
}

late_ends() {
	[ "$late" = netem ] && return
	"$dir/in_here" ip neigh del 10.77.0.1 dev pmem1
}

# all_takeovers CAUSE: what is longer than the inline size goes one-sided where the
# memory allows that.
export FI_OFI_PMEM_INLINE_SIZE=4096
all_takeovers() {
	local backend
	for how in "auto 20" "powerfail 6000"; do
		read -r backend WIDTH <<<"$how"
		echo "# a takeover, $1: $backend, records of $WIDTH bytes"
		FI_OFI_PMEM_BACKEND=$backend start_server "$dir/$backend.$1" \
			--size 8M
		taken_over "$1"
		stop_server KILL
		start_server "$dir/$backend.$1"
		check "nor by a failure of the power" nothing_lost
		stop_server TERM
	done
}

in_flow() {
	all_takeovers nothing
}

late() {
	if open_networks; then
		FI_PMEM=$dir/fi_pmem_there WRITER=$dir/fi_pmem_here
		BIND=10.77.0.1
		all_takeovers late
	else
		echo "not run: $reason"
	fi
}

for part in ${PARTS:-in_use regions killed asleep in_flow late}; do
	echo "# $part"
	$part
done
finish
