#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What an operator of fi_pmem serve meets: its log, failed regions, refusals,
# signals, and strangers who take all descriptors.
. "$(dirname "$0")/tool.sh"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV has no service" ;;
esac

make_input "$dir/in" 100000

# logged COUNT LEVEL TEXT: the server's log has so many such lines, each with a
# time. Lines may be on their way.
logged() {
	local i found
	for i in $(seq 200); do
		found=$(grep -cE "^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z $2: .*$3" \
			"$dir/server.err")
		[ "$found" -ge "$1" ] && break
		sleep 0.05
	done
	[ "$found" -eq "$1" ]
}

# Clients, with --verbose only.
start_server "$dir/region" --size 1M -v
check "put" tool 0 put "$dir/in" "$addr"
check "a client that connects is told" logged 1 info "client .*: connected"
check "and that it leaves" logged 1 info "client .*: left"

# SIGHUP, as of a terminal that is closed, or of an operator.
kill -HUP "$server"
kill -HUP "$server"
check "put after SIGHUP" tool 0 put "$dir/in" "$addr"
check "the server goes on" alive
stop_server TERM
check "and ends well" test "$code" -eq 0
start_server "$dir/region"
check "put" tool 0 put "$dir/in" "$addr"
stop_server TERM
check "without --verbose nothing is told of clients" \
	test -z "$(grep client "$dir/server.err")"

# These peers are no clients.
start_server "$dir/region"
$LIMIT "$ROGUE" "$PROV" connect "$port" garbage >"$dir/out" 2>"$dir/err"
check "a stranger is told of" logged 1 warning \
	"client .* refused: it is not a fi_pmem client"
$LIMIT "$ROGUE" "$PROV" connect "$port" version >"$dir/out" 2>"$dir/err"
check "another version is told of" logged 1 warning \
	"client .* refused: it speaks another version"
for i in $(seq 15); do
	$LIMIT "$ROGUE" "$PROV" connect "$port" garbage >/dev/null 2>&1
done
check "strangers do not fill the log" logged 9 warning \
	"client .* refused: it is not a fi_pmem client"
stop_server TERM

# Several files in one server, each a region with a number.
start_server "$dir/region" "$dir/second" --size 1M
read -r -t 30 second <&7
check "each has its line" test "${second#serving "$dir/second" }" != "$second"
check "with its number" test "${second##*region: 1,*}" = ""
tr 0-9 a-j <"$dir/in" >"$dir/in2"
check "put to the first" tool 0 put "$dir/in" "$addr"
check "put to the second" tool 0 put "$dir/in2" "$addr" --region 1
check "the first is there" same "$dir/in" "$dir/region" 100000
check "the second, too" same "$dir/in2" "$dir/second" 100000
check "verify of the second" tool 0 verify "$dir/in2" "$addr" --region 1
check "get of the second" tool 0 get "$addr" "$dir/back" --region 1 \
	--length 100000
check "is that" cmp -s "$dir/in2" "$dir/back"
check "there is no third" tool 4 put "$dir/in" "$addr" --region 2
check "which is told" says "it serves no region with this number"
check "by the server, too" logged 1 warning "asks for a region"
check "bench of the second" tool 0 bench "$addr" --force --region 1 \
	--ops commit --sizes 64 --depths 1 --count 10 --rounds 1
check "which it writes to" test "$(same "$dir/in2" "$dir/second" 100000;
	echo $?)" -eq 1
check "torture of the second" tool 0 torture --target "$addr" --force --region 1 \
	--journal "$dir/journal" --ops 20 --size 256K
check "the first has not changed" same "$dir/in" "$dir/region" 100000
stop_server TERM
check "the server ends well" test "$code" -eq 0
check "what torture wrote is in the second" tool 0 torture "$dir/second" \
	--check "$dir/journal"

# One file twice, by one name or by several.
ln "$dir/second" "$dir/hard"
ln -s second "$dir/link"
twice() { # TEXT ARGUMENTS...
	local text=$1
	shift
	check "serve ${*##*/}" tool 5 serve "$@" --port 0
	check "tells of it" test "$(cat "$dir/err")" = \
		"fi_pmem serve: $text; each file can be one region only"
}
twice "$dir/third: is given twice" "$dir/third" "$dir/third" --size 1M
check "which is not made" test ! -e "$dir/third"
twice "$dir/hard: is given twice, also as $dir/second" "$dir/second" \
	"$dir/hard"
twice "$dir/second: is given twice, also as $dir/link" "$dir/region" \
	"$dir/link" "$dir/second"
