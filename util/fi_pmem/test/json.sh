#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Under --json every result and every error is one valid object a line.
. "$(dirname "$0")/common.sh"
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

kill -TERM $server
read -r -t 30 line <&7
wait $server
check "the server ends with 0" test $? -eq 0
echo "$line" >"$dir/out"
check "stopped" query '.command == "serve" and .ok and .clients >= 4'
finish
