#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# fi_pmem torture finds nothing where nothing is wrong, repeats a plan, checks a
# medium against a journal, and finds what somebody has changed in it.
. "$(dirname "$0")/tool.sh"
command -v jq >/dev/null || skip "jq not found; install the package jq"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV has no fence" ;;
esac
TIME_LIMIT=600
LIMIT="timeout -k 5 600"

holds() { # EXPRESSION: of the last line
	tail -n 1 "$dir/out" | jq -e "$1" >"$dir/jq"
}
nothing_bad=".lost_bytes == 0 and .wrong_reads == 0 and .hangs == 0 and
	.errors == 0"

check "some runs" tool 0 torture "$dir" --powerfail --runs 2 --timeout 60 \
	--seed 7 --json
check "find nothing" holds "$nothing_bad and .failed_runs == 0"
check "of what they did" holds ".runs == 2 and .operations > 100 and
	.commits > 50 and .faults >= 4 and .checked_bytes > 50000"
check "each told" test "$(grep -c '"event":"run"' "$dir/out")" -eq 2
check "and leave nothing there" test -z "$(ls "$dir" | grep 'fi_pmem\.')"
syncing() { FI_OFI_PMEM_POWERFAIL_SYNC_US=2000 tool 0 torture "$dir" \
	--powerfail --runs 2 --timeout 60 --seed 17 --json; }
check "a medium that syncs beside the service" syncing
check "loses nothing either" holds "$nothing_bad and .failed_runs == 0 and
	.commits > 50"
check "a file, without simulation" tool 0 torture "$dir/region" --runs 1 \
	--rounds 1 --timeout 60 --seed 8 --size 128K
check "which it created and removes" test ! -e "$dir/region"
echo precious >"$dir/precious"
check "a file that is there" tool 5 torture "$dir/precious" --runs 1 --size 128K
check "is not overwritten" says "--force allows it"
check "and stays as it was" test "$(cat "$dir/precious")" = precious
check "but with --force" tool 0 torture "$dir/precious" --runs 1 --rounds 1 \
	--timeout 60 --seed 8 --size 128K --force
check "as large as it has to be" \
	test "$(stat -c %s "$dir/precious")" -eq 131072
check "without connection, by the default provider" $LIMIT "$FI_PMEM" \
	torture "$dir" --rdm --powerfail --runs 1 --rounds 1 --timeout 60 --seed 9

larger() { FI_OFI_PMEM_INLINE_SIZE=65536 tool 0 torture "$dir" --powerfail \
	--runs 1 --timeout 60 --seed 10; }
check "all writes within requests" larger

check "a plan" tool 0 torture --plan --seed 5
cp "$dir/out" "$dir/plan"
check "of the same seed" tool 0 torture --plan --seed 5
check "is the same" cmp -s "$dir/plan" "$dir/out"
check "of another" tool 0 torture --plan --seed 6
check "is not" test "$(cmp -s "$dir/plan" "$dir/out"; echo $?)" -eq 1
check "a part" tool 0 torture --plan --seed 5 --keep 3,5-6
check "is that part" test "$(grep -cE '^    [0-9]+: ' "$dir/out")" -eq 3

# A power failure of a target of its own.
start_server_powerfail() {
	export FI_OFI_PMEM_BACKEND=powerfail
	start_server "$dir/served" --size 1M
	unset FI_OFI_PMEM_BACKEND
}
start_server_powerfail
$LIMIT "$FI_PMEM" torture --target "$addr" --force --journal "$dir/journal" \
	--ops 200000 --seed 11 --timeout 60 -p "$PROV" --json >"$dir/out" \
	2>"$dir/err" &
initiators=$!
pids="$pids $initiators"
for i in $(seq 1200); do
	test -e "$dir/journal" &&
		[ "$(grep -c '^a' "$dir/journal")" -gt 500 ] && break
	sleep 0.05
done
stop_server KILL
wait $initiators
check "the end of a target" test $? -eq 0
check "was no end of the operations" holds ".commits > 100 and
	.operations < 600000"
check "what it left" tool 0 torture "$dir/served" --check "$dir/journal" --json
check "is as the journal says" holds "$nothing_bad and .checked_bytes > 500000"

