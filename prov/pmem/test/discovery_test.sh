#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Who names the provider gets it; who does not sees no difference.
. "${srcdir:-$(dirname "$0")/../../..}/util/fi_pmem/test/tool.sh"
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
# This is as without us: ofi_rxm does for tcp what tcp cannot do.
check "tcp;ofi_pmem with atomics" offers "tcp;ofi_rxm;ofi_pmem" \
	fi_info -p "tcp;ofi_pmem" -c FI_ATOMIC
count() { # PROVIDER: what it finds on tcp;ofi_rxm
	fi_info -t FI_EP_RDM -c FI_ATOMIC -p "$1" |
		grep -c "^provider: tcp;ofi_rxm;ofi_pmem"
}
check "ofi_pmem with atomics, nothing twice" \
	test "$(count ofi_pmem)" = "$(count "tcp;ofi_pmem")"
exports() { # what a program finds that loads the plug-in
	local plugin
	plugin=$(find "${FI_PROVIDER_PATH%%:*}" -name libpmem-fi.so -print -quit)
	[ "$(nm -D --defined-only "$plugin" | awk '{print $3}')" = fi_prov_ini ]
}
check "one symbol is exported" exports
check "fi_info -l" grep -qx "ofi_pmem:" <(fi_info -l)
says() { # TEXT ENVIRONMENT...: one warning has it
	local text=$1
	shift
	env FI_LOG_LEVEL=warn "$@" >"$dir/out" 2>"$dir/err"
	[ "$(grep -c "$text" "$dir/err")" = 1 ]
}
for filter in "tcp,ofi_pmem" "ofi_pmem;tcp" "tcp;pmem"; do
	check "FI_PROVIDER=$filter says what to write" \
		says 'write FI_PROVIDER="tcp;ofi_pmem"' "FI_PROVIDER=$filter" fi_info
done
check "a right FI_PROVIDER says nothing" \
	test -z "$(FI_PROVIDER="tcp;ofi_pmem" fi_info -l 2>&1 | grep write)"
datagrams="udp;ofi_rxd;ofi_pmem"
if fi_info -p "$datagrams" -c FI_RMA >"$dir/out" 2>&1; then
	check "no FI_RMA_PMEM over datagrams" \
		test -z "$(fi_info -v -p "$datagrams" | grep FI_RMA_PMEM)"
	check "persistence that is asked for there is missed" \
		says "asked for by the environment is off: udp;ofi_rxd" \
		"FI_PROVIDER=$datagrams" FI_OFI_PMEM_REGIONS=all fi_info -c FI_RMA
fi
under_hook() {
	FI_HOOK=noop tool 0 info "$dir"
}
check "fi_pmem info under a hook provider" under_hook
check "no such inner provider" test -z "$(fi_info -p "nothing;ofi_pmem" 2>/dev/null)"
finish
