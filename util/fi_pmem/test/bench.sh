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
check "in 80 columns" test "$(wc -L <"$dir/out")" -le 80

# On a terminal it tells how far it is, in what it counts, and how long it takes.
if command -v script >/dev/null; then
	shown() { # EXPRESSION ARGUMENTS...
		local expression=$1
		shift
		script -qec "stty cols 100; $FI_PMEM $* -p '$PROV'" \
			"$dir/terminal" >"$dir/out" 2>&1 </dev/null
		tr '\r' '\n' <"$dir/terminal" | grep -qE "$expression"
	}
	check "progress of bench" shown \
		'bench \[#+\.+\] +[0-9]+% [0-9]+ of 8 measurements, ETA 0:' \
		bench --place "$dir" $small --ops write
	check "progress of torture" shown \
		'torture \[#+\.+\] +[0-9]+% [0-9]+ of 2 runs, ETA 0:' \
		torture "$dir" --runs 2 --rounds 1 --seed 5 --powerfail \
		--faults none --timeout 60
fi

case $PROV in
tcp*)
	check "two providers" tool 0 bench --place "$dir" $small --json \
		--against tcp --spin
	check "where both can" rows 24 '.op == "write" or .op == "commit" or
		.op == "drain"'
	check "with ratios" rows 13 '.rate_over > 0 and .latency_over > 0'
	check "else one" rows 4 '.op == "append"'
	check "which it names" rows 13 '.over == "tcp"'
	check "a table of two providers" tool 0 bench --place "$dir" $small \
		--against tcp --ops commit,append
	check "has a row for each" test \
		"$(grep -cE '^(commit|append) +[0-9]+ +[0-9]+ [12] ' \
		"$dir/out")" -eq 12
	check "in 80 columns" test "$(wc -L <"$dir/out")" -le 80
	;;
esac

check "without connection" tool 0 bench --place "$dir" $small --json --rdm
check "every operation in every case" rows 25 '.endpoint == "rdm"'

# The name says how it is drawn. gnuplot is one of ours, which keeps its script, and
# the system's if there is one.
plot="bench --place $dir $small --ops commit,drain --plot"
mkdir "$dir/bin"
printf '#!/bin/sh\ntee "%s"\n' "$dir/script" >"$dir/bin/gnuplot"
chmod +x "$dir/bin/gnuplot"
real=$(command -v gnuplot)
path=$PATH
PATH=$(realpath "$dir/bin"):$PATH
for format in svg:svg png:pngcairo; do
	check "a plot: .${format%:*}" tool 0 $plot "$dir/plot.${format%:*}"
	check "is of that format" grep -q "^set terminal ${format#*:} " \
		"$dir/script"
	check "and what gnuplot made of it" cmp -s "$dir/script" \
		"$dir/plot.${format%:*}"
done
check "a plot that is there" tool 5 $plot "$dir/plot.svg"
check "is not overwritten" says "--force allows it"
check "but with --force" tool 0 $plot "$dir/plot.svg" --force
printf '#!/bin/sh\nexit 1\n' >"$dir/bin/gnuplot"
check "gnuplot fails" tool 1 $plot "$dir/failed.svg"
check "and leaves nothing" test -z "$(ls "$dir" | grep failed)"
printf '#!/bin/sh\necho half\nexit 1\n' >"$dir/bin/gnuplot"
cp "$dir/plot.svg" "$dir/before"
check "gnuplot fails in the middle" tool 1 $plot "$dir/plot.svg" --force
check "and leaves the plot that was there" cmp -s "$dir/plot.svg" "$dir/before"
rm "$dir/bin/gnuplot" "$dir/script"
PATH=$path
check "its script" tool 0 $plot "$dir/plot.gnuplot"
check "has a panel for each operation" test "$(grep -cE \
	"^set title '(commit|drain)'" "$dir/plot.gnuplot")" -eq 2
check "and a curve for each depth" test "$(grep -oE "depth [13]'" \
	"$dir/plot.gnuplot" | wc -l)" -eq 4
check "and no terminal" test -z "$(grep terminal "$dir/plot.gnuplot")"
check "no such format" tool 2 $plot "$dir/plot.jpg"
if [ -n "$real" ]; then
	check "a plot" tool 0 $plot "$dir/real.svg"
	check "has a panel for each operation" test "$(grep -cE \
		'<text>(<.*>)?(commit|drain)<' "$dir/real.svg")" -eq 2
	check "and a curve for each depth" test "$(grep -cE \
		'depth [13]<' "$dir/real.svg")" -eq 4
	check "a plot: .png" tool 0 $plot "$dir/real.png"
	check "is one" test "$(head -c 4 "$dir/real.png" | tail -c 3)" = PNG
else
	check "no plot without gnuplot" tool 1 $plot "$dir/real.svg"
	check "and nothing is left" test ! -e "$dir/real.svg"
fi
check "a plot where none can be" tool 5 bench --plot "$dir/none/plot.svg"

head -c 1M /dev/zero | tr '\0' p >"$dir/precious"
cp "$dir/precious" "$dir/copy"
check "a file that is there" tool 5 bench --place "$dir/precious" $small
check "is named" says "$dir/precious: exists and would be overwritten"
check "and stays" cmp -s "$dir/precious" "$dir/copy"
check "no other provider beside it" tool 5 bench --place "$dir/precious" \
	$small --force --against tcp
check "is named" says "$dir/precious: is no directory"
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
