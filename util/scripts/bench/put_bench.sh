#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# How long fi_pmem put takes to make a file durable in another one, beside a copy
# over a socket with one fdatasync(2) at its end, both over the loopback interface
# and in turn. Prints every round and the medians.
#
#   util/scripts/bench/put_bench.sh [--bytes SIZE] [--rounds N] [BUILD-DIRECTORY]
#
# The defaults are 1G, 5 and build. The files are made in the build directory,
# whose file system is thus the one that is measured; "make check" builds what
# this needs.

set -euo pipefail
. "$(dirname "$0")/../common.sh"

bytes=1G
rounds=5
while [ $# -gt 0 ]; do
	case $1 in
	--help) usage 0 ;;
	--bytes | --rounds) [ $# -ge 2 ] || usage 2 ;;
	-*) usage 2 ;;
	*) break ;;
	esac
	[ "$1" = --bytes ] && bytes=$2 || rounds=$2
	shift 2
done
build=$(cd "${1:-$top/build}" && pwd)
tool=$build/util/fi_pmem/fi_pmem
copy=$build/util/fi_pmem/test/socket_copy
provider="tcp;ofi_pmem"
export FI_PROVIDER_PATH=${FI_PROVIDER_PATH:-$build/.libs}
[ -x "$copy" ] || die "$copy is missing: make check builds it"
work=$(mktemp -d "$build/put_bench.XXXXXX")
target=

cleanup() {
	[ -z "$target" ] || kill "$target" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

head -c "$bytes" /dev/urandom >"$work/source"
fallocate -l "$bytes" "$work/copy"
mkfifo "$work/ready"
"$tool" serve "$work/region" --size "$bytes" --bind 127.0.0.1 --port 0 \
	-p "$provider" >"$work/ready" &
target=$!
exec 7<"$work/ready"
read -r -t 60 line <&7 || die "fi_pmem serve did not start"
address=${line#* on }
address=${address%%,*}
sync

median() {
	sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
echo "round  socket copy  fi_pmem put  (seconds)"
for round in $(seq "$rounds"); do
	"$copy" "$work/source" "$work/copy" >"$work/one"
	cat "$work/one" >>"$work/copies"
	begin=$(date +%s.%N)
	"$tool" put "$work/source" "$address" -p "$provider" >/dev/null
	end=$(date +%s.%N)
	awk -v b="$begin" -v e="$end" 'BEGIN { printf "%.3f\n", e - b }' \
		>"$work/two"
	cat "$work/two" >>"$work/puts"
	printf '%5d %12s %12s\n' "$round" "$(cat "$work/one")" "$(cat "$work/two")"
done
cmp "$work/source" "$work/region"
copies=$(median "$work/copies")
puts=$(median "$work/puts")
awk -v c="$copies" -v p="$puts" 'BEGIN {
	printf "median: a put takes %.2f times as long as the copy (%s s, %s s)\n",
		p / c, p, c }'