twice "$dir/link: is given twice, also as $dir/hard" "$dir/hard" "$dir/link" \
	--read-only

# A client with ofi_pmem and a server without, and the other way round. Only the
# data needs the same of both.
plain=${PROV%;ofi_pmem}
layered=$PROV
start_server "$dir/region"
PROV=$plain
if tool 0 status "$addr"; then
	echo old >"$dir/back"
	for command in "put $dir/in $addr" "get $addr $dir/back" \
		"verify $dir/in $addr" "scrub $addr --save $dir/sums" \
		"log append $addr $dir/in --create" "log tail $addr" \
		"bench $addr --force"; do
		check "$plain: $command" tool 4 $command
		check "is told what to write" grep -qF "$addr serves with \
ofi_pmem, which provider $plain does not have: write --provider '$layered'" \
			"$dir/err"
		check "in one line" test "$(wc -l <"$dir/err")" -eq 1
	done
	check "the file of get stays" test "$(cat "$dir/back")" = old
	check "and none of scrub is made" test ! -e "$dir/sums"
	stop_server TERM
	start_server "$dir/second"
	PROV=$layered
	check "status of a server without ofi_pmem" tool 0 status "$addr"
	check "put to it" tool 4 put "$dir/in" "$addr"
	check "is told what to write" says "$addr serves without ofi_pmem, \
which provider $layered has: write --provider '$plain'"
	PROV=$plain
	check "verify by it" tool 1 verify "$dir/in" "$addr"
	check "tells what it takes" says "both sides need ofi_pmem, as by \
--provider '$layered'"
fi
PROV=$layered
stop_server TERM

# Read-only: what is there stays.
cp "$dir/region" "$dir/kept"
start_server "$dir/region" --read-only
check "the line says so" test "${serving##*, read-only,*}" = ""
modes() { # of the server's descriptors of the file: 0 is O_RDONLY
	local fd
	for fd in "/proc/$server/fd"/*; do
		[ "$(readlink "$fd")" != "$(realpath "$dir/region")" ] ||
			sed -n 's/^flags:.*\(.\)$/\1/p' \
				"/proc/$server/fdinfo/${fd##*/}"
	done | sort -u
}
check "the file is open for reading only" test "$(modes)" = 0
check "and mapped so" test "$(awk -v file="$(realpath "$dir/region")" \
	'$6 == file { print $2 }' "/proc/$server/maps" | sort -u)" = r--s
check "get" tool 0 get "$addr" "$dir/back" --length 100000
check "is that" cmp -s "$dir/in" "$dir/back"
check "verify" tool 0 verify "$dir/in" "$addr"
check "put is refused" tool 4 put "$dir/in2" "$addr"
check "with the reason" says "it serves this region read-only"
check "put without commit is refused" tool 4 put "$dir/in2" "$addr" --no-commit
check "append is refused" tool 4 log append "$addr" "$dir/in2" --create
check "nothing has changed" cmp -s "$dir/region" "$dir/kept"
check "nobody may serve it for writing" tool 5 serve "$dir/region" --port 0
stop_server TERM
check "a missing file is not made" tool 5 serve "$dir/missing" --read-only
check "which is not there" says "$dir/missing: does not exist"
check "and --size does not help" test -z "$(grep size "$dir/err")"
check "is not there" test ! -e "$dir/missing"
check "--size does not go with it" tool 2 serve "$dir/region" --read-only \
	--size 2M

# fi_pmem status.
start_server "$dir/region" "$dir/second" --size 1M
check "status" tool 0 status "$addr"
check "names the regions" grep -qF "region 1: $dir/second, 1048576 bytes, \
read and write, good" "$dir/out"
$LIMIT "$ROGUE" "$PROV" connect "$port" garbage >/dev/null 2>&1
check "put" tool 0 put "$dir/in" "$addr"
check "status --json" tool 0 status "$addr" --json
for field in '"ok":true' '"clients":1' '"accepted":3' '"refused":1' \
	'"authentication":"none"' '"failed":false' '"region":1'; do
	check "has $field" grep -qF "$field" "$dir/out"
done
stop_server TERM
check "status of nobody" tool 3 status "$addr" --timeout 2

# These peers have no auth_key, or another one.
(umask 077 && head -c 32 /dev/urandom >"$dir/key" &&
	head -c 32 /dev/urandom >"$dir/other")
