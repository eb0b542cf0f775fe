#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# fi_pmem(7) describes every parameter that the provider defines, and no other;
# a value that is not understood disables the provider.
. "${srcdir:-$(dirname "$0")/../../..}/util/fi_pmem/test/tool.sh"
page=${srcdir:-$(dirname "$0")/../../..}/man/fi_pmem.7.md
command -v fi_info >/dev/null || skip "fi_info not found; install libfabric-bin"

names() { grep -aoE 'FI_OFI_PMEM_[A-Z_]+' | sort -u; }
fi_info -e 2>/dev/null | names >"$dir/defined"
sed -n '/^# RUNTIME/,/^# ERRORS/p' "$page" | grep '^\*FI_' | names >"$dir/page"
check "fi_info -e lists the parameters" test -s "$dir/defined"
check "the page describes exactly those" cmp "$dir/defined" "$dir/page"

offered() { env "$@" fi_info -p "tcp;ofi_pmem" >"$dir/out" 2>"$dir/err"; }
check "offered by default" offered A=1
for bad in METHOD=magic METHOD=flush DOMAIN=adr DDIO=yes NATIVE_FLUSH=on \
	REGIONS=some COMMIT=maybe BACKEND=tape SPIN_US=-1 SPIN_US=many \
	POWERFAIL_SYNC_US=10000001 \
	INLINE_SIZE=65537 PORT_RANGE=70000-70001 PORT_RANGE=9-8 PORT_RANGE=9 \
	CONNECT_TIMEOUT_MS=0 TRACE_WRITE=perhaps LEDGER=perhaps \
	DIGEST=md5 DIGEST=xxh3, VERIFY_BLOCK=63 VERIFY_BLOCK=4k \
	SERVICE_THREADS=0 SERVICE_THREADS=65 SERVICE_THREADS=two \
	SERVICE_CPUS=some SERVICE_CPUS=node: SERVICE_CPUS=3-1 SERVICE_CPUS=0, \
	SEAL=on SEAL=require SEAL_KEY_ID=-1 SEAL_KEY_ID=0x10 SEAL_KEY_ID=all \
	SEAL_KEY_ID=18446744073709551616 SEAL_CQ_DATA=yes \
	SEAL_ROLL_RECORDS=-1 SEAL_ROLL_RECORDS=1073741825; do
	refused() { ! offered "FI_OFI_PMEM_$bad" FI_LOG_LEVEL=warn; }
	check "$bad disables the provider" refused
	check "and names the parameter" grep -aq \
		"FI_OFI_PMEM_${bad%%=*} has value" "$dir/err"
done
for good in METHOD=auto METHOD=message METHOD=read METHOD=native METHOD=ack \
	DOMAIN=auto DOMAIN=memory_controller DOMAIN=cpu_cache DOMAIN=system \
	DDIO=on DDIO=off NATIVE_FLUSH=auto NATIVE_FLUSH=vouched \
	NATIVE_FLUSH=off REGIONS=detect COMMIT=all BACKEND=powerfail \
	SPIN_US=0 POWERFAIL_SYNC_US=2000 INLINE_SIZE=0 PORT_RANGE=20000-20010 TRACE_WRITE=yes \
	DIGEST=sha256,crc32c VERIFY_BLOCK=64 \
	SERVICE_THREADS=1 SERVICE_THREADS=64 \
	LEDGER=yes SERVICE_CPUS=none SERVICE_CPUS=node:0 SERVICE_CPUS=0-3,8 \
	SEAL=off SEAL=offered SEAL=required SEAL_KEY_FILE=keys SEAL_KEY_ID=0 \
	SEAL_KEY_ID=18446744073709551615 SEAL_CQ_DATA=refuse SEAL_CQ_DATA=clear \
	SEAL_ROLL_RECORDS=0 SEAL_ROLL_RECORDS=1073741824 \
	SEAL_AUDIT=nonces; do
	check "$good is accepted" offered "FI_OFI_PMEM_$good"
done
finish
