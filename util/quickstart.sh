#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# From a fresh Debian to the point of it all: installs packages, builds, copies
# a file into the memory of another process and lets the power fail there. With
# commits every byte survives; without them the bytes are lost. The power
# failure is simulated: the target is killed, and its backend keeps only what
# was durable. Exits with 0 only if both came out that way.
#
#   util/quickstart.sh [BUILD-DIRECTORY [CONFIGURE-ARGUMENT...]]
#
# The build directory is build by default.

set -euo pipefail
. "$(dirname "$0")/scripts/common.sh"

case ${1:-} in
--help) usage 0 ;;
-*) usage 2 ;;
esac
provider="tcp;ofi_pmem"
build=${1:-$top/build}
[ $# -eq 0 ] || shift
mkdir -p "$build"
build=$(cd "$build" && pwd)
log=$build/quickstart.log
work=
target=

cleanup() {
	if [ -n "$target" ]; then
		kill -KILL "$target" 2>/dev/null || true
		wait "$target" 2>/dev/null || true
	fi
	[ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Real input: this project's sources and what was just built from them.
make_input() {
	tar -cf "$work/input" -C "$top" README.md configure.ac prov util man \
		-C "$build" .libs util/fi_pmem/fi_pmem 2>>"$log"
	size=$(stat -c %s "$work/input")
}

# Old content everywhere, so that a byte that did not arrive is seen.
make_region() {
	tr '\0' '\377' </dev/zero | head -c $((size + 65536)) >"$work/region" ||
		[ -s "$work/region" ]
	sync "$work/region"
}

start_target() {
	rm -f "$work/ready"
	mkfifo "$work/ready"
	FI_OFI_PMEM_BACKEND=powerfail "$tool" serve "$work/region" \
		--bind 127.0.0.1 --port 0 -p "$provider" >"$work/ready" 2>>"$log" &
	target=$!
	exec 7<"$work/ready"
	read -r -t 30 line <&7 || {
		tail -n 10 "$log"
		die "the target did not start; see $log"
	}
	echo "target: $line"
	address=${line#* on }
	address=${address%%,*}
}

power_fails() {
	kill -KILL "$target"
	wait "$target" 2>/dev/null || true
	target=
	exec 7<&-
}

lost_bytes() {
	cmp -l -n "$size" "$work/input" "$work/region" | wc -l || true
}

heading "1. Packages"
install_packages "$log" build

heading "2. Build in $build"
build_tree "$build" "$log" "$@"
tool=$build/util/fi_pmem/fi_pmem
export FI_PROVIDER_PATH=$build/.libs
unset FI_PROVIDER
for variable in $(compgen -e FI_OFI_PMEM_ || true); do
	unset "$variable"
done
"$tool" --version

work=$(mktemp -d "$build/quickstart.XXXXXX")
make_input
heading "3. Put $size bytes with commits, then the power fails"
make_region
start_target
"$tool" put "$work/input" "$address" -p "$provider"
power_fails
kept=$(lost_bytes)
echo "on disk: $kept of $size bytes differ"

heading "4. The same without commits"
make_region
start_target
"$tool" put "$work/input" "$address" -p "$provider" --no-commit
"$tool" get "$address" "$work/seen" --length "$size" -p "$provider"
cmp "$work/input" "$work/seen"
echo "all of it was visible at the target before the power failed"
power_fails
lost=$(lost_bytes)
echo "on disk: $lost of $size bytes differ"

heading "Result"
[ "$kept" -eq 0 ] || die "committed bytes were lost"
[ "$lost" -gt 0 ] || die "nothing was lost without commits: the simulated power failure did not work"
echo "with commits:    all $size bytes survived"
echo "without commits: $lost of $size bytes were lost"
