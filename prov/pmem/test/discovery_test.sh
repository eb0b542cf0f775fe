#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Who names the provider gets it; who does not sees no difference.
. "${srcdir:-$(dirname "$0")/../../..}/util/fi_pmem/test/common.sh"
command -v fi_info >/dev/null || skip "fi_info not found; install libfabric-bin"

mkdir "$dir/empty"
unchanged() {
	FI_PROVIDER_PATH=$dir/empty fi_info "$@" >"$dir/without" 2>&1
	fi_info "$@" >"$dir/with" 2>&1
	cmp "$dir/without" "$dir/with"
}
check "fi_info" unchanged
check "fi_info -p tcp" unchanged -p tcp
check "fi_info -c FI_RMA" unchanged -c FI_RMA
check "fi_info of datagrams" unchanged -t FI_EP_RDM -c "FI_TAGGED|FI_RMA"

offers() { # PROVIDER ARGUMENTS...: only that one, and it
	local name=$1
	shift
	"$@" >"$dir/out" 2>"$dir/err" || return 1
	[ "$(sed -n 's/^provider: //p' "$dir/out" | sort -u)" = "$name" ]
}
for name in "tcp;ofi_pmem" "tcp;ofi_rxm;ofi_pmem"; do
	check "-p $name" offers "$name" fi_info -p "$name"
	check "FI_PROVIDER=$name" offers "$name" \
		env "FI_PROVIDER=$name" fi_info
	check "$name has FI_RMA_PMEM, first" \
		grep -q FI_RMA_PMEM <(fi_info -v -p "$name" | grep -m 1 caps:)
done
# As without us, where what tcp cannot do ofi_rxm does for it.
check "tcp;ofi_pmem with atomics" offers "tcp;ofi_rxm;ofi_pmem" \
	fi_info -p "tcp;ofi_pmem" -c FI_ATOMIC
count() { # PROVIDER: what it finds on tcp;ofi_rxm
	fi_info -t FI_EP_RDM -c FI_ATOMIC -p "$1" |
		grep -c "^provider: tcp;ofi_rxm;ofi_pmem"
}
check "ofi_pmem with atomics, nothing twice" \
	test "$(count ofi_pmem)" = "$(count "tcp;ofi_pmem")"
check "fi_info -l" grep -qx "ofi_pmem:" <(fi_info -l)
check "no such inner provider" test -z "$(fi_info -p "nothing;ofi_pmem" 2>/dev/null)"
finish
