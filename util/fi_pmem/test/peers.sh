#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Peers that misbehave, vanish or fall silent; signals in mid-transfer. Every
# wait is bounded, and what is called durable is in the file.
. "$(dirname "$0")/tool.sh"

make_input "$dir/in" 4000000
head -c 1000 "$dir/in" >"$dir/small"

stop_rogue() {
	kill "$rogue"
	wait "$rogue" 2>/dev/null
}

# Servers that are none.
for how in garbage empty short wrap; do
	start_rogue $how
	check "answer: $how" tool 4 put "$dir/small" "127.0.0.1:$rogue_port"
	check "is named" says "is not fi_pmem serve"
	stop_rogue
done
start_rogue version
check "answer of another version" tool 4 get "127.0.0.1:$rogue_port" "$dir/x"
check "is named" says "another version"
stop_rogue
start_rogue busy
check "refusal with a reason" tool 4 put "$dir/small" "127.0.0.1:$rogue_port"
check "is named" says "out of resources"
stop_rogue
start_rogue mute
check "no answer" tool 3 put "$dir/small" "127.0.0.1:$rogue_port" --timeout 1
check "is named" says "did not answer within 1 s"
$LIMIT "$FI_PMEM" put "$dir/small" "127.0.0.1:$rogue_port" -p "$PROV" \
	>"$dir/out" 2>"$dir/err" --timeout 50 &
client=$!
read -r -t 30 request <&6 # of the client before
read -r -t 30 request <&6
kill -INT $client
wait $client
check "SIGINT while connecting" test $? -eq 130
stop_rogue

# Clients that are none.
start_server "$dir/region" --size 4M -v
for how in garbage:1 empty:1 version:2; do
	answer=$($LIMIT "$ROGUE" "$PROV" connect "$port" "${how%:*}")
	check "request: ${how%:*}" test "$answer" = "refused ${how#*:}"
done
for i in 1 2 3; do
	seq 100 | timeout 5 bash -c "cat >/dev/tcp/127.0.0.1/$port" 2>/dev/null
done
exec 8<>"/dev/tcp/127.0.0.1/$port" # connects and says nothing
check "the server goes on" tool 0 put "$dir/small" "$addr"
exec 8>&-

# Interrupted: a contiguous prefix is durable, and the tool says which.
slow_put() { # ARGUMENTS...: sets client
	$LIMIT "$FI_PMEM" put "$dir/in" "$addr" -p "$PROV" --block 1 "$@" \
		--json >"$dir/out" 2>"$dir/err" &
	client=$!
	pids="$pids $client"
	check "a slow put has begun" await_first_bytes "$dir/in" \
		"$dir/region" $client
}
prefix_of() {
	sed -n 's/.*"done_bytes":\([0-9]*\).*/\1/p' "$dir/out"
}
fresh_server() {
	rm -f "$dir/region"
	start_server "$dir/region" --size 4M
}
stop_server TERM
for signal in TERM:143 INT:130 HUP:129; do
	fresh_server
	slow_put --depth 4
	kill "-${signal%:*}" $client
	wait $client
	check "SIG${signal%:*} in mid-put" test $? -eq "${signal#*:}"
	prefix=$(prefix_of)
	check "a prefix was put" test "${prefix:-0}" -ge 1000
	check "not all" test "${prefix:-0}" -lt 4000000
	check "the prefix is in the file" same "$dir/in" "$dir/region" \
		"${prefix:-0}"
	check "the server goes on" tool 0 put "$dir/small" "$addr"
	stop_server TERM
	check "and ends cleanly" test $code -eq 0
done

# The peer dies, or leaves, or falls silent.
for signal in KILL TERM; do
	fresh_server
	slow_put --depth 4
	stop_server $signal
	wait $client
	check "SIG$signal to the server in mid-put" test $? -eq 1
	prefix=$(prefix_of)
	check "what was durable is in the file" same "$dir/in" "$dir/region" \
		"${prefix:-0}"
	check "and is told" test "${prefix:-0}" -ge 1000
done
fresh_server
slow_put --depth 4 --stall 1
kill -STOP $server
wait $client
check "a silent peer" test $? -eq 1
check "is given up" grep -q "gave up" "$dir/out"
kill -CONT $server
check "the server goes on" tool 0 put "$dir/small" "$addr"
stop_server TERM

fresh_server
tool 0 put "$dir/in" "$addr"
$LIMIT "$FI_PMEM" get "$addr" "$dir/x" -p "$PROV" --block 1 --depth 1 \
	>"$dir/out" 2>"$dir/err" &
client=$!
for i in $(seq 200); do
	ls "$dir" | grep -q 'x\.' && break
	sleep 0.05
done
kill -TERM $client
wait $client
check "SIGTERM in mid-get" test $? -eq 143
check "leaves no file" test -z "$(ls "$dir" | grep '^x')"
mkfifo "$dir/reader"
$LIMIT "$FI_PMEM" get "$addr" - -p "$PROV" >"$dir/reader" 2>"$dir/err" &
client=$!
exec 9<"$dir/reader"
head -c 1 <&9 >/dev/null
kill -TERM $client
wait $client
check "SIGTERM while the reader of get - sleeps" test $? -eq 143
exec 9<&-

# Files that shrink.
cp "$dir/in" "$dir/shrinking"
$LIMIT "$FI_PMEM" put "$dir/shrinking" "$addr" -p "$PROV" --block 1 --depth 1 \
	>"$dir/out" 2>"$dir/err" &
client=$!
: >"$dir/shrinking"
wait $client
check "LOCAL shrinks in mid-put" test $? -eq 5
case $PROV in
*ofi_pmem*) # a plain provider touches the mapping and dies by SIGBUS
	truncate -s 4096 "$dir/region"
	check "the region's file shrank" tool 1 put "$dir/in" "$addr"
	check "the server survives" alive
	;;
esac
stop_server TERM
check "and ends cleanly" test $code -eq 0
finish
