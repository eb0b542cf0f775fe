#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# One committing write is traced hop by hop, in the order that the README's
# table "Path of one write" gives, and each place that it names is there.
. "${srcdir:-$(dirname "$0")/../../..}/util/fi_pmem/test/tool.sh"
top=${srcdir:-$(dirname "$0")/../../..}

export FI_LOG_LEVEL=trace FI_LOG_PROV=ofi_pmem FI_OFI_PMEM_TRACE_WRITE=1
start_server "$dir/region" --size 8192
check "commits" tool 0 bench "$addr" --force --ops commit --sizes 8 --depths 1 \
	--count 10 --rounds 1
stop_server TERM

grep -a '<trace> op ' "$dir/err" | sed 's/.*<trace> //' >"$dir/initiator"
grep -a '<trace> op ' "$dir/server.err" | sed 's/.*<trace> //' >"$dir/target"
op=$(sed -n 's/^\(op [0-9]*\) submit write len 8$/\1/p' "$dir/initiator" |
	head -n 1)
check "the write is submitted" test -n "$op"
hops() { grep "^$op " "$1" | sed "s/^$op //"; }
check "hops of the initiator" test "$(hops "$dir/initiator")" = \
	"submit write len 8
post in a request len 8
complete err 0"
check "hops of the target" test "$(hops "$dir/target" | sed 's/ sequence.*//')" = \
	"target store and flush len 8
target durable
target ack"

# The README's table: `file` `function` in the second column.
sed -n 's/.*`\(prov[^`]*\.cc\)` `\([a-z_]*\)`.*/\1 \2/p' "$top/README.md" \
	>"$dir/path"
check "the README has the path" test "$(wc -l <"$dir/path")" -ge 8
while read -r file function; do
	check "$file $function" grep -qE "\b$function\(" "$top/$file"
done <"$dir/path"
finish
