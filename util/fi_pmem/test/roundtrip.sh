#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What is put is what get brings back, byte for byte: whole and in part, by one
# client and by several at once, across a restart of the server.
. "$(dirname "$0")/tool.sh"

bytes=5000001
make_input "$dir/in" $bytes
start_server "$dir/region" --size 8M

check "put" tool 0 put "$dir/in" "$addr"
check "put says what it did" grep -q "($bytes bytes) to $addr" "$dir/out"
check "no progress bar without a terminal" test "$(tr -d '\r\033' <"$dir/err" |
	grep -c '%')" -eq 0
check "the region file has the bytes" same "$dir/in" "$dir/region" $bytes
check "get of a part" tool 0 get "$addr" "$dir/back" --length $bytes
check "it is what was put" cmp -s "$dir/in" "$dir/back"
check "get of the rest" tool 0 get "$addr" "$dir/rest" --offset 7M
check "its length" test "$(stat -c %s "$dir/rest")" -eq 1048576
check "get leaves no temporary file" test -z "$(ls "$dir" | grep 'back\.')"

check "get to standard output" tool 0 get "$addr" - --length 1000 --offset 3
check "is clean" same "$dir/in" "$dir/out" 1000 3:0
check "and nothing more" test "$(stat -c %s "$dir/out")" -eq 1000

check "put at an odd offset, odd blocks" tool 0 put "$dir/in" "$addr" \
	--offset 12345 --block 7777 --depth 3
check "lands there" same "$dir/in" "$dir/region" $bytes 0:12345
check "put one block larger than the file" tool 0 put "$dir/in" "$addr" \
	--block 16M --depth 1
check "lands" same "$dir/in" "$dir/region" $bytes
head -c 1 "$dir/in" >"$dir/one"
check "put of one byte at the very end" tool 0 put "$dir/one" "$addr" \
	--offset 8388607
check "put without commit" tool 0 put "$dir/in" "$addr" --no-commit
check "says so" grep -q "NOT durable" "$dir/out"
check "get sees it" tool 0 get "$addr" "$dir/back" --length $bytes
check "as put" cmp -s "$dir/in" "$dir/back"

for i in 0 1 2 3; do
	head -c 1500000 "$dir/in" | tr 0-9 "$i-9a-$(printf '\\x6%x' $i)" \
		>"$dir/in$i"
	$LIMIT "$FI_PMEM" put "$dir/in$i" "$addr" -p "$PROV" --block 10000 \
		--offset $((i * 1500000)) >"$dir/log$i" 2>&1 &
	eval "client$i=\$!"
done
for i in 0 1 2 3; do
	eval "wait \$client$i"
	check "client $i of four at once" test $? -eq 0
	check "its bytes" same "$dir/in$i" "$dir/region" 1500000 \
		0:$((i * 1500000))
done

if command -v script >/dev/null; then
	script -qec "$FI_PMEM put $dir/in $addr -p '$PROV'" /dev/null \
		>"$dir/out" 2>&1
	check "a progress bar on a terminal" grep -q "100% .* of 4.8 MiB" \
		"$dir/out"
fi

cp "$dir/region" "$dir/before"
stop_server TERM
check "SIGTERM ends the server with 0" test $code -eq 0
check "nothing listens then" tool 3 get "$addr" "$dir/back"
PORT=$port start_server "$dir/region"
check "restart on the same port" test "${addr##*:}" = "$port"
check "without --size the size stays" grep -q "8388608 bytes" <<<"$serving"
check "the bytes are still there" tool 0 get "$addr" "$dir/back"
check "unchanged" cmp -s "$dir/before" "$dir/back"
stop_server INT
check "SIGINT ends the server with 0" test $code -eq 0
start_server "$dir/region" --size 1M
check "--size never shrinks" test "$(stat -c %s "$dir/region")" -eq 8388608
stop_server TERM
start_server "$dir/region" --size 9M
check "--size grows" test "$(stat -c %s "$dir/region")" -eq 9437184
check "with space behind it" test "$(stat -c %b "$dir/region")" -ge 18432
stop_server TERM

if grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; then
	BIND=::1 start_server "$dir/region"
	check "IPv6 in brackets" tool 0 put "$dir/in" "[::1]:$port"
	stop_server TERM
fi
BIND=0.0.0.0 start_server "$dir/region"
check "the wildcard address" tool 0 put "$dir/in" "localhost:$port"
stop_server TERM

# Every address, also for clients without connection: 127.0.0.2 is of the loopback
# interface, and the others are of this host.
addresses="127.0.0.1 127.0.0.2 $(hostname -I 2>/dev/null | tr ' ' '\n' | grep -v : |
	head -n 3)"
bench="--force --ops message,commit --sizes 64 --depths 1 --count 10 --rounds 1"
case $PROV in
tcp*)
	BIND= start_server "$dir/region"
	for address in $addresses; do
		check "by $address" tool 0 put "$dir/one" "$address:$port"
	done
	stop_server TERM
	;;
esac
case $PROV in
tcp*ofi_pmem)
	for PROV in "tcp;ofi_pmem" "tcp;ofi_rxm;ofi_pmem"; do
		BIND= start_server "$dir/region" --rdm
		for address in $addresses; do
			check "by $address without connection, $PROV" \
				tool 0 bench "$address:$port" --rdm $bench
		done
		stop_server TERM
	done
	;;
esac
finish
