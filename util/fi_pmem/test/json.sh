#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Under --json every result and every error is one valid object a line.
. "$(dirname "$0")/tool.sh"
command -v jq >/dev/null || skip "jq not found; install the package jq"

query() { # EXPRESSION: true of the last output
	jq -e "$1" "$dir/out" >/dev/null
}
case $PROV in
*ofi_pmem*) durable=true ;;
*) durable=false ;;
esac

make_input "$dir/in" 300000
mkfifo "$dir/pipe"
"$FI_PMEM" serve "$dir/region" --size 1M --bind 127.0.0.1 --port 0 -p "$PROV" \
	--json >"$dir/pipe" 2>"$dir/server.err" &
server=$!
pids=$server
exec 7<"$dir/pipe"
read -r -t 30 line <&7 || { cat "$dir/server.err"; exit 1; }
echo "$line" >"$dir/out"
check "serving" query '.event == "serving" and .bytes == 1048576 and .file'
addr=$(jq -r .address "$dir/out")

check "put" tool 0 put "$dir/in" "$addr" --json
check "result" query ".ok and .code == 0 and .bytes == 300000 and
	.done_bytes == 300000 and .durable == $durable and
	.bytes_per_second > 0 and .peer == \"$addr\" and .offset == 0"
check "put --no-commit" tool 0 put "$dir/in" "$addr" --json --no-commit
check "result" query \
	'.ok and .durable == false and .durable_bytes == 0 and .committed == false'
check "get" tool 0 get "$addr" "$dir/back" --json --length 1K --offset 1
check "result" query '.command == "get" and .ok and .bytes == 1024 and
	.offset == 1'
check "nothing on standard error" test ! -s "$dir/err"

error() { # CODE ARGUMENTS...
	check "$*" tool "$@" --json
	check "is one object" test "$(jq -s length "$dir/out")" = 1
	check "with its code" query ".ok == false and .code == $1 and
		(.error | length > 0)"
	check "nothing on standard error" test ! -s "$dir/err"
}
error 2 put
error 2 get "$addr" -
error 3 put "$dir/in" no-such-host.invalid
error 5 put "$dir/none" "$addr"
error 5 put "$(printf '%s/\xff\n"name' "$dir")" "$addr"
error 5 serve "$dir/none"
error 6 put "$dir/in" "$addr" --offset 1M


# All names of all commands are in the manual page, and mean one thing; what only
# names something is no number, which readers would round.
case $PROV in
*ofi_pmem*) ;;
*) finish ;;
esac
LIMIT="timeout -k 5 300"
all() { # CODE ARGUMENTS...: what it says is kept
	check "$*" tool "$@" --json
	cat "$dir/out" >>"$dir/all"
}
tail -n 1 "$dir/in" >"$dir/line"
small="--count 10 --rounds 1 --sizes 64 --depths 1"
all 0 put "$dir/in" "$addr" --resume
all 0 put "$dir/in" "$addr" --verify
all 0 get "$addr" "$dir/back"
all 0 verify "$dir/in" "$addr"
all 7 verify "$dir/line" "$addr" --offset 512K
all 0 scrub "$addr" --save "$dir/sums"
all 0 scrub "$addr" --against "$dir/sums"
all 0 status "$addr"
all 0 info "$dir"
all 0 bench --place "$dir" $small
all 0 bench "$addr" --force $small --ops commit
all 0 log bench "$addr" --force $small
all 0 log append "$addr" "$dir/line" --create
all 0 log tail "$addr"
(umask 077; "$FI_PMEM" key new >"$dir/key")
"$FI_PMEM" key new --json >"$dir/out"
check "key new" query ".ok and .line"
cat "$dir/out" >>"$dir/all"
all 0 info "$dir" --seal-key "$dir/key"
all 0 log dump "$addr"
all 0 torture "$dir" --runs 1 --rounds 1 --seed 18446744073709551615 --timeout 60
all 0 torture --plan --seed 18446744073709551615
case $PROV in
tcp*) all 0 bench --place "$dir" $small --ops commit --against tcp ;;
esac

kept() { # EXPRESSION: holds for all that was said
	jq -se "$1" "$dir/all" >"$dir/out"
}
check "every log command has its name" kept \
	'[.[].command | strings | select(startswith("log "))] | unique ==
	["log append", "log bench", "log dump", "log tail"]'
check "no number is too large for a reader" kept \
	'[.. | numbers | select(. > 9007199254740992)] == []'
check "the id of a log is a string" kept \
	'any(.[]; .command == "log dump" and (.id | test("^[0-9a-f]{16}$")))'
check "so is that of a region key" kept \
	'any(.[]; .command == "key new" and (.id | test("^[0-9]+$"))) and
	any(.[]; .sealed and (.key_id | test("^[0-9]+$")))'
check "the seed of a run is one" kept \
	'any(.[]; .event == "run" and .seed == "18446744073709551615")'
check "both benchmarks measure the same" kept \
	'[.[] | select(.event == "measured" and .over == null) | keys] as $all |
	($all | map(select(index("order"))) | first) -
	($all | map(select(index("endpoint"))) | first) == ["order"]'
page=${srcdir:-$(dirname "$0")/../../..}/man/fi_pmem.1.md
sed -n '/^# JSON/,/^# SIGNALS/p' "$page" >"$dir/section"
jq -r 'del(.rdma[]?.distances) | paths | last | strings' "$dir/all" |
	sort -u >"$dir/names"
check "there are names" test "$(wc -l <"$dir/names")" -gt 60
for name in $(cat "$dir/names"); do
	check "$name is described" grep -qF "*$name*" "$dir/section"
done

kill -TERM $server
read -r -t 30 line <&7
wait $server
check "the server ends with 0" test $? -eq 0
echo "$line" >"$dir/out"
check "stopped" query '.command == "serve" and .ok and .accepted >= 4'
finish
