#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What put calls durable survives the death of the target right behind it; its
# sources, its waits, and how it goes on where an earlier one ended. Tools with a
# planted mistake must be found (SKIP_MUTANTS=yes skips these).
. "$(dirname "$0")/tool.sh"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV commits each write" ;;
esac
source_dir=${srcdir:-.}
tool_built=$FI_PMEM

bytes=3000001
make_input "$dir/in" $bytes
field() { # NAME: its value in the last JSON
	sed -n "s/.*\"$1\":\([0-9a-z]*\).*/\1/p" "$dir/out"
}

# The power fails the moment put returns.
survives() { # ARGUMENTS...
	rm -f "$dir/region"
	FI_OFI_PMEM_BACKEND=powerfail start_server "$dir/region" --size 4M
	tool 0 put "$dir/in" "$addr" "$@"
	stop_server KILL
	same "$dir/in" "$dir/region" $bytes
}
lost() {
	! survives "$@"
}
check "put, then a power failure" survives
check "in small windows" survives --window 100K --block 7K --depth 3
check "verified in small windows" survives --window 100K --block 7K --verify
check "windows no larger than a block" survives --window 1 --block 1M

# Sources.
start_server "$dir/region" --size 4M -v
stdin() { # CODE INPUT ARGUMENTS...
	local wanted=$1 input=$2
	shift 2
	tool "$wanted" put - "$addr" "$@" <"$input"
}
check "standard input" stdin 0 "$dir/in" --offset 5
check "is there" same "$dir/in" "$dir/region" $bytes 0:5
(head -c 1000000 "$dir/in" && sleep 2 && tail -c +1000001 "$dir/in") |
	tool 0 put - "$addr" --json --timeout 1
check "standard input that pauses for longer than --timeout" \
	test "${PIPESTATUS[1]}" -eq 0
check "is there" same "$dir/in" "$dir/region" $bytes
check "is told" test "$(field bytes)" = $bytes -a "$(field durable)" = true
pauses() {
	head -c 1000000 "$dir/in" && sleep 3 && kill -STOP "$server" || return
	{ sleep 1.2 && kill -CONT "$server"; } &
	sleep 0.6 && tail -c +1000001 "$dir/in"
}
pauses | tool 0 put - "$addr" --json --timeout 2
check "a pause of the input, then one of the target, not longer together" \
	test "${PIPESTATUS[1]}" -eq 0
check "is there" same "$dir/in" "$dir/region" $bytes
check "a part of it" stdin 0 "$dir/in" --source-offset 11 --length 70000
check "is there" same "$dir/in" "$dir/region" 70000 11:0
check "a part of a file" tool 0 put "$dir/in" "$addr" --source-offset 13 \
	--length 70000
check "is there" same "$dir/in" "$dir/region" 70000 13:0
check "and nothing behind it" same "$dir/in" "$dir/region" 1000 70000:70000
check "a part that the file does not have" tool 5 put "$dir/in" "$addr" \
	--source-offset 3000000 --length 2
check "is named" says "has 3000001 bytes, not 2 behind 3000000"
check "input that ends too early" stdin 5 "$dir/in" --length 3000002
check "is named" says "ended after 3000001 of 3000002"
check "no input" stdin 5 /dev/null
check "is named" says "standard input is empty"
check "more input than the region has room for" stdin 6 "$dir/in" \
	--offset 2M --json
check "of which a prefix is durable" test "$(field durable_bytes)" -gt 0
check "and told" same "$dir/in" "$dir/region" "$(field durable_bytes)" 0:2M
check "just enough" stdin 0 "$dir/in" --offset $((4194304 - bytes))
stop_server TERM
mkfifo "$dir/fifo"
start_server "$dir/piped" --size 4M
$LIMIT "$FI_PMEM" put - "$addr" -p "$PROV" --json <"$dir/fifo" >"$dir/out" \
	2>"$dir/err" &
client=$!
exec 8>"$dir/fifo"
head -c 1000000 "$dir/in" >&8
for i in $(seq 400); do
	same "$dir/in" "$dir/piped" 786432 && break
	sleep 0.05
done
kill -TERM $client
wait $client
check "SIGTERM while the input pauses" test $? -eq 143
exec 8>&-
stop_server TERM
check "leaves a prefix of whole blocks" test "$(field done_bytes)" = 786432
check "of which what is called durable is there" \
	same "$dir/in" "$dir/piped" "$(field durable_bytes)"
check "which is not all" test "$(field durable)" = false

# Going on. The trace of the target tells what it flushed.
start_server "$dir/resumed" --size 4M
check "--resume of nothing" tool 0 put "$dir/in" "$addr" --resume --json
check "puts all" test "$(field resumed_bytes)" = 0
check "as it says" same "$dir/in" "$dir/resumed" $bytes
check "--resume of all" tool 0 put "$dir/in" "$addr" --resume --json
check "puts nothing" test "$(field resumed_bytes)" = $bytes
check "and says that all is durable" test "$(field durable_bytes)" = $bytes
printf '\001' | dd of="$dir/resumed" bs=1 seek=2000000 conv=notrunc status=none
check "--resume of a part" tool 0 put "$dir/in" "$addr" --resume --json
check "begins at the block that differs" test "$(field resumed_bytes)" = \
	$((2000000 / 65536 * 65536))
