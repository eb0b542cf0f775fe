#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# fi_pmem info tells of the host, and what a commit is worth by trying it.
. "$(dirname "$0")/tool.sh"
command -v jq >/dev/null || skip "jq not found; install the package jq"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV describes no regions" ;;
esac

query() { # EXPRESSION: true of the last output
	jq -e "$1" "$dir/out" >/dev/null
}
plain() { # runs info without -p
	$LIMIT "$FI_PMEM" info "$@" >"$dir/out" 2>"$dir/err"
}

check "info" plain
check "tells of providers" grep -qF "  tcp;ofi_pmem" "$dir/out"
check "of file systems" grep -q "^file systems" "$dir/out"
check "info --json" plain --json
check "is one object" test "$(jq -s length "$dir/out")" = 1
check "with all there is" query '.ok and (.providers | index("tcp;ofi_pmem"))
	and (.memory | type == "array") and (.mounts | type == "array") and
	(.rdma | type == "array")'

check "a directory" tool 0 info "$dir" --json
check "where nothing is left" test -z "$(ls "$dir" | grep '^fi_pmem\.')"
check "is a block device" query '.domain == "block device" and
	.granularity == "page" and .method == "message" and
	(.method_reason | length > 0) and .covers == "cache" and
	.authentication == "none" and (.advice | any(test("block device")))'
check "by this provider" query ".provider == \"$PROV\""
check "leaves nothing there" test -z "$(ls "$dir" | grep info)"
check "in words" tool 0 info "$dir"
check "with the reason" grep -q "method of a commit: message: " "$dir/out"
export FI_OFI_PMEM_BACKEND=powerfail
check "under simulation" tool 0 info "$dir" --json
check "is simulated" query '.domain == "simulated power failure" and
	.covers == "persistence domain"'
unset FI_OFI_PMEM_BACKEND

if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ]; then
	check "a tmpfs" tool 5 info /dev/shm
	check "is not persistent" says "cannot be made persistent"
	check "leaves nothing there" test -z "$(ls /dev/shm | grep '^fi_pmem\.')"
fi
check "a place that is none" tool 5 info "$dir/none"
check "is told" says "$dir/none"
echo file >"$dir/file"
check "a file" tool 5 info "$dir/file"
check "is not touched" test "$(cat "$dir/file")" = file
none() { ! plain "$dir" -p none; }
check "a provider that is none" none
finish
