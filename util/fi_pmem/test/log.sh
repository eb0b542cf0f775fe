#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What is appended to a log is what tail and dump show, in order, across writers
# and servers; and every mistake is reported.
. "$(dirname "$0")/tool.sh"

start_server "$dir/region" --size 4M

log() { # log CODE COMMAND ARGUMENTS...: of standard input, if there is any
	local wanted=$1 command=$2
	shift 2
	tool "$wanted" log "$command" "$addr" "$@"
}

check "no log at first" log 1 tail
check "is told" says "append --create makes one"
check "append makes one" log 0 append --create <<<$'one\n\nthree'
check "and says what it did" grep -q "appended 3 records (8 bytes)" "$dir/out"
check "tail" log 0 tail
check "shows the lines" cmp -s "$dir/out" - <<<$'one\n\nthree'
printf 'no newline' >"$dir/in"
check "append of a file" log 0 append "$dir/in"
check "tail of one" log 0 tail -n 1
check "is the last" cmp -s "$dir/out" - <<<'no newline'
check "tail of none" log 0 tail -n 0
check "is nothing" test ! -s "$dir/out"
printf 'binary \001\n' >"$dir/in"
check "append of bytes" log 0 append "$dir/in"
check "dump" log 0 dump
full() { # COMMAND...: with a standard output that takes nothing
	$LIMIT "$FI_PMEM" log "$1" "$addr" "${@:2}" -p "$PROV" >/dev/full 2>"$dir/err"
	[ $? -eq 5 ] && says "standard output: No space left on device"
}
check "dump to a full disk" full dump
check "tail to a full disk" full tail
check "and tail that follows" full tail -f
check "dump" log 0 dump
check "counts" grep -q "^5 records, 0 more behind the pointer" "$dir/out"
check "and escapes" grep -qF 'binary \x01' "$dir/out"
check "nothing to append" log 0 append --order initiator </dev/null

seq 20000 >"$dir/in"
for order in target initiator lazy; do
	check "append by $order" log 0 append "$dir/in" --create --order $order
	check "tail of all" log 0 tail -n 20000
	check "is all" cmp -s "$dir/in" "$dir/out"
done
check "append of pieces" log 0 append "$dir/in" --create --record 1000
check "tells how many" grep -q "appended $((($(stat -c %s "$dir/in") + 999) / 1000)) records" "$dir/out"
check "dump of pieces" log 0 dump --json
check "shows them" test "$(grep -c '"bytes":1000,' "$dir/out")" -gt 100

check "the log is full" log 6 append "$dir/in" --create --length 64K
check "says how full" says "bytes are free of 61440"
check "what fitted is durable" grep -q "durable up to position 61440" "$dir/out"
check "the oldest go" log 0 append "$dir/in" --create --length 64K --drop-oldest
check "tail of the rest" log 0 tail -n 20000 --length 64K
check "is the end of it" cmp -s "$dir/out" <(tail -n "$(wc -l <"$dir/out")" "$dir/in")
check "and most of the log" test "$(wc -l <"$dir/out")" -gt 1000
head -c 70000 /dev/zero >"$dir/long"
check "a line that is too long" log 5 append "$dir/long"
check "names the option" says "--max-record"
check "a record longer than the log" log 6 append "$dir/long" --length 64K \
	--max-record 70000
check "tells the limit" says "fit into the log's 61440"
check "longer lines by option" log 0 append "$dir/long" --create \
	--max-record 70000 --length 2M
check "two logs" log 0 append "$dir/in" --create --offset 2M
check "a log longer than its place" log 6 tail --offset 2M --length 1M
check "the other is there" log 0 tail -n 1 --length 2M
check "with its record" test "$(stat -c %s "$dir/out")" -eq 70001

check "a place too small" log 6 append --create --length 4K </dev/null
check "tells the least" says "must be at least 8192"
check "a place not aligned" log 6 append --create --offset 32 </dev/null
check "a place outside" log 6 tail --offset 4M
check "an order of no kind" log 2 append --order eventual
check "log without a command" tool 2 log
check "no such file" log 5 append "$dir/missing"
check "a log is there" log 0 append --create <<<"precious"
check "bench" log 2 bench --sizes 64,1000 --depths 1,4 --count 20 --rounds 2
check "does not overwrite it" says "--force allows it"
check "which is there" log 0 tail
check "with its record" cmp -s "$dir/out" - <<<"precious"
check "more than the region has" log 6 bench --force --count 100000
check "names the options" says "--count, --sizes"
small="--force --sizes 64,1000 --depths 1,4 --count 20 --rounds 2"
check "bench with --force" log 0 bench $small
check "shows every case" test "$(grep -cE '^(append|commit) ' "$dir/out")" -eq 12
check "in 80 columns" test "$(wc -L <"$dir/out")" -le 80
if command -v jq >/dev/null; then
	check "bench --json" log 0 bench --force --sizes 64 --depths 1,4 \
		--count 10 --rounds 1 --json
	each() { # N EXPRESSION: so many lines
		test "$(jq -c "select(.event) | select($1)" "$dir/out" |
			wc -l)" -eq "$2"
	}
	check "has latencies and rates" each '.bytes and .depth and
		.p50_us > 0 and .p99_us >= .p50_us and .per_second > 0' 6
	check "of each order" each '.op == "append" and .order == "target" and
		.over == "initiator" and .latency_over > 0 and
		.rate_over > 0' 2
	check "and of commits" each '.op == "commit"' 2
fi

# A reader that follows, while a writer appends as its input comes.
check "a new log" log 0 append --create </dev/null
mkfifo "$dir/input" "$dir/followed"
"$FI_PMEM" log append "$addr" "$dir/input" -p "$PROV" >"$dir/out" 2>&1 &
writer=$!
"$FI_PMEM" log tail -f "$addr" -p "$PROV" >"$dir/followed" 2>"$dir/err" &
reader=$!
pids="$pids $writer $reader"
exec 8>"$dir/input" 9<"$dir/followed"
for i in 1 2 3; do
	echo "line $i" >&8
	read -r -t 30 line <&9
	check "line $i arrives" test "$line" = "line $i"
done
kill -INT $reader
wait $reader
check "SIGINT ends the reader with 0" test $? -eq 0
kill -TERM $writer
wait $writer
check "SIGTERM ends the writer with 143" test $? -eq 143
exec 8>&- 9<&-
stop_server TERM
PORT=$port start_server "$dir/region"
check "another server has the log" log 0 tail
check "with its lines" cmp -s "$dir/out" - <<<$'line 1\nline 2\nline 3'

"$FI_PMEM" log tail -f "$addr" -p "$PROV" >"$dir/followed" 2>"$dir/err" &
reader=$!
pids="$pids $reader"
exec 9<"$dir/followed"
read -r -t 30 line <&9
check "a reader of what is there already" test "$line" = "line 1"
stop_server KILL
wait $reader
check "a reader whose server dies ends" test $? -eq 1
check "and tells why" says "was lost"
check "no server" log 3 append </dev/null

PROV=tcp
start_server "$dir/plain" --size 1M
check "plain tcp" log 0 append --create <<<line
check "is warned about" says "provider tcp flushes processor caches only"
check "and calls nothing durable" grep -q ": committed" "$dir/out"
check "a benchmark over it" log 0 bench --force --sizes 8 --depths 1 \
	--count 10 --rounds 1
check "is warned about" says "provider tcp flushes processor caches only"
check "a put over it" tool 0 put "$dir/in" "$addr"
check "is warned about" says "provider tcp flushes processor caches only"
finish