check "and repairs it" same "$dir/in" "$dir/resumed" $bytes
check "--resume of a part of the source" tool 0 put "$dir/in" "$addr" \
	--offset 100 --source-offset 100 --length 2M --resume --json
check "compares that" test "$(field resumed_bytes)" = 2097152
check "--resume with verification" tool 0 put "$dir/in" "$addr" --resume --verify
check "standard input cannot be resumed" stdin 2 "$dir/in" --resume
check "nothing durable to resume" tool 2 put "$dir/in" "$addr" --resume \
	--no-commit
stop_server TERM
interrupted() { # a put that leaves the first million bytes, not durable
	head -c 1000000 "$dir/in" >"$dir/part"
	tool 0 put "$dir/part" "$addr" --no-commit &&
		tool 0 put "$dir/in" "$addr" --resume --json
}
flushes_what_is_there() {
	rm -f "$dir/resumed"
	FI_OFI_PMEM_TRACE_WRITE=yes FI_LOG_LEVEL=trace FI_LOG_PROV=ofi_pmem \
		start_server "$dir/resumed" --size 4M
	interrupted && stop_server TERM &&
		test "$(field resumed_bytes)" = 983040 &&
		grep -q "target flush len 983040" "$dir/server.err" &&
		same "$dir/in" "$dir/resumed" $bytes
}
check "--resume makes durable what it finds" flushes_what_is_there

# Waits.
rm -f "$dir/region"
start_server "$dir/region" --size 4M
$LIMIT "$FI_PMEM" put - "$addr" -p "$PROV" --timeout 1 --json <"$dir/fifo" \
	>"$dir/out" 2>"$dir/err" &
client=$!
exec 8>"$dir/fifo"
head -c 300000 "$dir/in" >&8
for i in $(seq 200); do
	same "$dir/in" "$dir/region" 262144 && break
	sleep 0.05
done
kill -STOP $server
(tail -c +300001 "$dir/in" >&8) 2>/dev/null &
wait $client
check "--timeout: a target that falls silent" test $? -eq 1
exec 8>&-
check "is given up" grep -q "no answer from .* for 1 s: gave up" "$dir/out"
check "and not all is durable" test "$(field durable)" = false
kill -CONT $server
stop_server TERM

# Ports.
start_server "$dir/region"
served_data_port() {
	local rest=${serving##*data port }
	echo "${rest%%,*}"
}
data_port=$(served_data_port)
stop_server TERM
start_server "$dir/region" --data-port "$data_port"
check "serve takes a data port" \
	test "$(served_data_port)" = "$data_port"
check "put by it" tool 0 put "$dir/in" "$addr"
check "a data port that is taken" tool 1 serve "$dir/other" --size 1M \
	--bind 127.0.0.1 --port 0 --data-port "$data_port"
check "is named" says "cannot listen on the data port"
check "one port for both" tool 2 serve "$dir/other" --size 1M \
	--port 7000 --data-port 7000
stop_server TERM
start_server "$dir/region" --data-port "$data_port"
check "put after a restart" tool 0 put "$dir/in" "$addr"
stop_server TERM

start_rogue mute
silent=$rogue silent_port=$rogue_port
start_rogue "port:$silent_port"
for command in "put $dir/in 127.0.0.1:$rogue_port" \
	"get 127.0.0.1:$rogue_port $dir/back" \
	"verify $dir/in 127.0.0.1:$rogue_port" \
	"log dump 127.0.0.1:$rogue_port"; do
	check "a data port that does not answer: ${command%% *}" \
		tool 3 $command --timeout 1
	check "is named" says "data port $silent_port"
done
kill "$silent"
wait "$silent" 2>/dev/null
check "a data port that refuses" tool 3 put "$dir/in" "127.0.0.1:$rogue_port"
check "is named" says "cannot reach the data port $silent_port"
check "with the remedy" says "serve --data-port"
kill "$rogue"

# A tool of which one source was changed by sed.
planted() { # FILE SED-SCRIPT: such a one, in $FI_PMEM
	rm -rf "$dir/mutant"
	mkdir "$dir/mutant"
	sed "$2" "$source_dir/$1" >"$dir/mutant/mutant.cc"
	if cmp -s "$source_dir/$1" "$dir/mutant/mutant.cc"; then
		echo "$1 has changed, and the mistake cannot be made"
		return 1
	fi
	MAKEFLAGS= MFLAGS= make mutant-fi_pmem MUTANT="$dir/mutant" \
		REPLACED="$(basename "$1" .cc)" CXXFLAGS='-O0 -w' \
		>"$dir/out" 2>"$dir/err" && FI_PMEM=$dir/mutant/fi_pmem
}
if [ "${SKIP_MUTANTS-no}" != yes ]; then
	drains=util/fi_pmem/transfer/drain.cc
	check "without its last drain: is made" planted $drains \
		's/^	if (!is_drain_due())/	if (posted_bytes_ == length_) durable_bytes_ = length_;\n&/'
	check "is found" lost
	FI_PMEM=$tool_built
	check "--resume without a flush: is made" \
		planted util/fi_pmem/transfer/transfer.cc \
		's/posted_bytes_ = done_bytes_ = resumed_bytes_/durable_bytes_ = &/'
	check "is found" eval "! flushes_what_is_there"
	FI_PMEM=$tool_built
fi
finish
