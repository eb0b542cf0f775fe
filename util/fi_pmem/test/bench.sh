#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# fi_pmem bench measures every operation, on its own server or a peer's, on one
# provider or two. Nothing is said about how fast anything is.
. "$(dirname "$0")/common.sh"
command -v jq >/dev/null || skip "jq not found; install the package jq"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV has no fence and no verification" ;;
esac

rows() { # N EXPRESSION: so many lines of the last output
	test "$(jq -c "select(.event) | select($2)" "$dir/out" | wc -l)" -eq "$1"
}
small="--sizes 8,5000 --depths 1,3 --count 20 --rounds 2"

check "bench" tool 0 bench --place "$dir" $small --json
check "every operation in every case" rows 25 true
check "a message" rows 1 '.op == "message" and .bytes == 40 and .p50_us > 0'
for op in write commit fenced append drain verified; do
	check "$op" rows 4 ".op == \"$op\" and .p50_us > 0 and
		.p99_us >= .p50_us and .per_second > 0 and
		.provider == \"$PROV\""
done
check "leaves nothing there" test -z "$(ls "$dir" | grep 'fi_pmem\.')"
check "a table" tool 0 bench --place "$dir" $small --ops commit,drain
check "of the operations asked for" test "$(grep -cE '^(commit|drain) ' \
	"$dir/out")" -eq 8

case $PROV in
tcp*)
	check "two providers" tool 0 bench --place "$dir" $small --json \
		--against tcp --spin
	check "where both can" rows 24 '.op == "write" or .op == "commit" or
		.op == "drain"'
	check "with ratios" rows 13 '.rate_over > 0 and .latency_over > 0'
	check "else one" rows 4 '.op == "append"'
	;;
esac

check "without connection" tool 0 bench --place "$dir" $small --json --rdm
check "every operation in every case" rows 25 '.endpoint == "rdm"'

if command -v gnuplot >/dev/null; then
	check "a plot" tool 0 bench --place "$dir" $small --ops commit,drain \
		--plot "$dir/plot.svg"
	check "has a panel for each operation" test "$(grep -cE \
		'<text>(<.*>)?(commit|drain)<' "$dir/plot.svg")" -eq 2
	check "and a curve for each depth" test "$(grep -cE \
		'depth [13]<' "$dir/plot.svg")" -eq 4
else
	check "no plot without gnuplot" tool 1 bench --plot "$dir/plot.svg"
fi
check "a plot where none can be" tool 5 bench --plot "$dir/none/plot.svg"

head -c 1M /dev/zero | tr '\0' p >"$dir/precious"
cp "$dir/precious" "$dir/copy"
check "a file that is there" tool 5 bench --place "$dir/precious" $small
check "is named" says "$dir/precious: exists and would be overwritten"
check "and stays" cmp -s "$dir/precious" "$dir/copy"
check "but with --force" tool 0 bench --place "$dir/precious" $small \
	--ops commit --force
check "it is written to" test "$(cmp -s "$dir/precious" "$dir/copy"; echo $?)" \
	-eq 1

start_server "$dir/region" --size 1M
check "a peer's region" tool 2 bench "$addr" $small
check "is not overwritten either" says "--force allows it"
check "and not written to" test -z "$(tr -d '\0' <"$dir/region")"
check "a peer" tool 0 bench "$addr" --force $small --json --ops append
check "is measured" rows 4 true
check "and written to" test -n "$(head -c 4096 "$dir/region" | tr -d '\0')"
check "as large as its region" tool 0 bench "$addr" --force --ops commit \
	--sizes 1044480 --depths 2 --count 10 --rounds 1
check "larger" tool 6 bench "$addr" --force --sizes 1044481
check "without room" tool 6 bench "$addr" --force --sizes 1 --offset 1044480
check "a peer and another provider" tool 2 bench "$addr" --force --against tcp
check "nothing listens" tool 3 bench 127.0.0.1:1 --force
check "an operation that is none" tool 2 bench --ops speed
check "a size that is none" tool 2 bench --sizes 0
check "a place that is none" tool 5 bench --place "$dir/none"
finish
