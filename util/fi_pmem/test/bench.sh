#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# fi_pmem bench measures every operation, on its own server or a peer's, on one
# provider or two. Nothing is said about how fast anything is.
. "$(dirname "$0")/tool.sh"
command -v jq >/dev/null || skip "jq not found; install the package jq"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV has no fence and no verification" ;;
esac

rows() { # N EXPRESSION: so many lines of the last output
	test "$(jq -c "select(.event) | select($2)" "$dir/out" | wc -l)" -eq "$1"
}
small="--sizes 8,5000 --depths 1,3 --count 20 --rounds 2 --floor none"

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

# Floors, which are those of the medium unless --floor says which.
floors="bench --place $dir --sizes 8,300000 --depths 1,3 --count 20 --rounds 2"
export PMEM2_FORCE_GRANULARITY=CACHE_LINE
check "floors of cache lines" tool 0 $floors --json
for kind in sleep spin; do
	check "bare TCP: $kind" rows 13 ".floor == \"$kind\" and
		.p50_us > 0 and .p99_us >= .p50_us and .per_second > 0"
	check "has a ratio" rows 13 ".floors.$kind.latency_over > 0 and
		.floors.$kind.rate_over > 0 and .provider == \"$PROV\""
done
check "no other floor" test "$(grep -c '"floor":"sync"' "$dir/out")" -eq 0
check "in a table" tool 0 $floors --ops commit,drain
check "with lines of its own" test \
	"$(grep -cE '^(commit|drain) +[0-9]+ +[0-9]+ [123] ' "$dir/out")" -eq 24
check "in 80 columns" test "$(wc -L <"$dir/out")" -le 80
check "what a floor wrote is gone" test -z "$(ls "$dir" | grep 'fi_pmem\.')"
export PMEM2_FORCE_GRANULARITY=PAGE
check "floors of pages" tool 0 $floors --json --ops write,commit,drain
check "one sync" rows 8 '.floor == "sync" and .p50_us > 0'
check "no other floor" rows 20 true
check "bare TCP there" tool 0 $floors --json --ops commit,drain --floor spin,sleep
check "of those asked for" rows 16 '.floor == "sleep" or .floor == "spin"'
unset PMEM2_FORCE_GRANULARITY
check "no floor" tool 0 $floors --json --ops commit --floor none
check "is left out" rows 4 true
check "a floor that is none" tool 2 bench --floor deep
check "is named" says "--floor: 'deep' is none of sleep, spin, sync, none"
check "none and another one" tool 2 bench --floor none,sync
check "are not" says "--floor: none goes with no other kind"

# The client sleeps until something completes, or polls.
check "a client that sleeps" tool 0 bench --place "$dir" $small --ops commit
check "says so" grep -qx 'the client sleeps' "$dir/out"
check "a client that polls" tool 0 bench --place "$dir" $small --ops commit \
	--poll
check "says so" grep -qx 'the client polls' "$dir/out"
check "and in JSON" tool 0 $floors --json --poll --floor sleep,spin
check "on every line" rows 51 .polls

# A measurement does fewer operations rather than write more than --max-bytes.
check "few bytes" tool 0 bench --place "$dir" --sizes 8,8192 --depths 4 \
	--count 20 --rounds 1 --ops commit,drain --floor none --json \
	--max-bytes 64K
check "are many small operations" rows 2 '.bytes == 8 and .count == 20'
check "and few large ones" rows 1 '.op == "commit" and .count == 8'
check "for all writes before a drain" rows 1 '.op == "drain" and .count == 2'
check "fewer bytes than an operation has" tool 0 bench --place "$dir" \
	--sizes 8192 --depths 1 --rounds 1 --ops commit --floor none --json \
	--max-bytes 1
check "are one operation" rows 1 '.count == 1 and .per_second > 0'
check "no bytes" tool 2 bench --max-bytes 0
check "are not" says "--max-bytes: must be 1 or more"
check "bytes that are no number" tool 2 bench --max-bytes many
check "are named" says "--max-bytes: 'many' is not a size"

# Each case is printed when it is measured. A signal to the whole process group, such
# as a terminal's, ends it with what it has by then.
start_bench() { # ARGUMENTS...: in a process group of its own; sets bench
	set -m
	PMEM2_FORCE_GRANULARITY=CACHE_LINE "$FI_PMEM" bench --place "$dir" \
		-p "$PROV" --ops commit,drain --depths 1 --floor none "$@" \
		>"$dir/out" 2>"$dir/err" &
	bench=$!
	set +m
	pids="$pids $bench"
}
await_text() { # TEXT: until the output has it
	local i
	for i in $(seq 600); do
		grep -q -- "$1" "$dir/out" && return
		sleep 0.05 # between looks
	done
	return 1
}
interrupt_bench() { # SIGNAL: sets code
	kill "-$1" -- "-$bench"
	wait "$bench"
	code=$?
}
# SIGSTOP keeps the second case from ending first.
start_bench --sizes 8 --count 10 --rounds 1000 --json
check "a line comes while others are measured" await_text '"op":"commit"'
check "which are not there yet" kill -STOP "$bench"
check "and not printed" test "$(grep -c '"op":"drain"' "$dir/out")" -eq 0
kill -CONT "$bench"
wait "$bench"
check "but later" rows 2 true
for signal in INT:130 TERM:143; do
	name=SIG${signal%:*}
	start_bench --sizes 8,65536 --count 100 --rounds 300
	await_text '^commit  *8 '
	sleep 0.5 # of the next case
	interrupt_bench "${signal%:*}"
	check "$name ends it" test "$code" -eq "${signal#*:}"
	check "which it says" says \
		"fi_pmem bench: interrupted by $name: 1 of 4 cases are measured"
	check "and nothing else" test "$(wc -l <"$dir/err")" -eq 1
	check "with the lines that it has" grep -q '^commit  *8 ' "$dir/out"
	check "and rounds of the next one" grep -q '^commit  *65536 ' "$dir/out"
	check "not with others" test "$(grep -c '^drain' "$dir/out")" -eq 0
	check "and nothing is left" test -z "$(ls "$dir" | grep 'fi_pmem\.')"
done

# On a terminal it shows how far it is, in what it counts, and how long it takes.
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
check "is named" says "$dir/precious: is not a directory"
check "and stays" cmp -s "$dir/precious" "$dir/copy"
check "but with --force" tool 0 bench --place "$dir/precious" $small \
	--ops commit --force
check "it is written to" test "$(cmp -s "$dir/precious" "$dir/copy"; echo $?)" \
	-eq 1
check "floors in the same file" tool 0 bench --place "$dir/precious" \
	--sizes 8 --depths 1 --count 10 --rounds 1 --ops commit --force
check "a region too small for both" tool 6 bench --place "$dir/precious" \
	--sizes 2097152 --force
check "is named" says "the benchmark needs 2101248"

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
check "a peer and a floor" tool 2 bench "$addr" --force --floor sleep
check "which is named" says "--floor needs servers of its own"
check "a peer without one" tool 0 bench "$addr" --force --floor none \
	--ops commit --sizes 8 --depths 1 --count 10 --rounds 1
check "a peer and another provider" tool 2 bench "$addr" --force --against tcp
check "nothing listens" tool 3 bench 127.0.0.1:1 --force
check "an operation that is none" tool 2 bench --ops speed
check "a size that is none" tool 2 bench --sizes 0
check "a place that is none" tool 5 bench --place "$dir/none"
finish
