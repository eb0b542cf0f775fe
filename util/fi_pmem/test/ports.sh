#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Two ports, and what lies between a client and them: forwards that let both
# through, or one, or one under another number; firewalls.
. "$(dirname "$0")/tool.sh"
case $PROV in
tcp\;ofi_pmem) ;;
*) skip "$PROV: needs TCP and a data port" ;;
esac

make_input "$dir/in" 300000

# start_forward ARGUMENTS...: sets forward (pid) and forward_port.
start_forward() {
	rm -f "$dir/forward"
	mkfifo "$dir/forward"
	"$FORWARD" "$@" >"$dir/forward" 2>"$dir/forward.err" &
	forward=$!
	pids="$pids $forward"
	read -r -t 30 forward_port <"$dir/forward" || cat "$dir/forward.err"
}

stop_forward() { # PID
	kill "$1"
	wait "$1" 2>/dev/null
}

# tool, in time: of a connection that nobody answers the kernel tells after two
# minutes, see tcp_syn_retries in tcp(7). A busy machine takes its time to begin.
tool_in_time() { # CODE ARGUMENTS...
	local begun=$SECONDS
	tool "$@" && [ $((SECONDS - begun)) -le 30 ]
}

# The server is at an address of its own, so that what is forwarded can have the
# same number.
BIND=127.0.0.2 start_server "$dir/region" --size 1M
data_port=${serving##*data port }
data_port=${data_port%%,*}
start_forward 127.0.0.1 0 127.0.0.2 "$port"
near=127.0.0.1:$forward_port
start_forward 127.0.0.1 "$data_port" 127.0.0.2 "$data_port"
data_forward=$forward
check "put through forwards" tool 0 put "$dir/in" "$near"
check "is there" same "$dir/in" "$dir/region" 300000
check "verify through them" tool 0 verify "$dir/in" "$near"
check "get through them" tool 0 get "$near" "$dir/back" --length 300000
check "is that" cmp -s "$dir/in" "$dir/back"

stop_forward "$data_forward"
check "put without that of the data port" tool_in_time 3 put "$dir/in" "$near"
check "names it" says "cannot reach the data port $data_port"
check "with the remedy" says "under the same number; serve --data-port"
start_forward 127.0.0.1 0 127.0.0.2 "$data_port"
check "put with another number of the data port" tool_in_time 3 put \
	"$dir/in" "$near"
check "names the one that it has to have" says "data port $data_port"
stop_forward "$forward"

# A firewall that drops.
start_forward full
start_rogue "port:$forward_port"
for command in "put $dir/in 127.0.0.1:$rogue_port" \
	"get 127.0.0.1:$rogue_port $dir/back" \
	"verify $dir/in 127.0.0.1:$rogue_port" \
	"log dump 127.0.0.1:$rogue_port"; do
	check "a data port that is filtered: ${command%% *}" tool_in_time 3 \
		$command --timeout 2
	check "is named" says "data port $forward_port within 2 s"
done
check "a port that is filtered" tool_in_time 3 put "$dir/in" \
	"127.0.0.1:$forward_port" --timeout 2
check "is named" says "127.0.0.1:$forward_port did not answer within 2 s"

stop_server TERM
check "the server ends well" test "$code" -eq 0
finish
