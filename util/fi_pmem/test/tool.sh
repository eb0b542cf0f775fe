# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Sourced by the end-to-end tests of fi_pmem, which run in the build directory
# (`make check`, or by hand from there). PROV names the provider.
set -u

PROV=${PROV:-tcp;ofi_pmem}
FI_PMEM=${FI_PMEM:-./util/fi_pmem/fi_pmem}
ROGUE=./util/fi_pmem/test/rogue_peer
FORWARD=./util/fi_pmem/test/forward
export FI_PROVIDER_PATH=${FI_PROVIDER_PATH:-$PWD/.libs}
export FI_OFI_PMEM_LEDGER=${FI_OFI_PMEM_LEDGER:-yes}
LIMIT="timeout -k 5 ${TIME_LIMIT:-60}"

# This is not in /tmp, which may be a tmpfs, which cannot be persistent.
dir=$(mktemp -d ./fi_pmem_test.XXXXXX)
pids=
failures=0
checks=0

cleanup() {
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

skip() {
	echo "SKIP: $1"
	exit 77
}

check() { # NAME CONDITION...: one named claim
	local name=$1
	shift
	checks=$((checks + 1))
	if "$@"; then
		echo "ok: $name"
	else
		echo "NOT OK: $name ($*)"
		cat "$dir/out" "$dir/err" 2>/dev/null | head -c 2000 |
			tr -cd '\n -~' | sed 's/^/    /'
		failures=$((failures + 1))
		[ "${STOP_AT_FAILURE-no}" = no ] || finish
	fi
}

finish() {
	echo "$((checks - failures)) passed, $failures failed"
	[ "$failures" -eq 0 ] || exit 1
	exit 0
}

# tool CODE ARGUMENTS...: runs fi_pmem, output in out and err; true if it ends
# with CODE.
tool() {
	local wanted=$1
	shift
	$LIMIT "$FI_PMEM" "$@" -p "$PROV" >"$dir/out" 2>"$dir/err"
	code=$?
	[ "$code" -eq "$wanted" ] || { echo "exit $code: $*"; return 1; }
}

says() { # TEXT: the last error contains it
	grep -qF -- "$1" "$dir/err"
}

start_rogue() { # HOW: sets rogue and rogue_port
	rm -f "$dir/rogue"
	mkfifo "$dir/rogue"
	"$ROGUE" "$PROV" serve "$1" >"$dir/rogue" 2>"$dir/rogue.err" &
	rogue=$!
	pids="$pids $rogue"
	exec 6<"$dir/rogue"
	read -r -t 30 rogue_port <&6
}

# start_server FILE ARGUMENTS...: sets server (pid), addr and port once the
# server says that it listens.
start_server() {
	local pipe="$dir/serving"
	rm -f "$pipe"
	mkfifo "$pipe"
	local bind=${BIND-127.0.0.1} # empty: every address
	"$FI_PMEM" serve ${bind:+--bind "$bind"} --port "${PORT:-0}" \
		-p "$PROV" "$@" >"$pipe" 2>"$dir/server.err" &
	server=$!
	pids="$pids $server"
	exec 7<"$pipe"
	if ! read -r -t 30 serving <&7; then
		echo "fi_pmem serve did not start:"
		cat "$dir/server.err"
		case $PROV in
		verbs*) skip "no provider $PROV here" ;;
		esac
		exit 1
	fi
	addr=${serving#* on }
	addr=${addr%%, provider*}
	port=${addr##*:}
}

# stop_server SIGNAL: sets code.
stop_server() {
	kill "-$1" "$server"
	wait "$server" 2>/dev/null
	code=$?
}

alive() { kill -0 "$server" 2>/dev/null; }

same() { # FILE FILE [BYTES [SKIP1:SKIP2]]
	cmp -s ${3:+-n "$3"} ${4:+-i "$4"} "$1" "$2"
}

# Blocks of one byte make the transfer slow; wait until its start has landed.
await_first_bytes() { # INPUT REGION PID
	local i
	for i in $(seq 600); do
		same "$1" "$2" 2048 && return 0
		kill -0 "$3" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# N bytes that differ from page to page and from zero.
make_input() { # FILE BYTES
	seq 100000000 | head -c "$2" >"$1"
}