# It asks for the region before it writes, and is refused once.
for key in none other; do
	FI_OFI_PMEM_AUTH_KEY_FILE=$dir/key start_server "$dir/region"
	[ $key = none ] || export FI_OFI_PMEM_AUTH_KEY_FILE=$dir/$key
	check "put with key: $key" tool 4 put "$dir/in" "$addr"
	unset FI_OFI_PMEM_AUTH_KEY_FILE
	check "is told of once" logged 1 warning \
		"an initiator was refused: not authenticated"
	check "status, which asks for no key" tool 0 status "$addr" --json
	check "has counted it" grep -qF '"not_authenticated":1,' "$dir/out"
	check "and is none itself" logged 1 warning ".* refused"
	stop_server TERM
done
FI_OFI_PMEM_AUTH_KEY_FILE=$dir/key start_server "$dir/region"
FI_OFI_PMEM_AUTH_KEY_FILE=$dir/key check "put with the right key" \
	tool 0 put "$dir/in" "$addr"
check "is not" logged 0 warning ".* refused"
stop_server TERM

# A region whose flushes fail: of this plug-in, which flushes nothing, the ledger
# says so.
mutant=$PWD/prov/pmem/test/mutants/skip_flush/.libs
if [ -e "$mutant/libpmem-fi.so" ] && [ "$FI_OFI_PMEM_LEDGER" = yes ]; then
	good_path=$FI_PROVIDER_PATH
	export FI_PROVIDER_PATH=$mutant
	start_server "$dir/region"
	export FI_PROVIDER_PATH=$good_path
	check "put to a region that fails" tool 1 put "$dir/in" "$addr"
	check "which is told at once, with what to do" logged 1 error \
		"$dir/region has failed: .*restart fi_pmem serve"
	check "put to a region that has failed" tool 1 put "$dir/in" "$addr"
	check "which is told once" logged 1 error "has failed"
	check "status of it" tool 0 status "$addr"
	check "says so" grep -q "region 0: $dir/region, .*, FAILED: " "$dir/out"
	stop_server TERM
fi

# Strangers who connect until no descriptor is left. Who was there before goes on.
rounds() { # of its loops, which read a descriptor each; whatever else is busy
	awk '/^syscr:/ { print $2 }' "/proc/$server/io"
}
# tcp of libfabric 2 signals connections at the queues of completions, too: they
# cannot be left alone.
most_rounds=200
case $(fi_info --version | sed -n 's/^libfabric: //p') in
1.*) ;;
*) most_rounds=50000 ;;
esac
mkfifo "$dir/strangers" "$dir/lines" "$dir/shown"
for where in port "data port"; do
	start_server "$dir/region"
	taken=$port
	[ "$where" = port ] || { taken=${serving#*data port }; taken=${taken%%,*}; }
	$LIMIT "$FI_PMEM" log append "$addr" "$dir/lines" --create -p "$PROV" \
		>/dev/null 2>&1 &
	writer=$!
	exec 8>"$dir/lines"
	echo before >&8
	for i in $(seq 200); do
		tool 0 log tail "$addr" >/dev/null && break
		sleep 0.05
	done
	$LIMIT "$FI_PMEM" log tail -f "$addr" -p "$PROV" >"$dir/shown" \
		2>/dev/null 8>&- &
	reader=$!
	pids="$pids $writer $reader"
	exec 9<"$dir/shown"
	read -r -t 30 line <&9
	prlimit --pid "$server" --nofile=64:64
	bash -c 'exec 2>/dev/null 8>&- 9<&-
		for i in $(seq 100); do
			eval "exec $((i + 10))<>/dev/tcp/127.0.0.1/$1"
		done
		echo all >"$2"
		exec sleep 600' - "$taken" "$dir/strangers" &
	strangers=$!
	pids="$pids $strangers"
	read -r all <"$dir/strangers"
	[ "$where" != port ] ||
		check "that no descriptors are left is told" logged 1 warning \
			"no descriptors are left"
	sleep 1
	before=$(rounds)
	sleep 1
	count=$(($(rounds) - before))
	echo "$count rounds a second"
	check "it does not spin for strangers at its $where" \
		test "$count" -lt "$most_rounds"
	echo after >&8
	check "a writer goes on" read -r -t 30 line <&9
	check "and a reader" test "$line" = after
	[ "$where" != port ] ||
		check "it is told once" logged 1 warning "no descriptors are left"
	exec 8>&- 9<&-
	wait "$writer"
	check "the writer ends well" test $? -eq 0
	kill "$reader" "$strangers"
	wait "$reader" "$strangers" 2>/dev/null
	check "put when they are gone" tool 0 put "$dir/in" "$addr"
	stop_server TERM
	check "the server ends well" test "$code" -eq 0
done
finish