# If nothing was acknowledged, nothing was checked.
grep -v '^[afxwh]' "$dir/journal" >"$dir/unanswered"
check "a journal without an acknowledgement" tool 1 torture "$dir/served" \
	--check "$dir/unanswered" --json
check "has checked nothing" holds '.error | test("^nothing was checked")'
head -n 1 "$dir/journal" >"$dir/nothing"
head -n 1 "$dir/journal" | cat - <(printf 'p 1\nf 1 13\n') >"$dir/denied"
check "a journal of failures" tool 1 torture "$dir/served" --check "$dir/denied"
check "tells the first" says "no commit was acknowledged: Permission denied"
check "an empty journal" tool 1 torture "$dir/served" --check "$dir/nothing"

# Somebody changes 16 bytes that are durable.
head -c 16 /dev/zero | dd of="$dir/served" bs=1 seek=90000 conv=notrunc \
	2>/dev/null
check "changed" tool 7 torture "$dir/served" --check "$dir/journal" --json
check "is told" holds ".lost_bytes > 8 and .lost_bytes <= 16 and
	(.findings[0] | test(\"^lost: bytes 900\"))"
head -n 1 "$dir/journal" >"$dir/wrong"
echo "a 1" >>"$dir/wrong"
check "a journal that is none" tool 5 torture "$dir/served" \
	--check "$dir/wrong"
check "says where" says "line 2"
check "no journal" tool 5 torture "$dir/served" --check "$dir/none"
head -c 65536 "$dir/served" >"$dir/short"
check "a medium too short" tool 6 torture "$dir/short" --check "$dir/journal"

check "a region of somebody else's" tool 2 torture --target 127.0.0.1:1 \
	--journal "$dir/new"
check "needs --force" says "--force allows it"
check "nothing listens" tool 3 torture --target 127.0.0.1:1 --force \
	--journal "$dir/new"
check "and makes no journal" test ! -e "$dir/new"
echo precious >"$dir/kept"
check "nothing listens, and there is a journal" tool 3 torture \
	--target 127.0.0.1:1 --force --journal "$dir/kept"
check "which stays as it was" test "$(cat "$dir/kept")" = precious
start_server "$dir/served" --read-only
cp "$dir/served" "$dir/before"
for json in "" --json; do
	check "a target that is read-only $json" tool 4 torture \
		--target "$addr" --force --journal "$dir/kept" $json
	check "says so" grep -qF "$addr refuses: it serves this region read-only" \
		"$dir/out" "$dir/err"
	check "and its journal stays" test "$(cat "$dir/kept")" = precious
done
check "nothing has changed" cmp -s "$dir/served" "$dir/before"
stop_server TERM
start_server "$dir/served"
check "a region too small" tool 6 torture --target "$addr" --force \
	--journal "$dir/kept" --size 2M
check "leaves the journal" test "$(cat "$dir/kept")" = precious
check "a target that takes it" tool 0 torture --target "$addr" --force \
	--journal "$dir/kept" --ops 20 --size 256K
stop_server TERM
check "has a new journal" tool 0 torture "$dir/served" --check "$dir/kept"

# A place is as it was until its target has started.
good=$PROV
PROV='nonsense;ofi_pmem'
check "a target that does not start" tool 1 torture "$dir/precious" --force
check "leaves the place" test "$(stat -c %s "$dir/precious")" -eq 131072
check "nor makes one" tool 1 torture "$dir/place"
check "which is not there" test ! -e "$dir/place"
PROV=$good

check "no place" tool 2 torture
check "a place that is none" tool 5 torture "$dir/none/region" --runs 1
check "no journal for a target" tool 2 torture --target 127.0.0.1:1
check "a fault that is none" tool 2 torture "$dir" --faults fire
check "operations that are none" tool 2 torture "$dir" --keep 3-1
check "too small" tool 2 torture "$dir" --size 51K
check "nobody" tool 2 torture "$dir" --initiators 0
check "a provider without fences" \
	test "$("$FI_PMEM" torture "$dir" -p tcp >"$dir/out" 2>"$dir/err";
	echo $?)" -eq 2
finish
