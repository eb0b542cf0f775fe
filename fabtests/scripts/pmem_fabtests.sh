#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Builds the fi_pmem_* programs of fabtests/pmem/ against libfabric's fabtests
# and runs them over ofi_pmem, both ends on this machine:
#
#   util/scripts/env/trixie.sh run fabtests/scripts/pmem_fabtests.sh PLUGIN-DIRECTORY [PATTERN]
#
# PATTERN chooses tests by name. FABTESTS names a tree of fabtests that has been
# built; by default that of the root.
#
# Tests under simulated power failure are run once more without commits, and
# must then lose data: else the test could not tell a lie.
#
# Ends with a line "N passed, N failed, N skipped".

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] && plugin=$(cd "$1" && pwd) || {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
wanted=${2:-.}
fabtests=${FABTESTS:-/usr/src/libfabric/fabtests}
programs=$top/build/pmem_fabtests
address=127.0.0.1
oob_port=3000 # the suite's default
timeout=60
notrun="38 61" # ENOSYS, ENODATA: what runfabtests.sh calls Notrun

passed=0
failed=0
skipped=0
server=

make -s -C "$top/fabtests/pmem" FABTESTS="$fabtests" O="$programs" ||
	exit 1
# This is not below /tmp, because a tmpfs cannot be persistent memory.
work=$(mktemp -d "$programs/run.XXXXXX")
cd "$work" || exit 1
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
export FI_PROVIDER_PATH=$plugin

# The server's out-of-band socket listens (state 0A in proc(5) net/tcp).
await_server() {
	local i port
	port=$(printf ':%04X' $oob_port)
	for ((i = 0; i < 200; i++)); do
		awk -v port="$port" '$2 ~ port "$" && $4 == "0A" {found = 1}
			END {exit !found}' /proc/net/tcp && return
		sleep 0.05
	done
}

# both ENVIRONMENT PROGRAM ARGUMENTS...: runs server and client; sets
# server_status and client_status.
both() {
	local environment=$1 program=$programs/$2
	shift 2
	env $environment timeout -k 5 $timeout "$program" "$@" \
		-s $address >server.log 2>&1 &
	server=$!
	await_server
	env $environment timeout -k 5 $timeout "$program" "$@" \
		-s $address $address >client.log 2>&1
	client_status=$?
	wait "$server"
	server_status=$?
	server=
}

fail() { # fail NAME
	failed=$((failed + 1))
	echo "FAILED: $1: server $server_status, client $client_status"
	sed 's/^/    server: /' server.log | tail -n 20
	sed 's/^/    client: /' client.log | tail -n 20
}

# check NAME STATUS ENVIRONMENT PROVIDER EP PROGRAM ARGUMENTS...: both sides end
# with STATUS; "lost": the client says so, because data was lost.
check() {
	local name=$1 wanted_status=$2 environment=$3 provider=$4 ep=$5
	shift 5
	name="$name: $* ($provider)"
	grep -qE -- "$wanted" <<<"$name" || return
	both "$environment" "$@" -p "$provider" -e "$ep"
	if [ "$wanted_status" = lost ]; then
		if [ $client_status -eq 5 ] && grep -q '^crash: ' client.log; then
			passed=$((passed + 1))
			echo "ok: $name: $(grep '^crash: ' client.log)"
		else
			fail "$name: lost nothing"
		fi
	elif [ $client_status -eq "$wanted_status" ] &&
		[ $server_status -eq "$wanted_status" ]; then
		passed=$((passed + 1))
		echo "ok: $name"
	elif [ $client_status -eq $server_status ] &&
		grep -qw -- $client_status <<<"$notrun"; then
		skipped=$((skipped + 1))
		echo "skipped: $name: $(tail -n 1 client.log)"
	else
		fail "$name"
	fi
}

on_stack() { # on_stack PROVIDER EP
	local powerfail=FI_OFI_PMEM_BACKEND=powerfail
	local line="FI_OFI_PMEM_BACKEND=pmem2 PMEM2_FORCE_GRANULARITY=CACHE_LINE"
	local page="FI_OFI_PMEM_BACKEND=pmem2 PMEM2_FORCE_GRANULARITY=PAGE"
	# The sizes lie on both sides of the limit for writes that travel in a request.
	local few="-I 1 -S l:1,100,4096,4097,70000" program

	for program in commit fence; do
		check powerfail 0 "$powerfail" "$@" fi_pmem_$program
		check crash 0 "$powerfail" "$@" fi_pmem_$program $few --crash
		check "no commits" lost "$powerfail" "$@" fi_pmem_$program \
			$few --crash -o write
	done
	check powerfail 0 "$powerfail" "$@" fi_pmem_commit -U -c sread
	check powerfail 0 "$powerfail" "$@" fi_pmem_order
	check powerfail 0 "$powerfail" "$@" fi_pmem_order $few -c fd
	for program in commit fence order; do
		check line 0 "$line" "$@" fi_pmem_$program
		check page 0 "$page" "$@" fi_pmem_$program $few
	done
	check line 0 "$line" "$@" fi_pmem_bw -I 100 -o all -v
	check line 0 "$line" "$@" fi_pmem_lat -I 100 -o all -v
}

on_stack "tcp;ofi_pmem" msg
on_stack "tcp;ofi_rxm;ofi_pmem" rdm
# A provider that has no persistent memory: not run, and both sides say so.
for program in commit fence order bw lat; do
	check "no FI_RMA_PMEM" 61 "" "tcp;ofi_rxm" rdm fi_pmem_$program
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
