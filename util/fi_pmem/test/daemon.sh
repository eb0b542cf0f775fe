#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A server that is started as daemons are: in a session of its own, without some
# of the standard files. Its region gets nothing that it says.
. "$(dirname "$0")/tool.sh"
case $PROV in
tcp*) ;;
*) skip "only sockets can be found by a process: $PROV" ;;
esac

make_input "$dir/in" 100000

# start_daemon CLOSED FILE ARGUMENTS...: sets server; without the descriptors
# that CLOSED has. All others are files.
start_daemon() {
	local closed=$1 fd
	shift
	rm -f "$dir/pid"
	(
		exec 0</dev/null 1>"$dir/out" 2>"$dir/err"
		for fd in $closed; do
			eval "exec $fd>&-"
		done
		exec setsid bash -c 'echo $$ >"$0"; exec "$@"' "$dir/pid" \
			"$FI_PMEM" serve --bind 127.0.0.1 --port 0 -p "$PROV" \
			-v "$@" 7<&-
	) &
	pids="$pids $!"
	parent=$!
	for i in $(seq 600); do
		server=$(cat "$dir/pid" 2>/dev/null)
		[ -n "$server" ] && [ -n "$(ports)" ] && return 0
		kill -0 "$parent" 2>/dev/null || break
		sleep 0.05
	done
	return 1
}

# ports: where the server listens.
ports() {
	local sockets
	sockets=$(for fd in "/proc/$server/fd"/*; do readlink "$fd"; done \
		2>/dev/null | sed -n 's/^socket:\[\(.*\)\]$/\1/p')
	awk -v sockets="${sockets//$'\n'/ }" '
		BEGIN { for (n = split(sockets, one, " "); n; n--) own[one[n]] }
		$4 == "0A" && ($10 in own) { split($2, at, ":"); print at[2] }
		' "/proc/$server/net/tcp" | while read -r port; do
		echo $((16#$port))
	done
}

# One of these ports is that of the persistence service.
put_there() {
	local port
	for i in $(seq 100); do
		for port in $(ports); do
			tool 0 put "$dir/in" "127.0.0.1:$port" --timeout 2 \
				>/dev/null && return 0
		done
		sleep 0.05
	done
	return 1
}

standard_files_of() { # FILE: whether none of the server's is it
	local fd
	for fd in 0 1 2; do
		[ "$(readlink -f "/proc/$server/fd/$fd")" != "$(realpath "$1")" ] ||
			return 1
		[ -e "/proc/$server/fd/$fd" ] || return 1
	done
}

for closed in "0 1" "0 2" "1 2" "0 1 2" ""; do
	name="without ${closed:-none}"
	rm -f "$dir/region"
	check "a server $name starts" start_daemon "$closed" "$dir/region" \
		--size 256K
	check "$name: its region is none of these files" \
		standard_files_of "$dir/region"
	check "$name: put" put_there
	check "$name: is there" same "$dir/in" "$dir/region" 100000
	kill -TERM "$server"
	wait "$parent"
	check "$name: ends well" test $? -eq 0
	check "$name: nothing else is there" cmp -s -n 162144 \
		-i 100000:0 "$dir/region" /dev/zero
done

# The same of a client: what it opens is not its output.
start_server "$dir/region2" --size 256K
put_without() { # CLOSED...
	(
		for fd in "$@"; do
			eval "exec $fd>&-"
		done
		exec $LIMIT "$FI_PMEM" put "$dir/copy" "$addr" -p "$PROV"
	) </dev/null >/dev/null 2>&1
}
for closed in "0 1" "0 2" "1 2" "0 1 2"; do
	cp "$dir/in" "$dir/copy"
	put_without $closed
	check "put without $closed leaves its input" cmp -s "$dir/in" \
		"$dir/copy"
	check "put without $closed arrives" same "$dir/in" "$dir/region2" \
		100000
done
$LIMIT "$FI_PMEM" get "$addr" - -p "$PROV" >&- 2>"$dir/err"
check "get to an output that is closed is an error" test $? -eq 5
finish
