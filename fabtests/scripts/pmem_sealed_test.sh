#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The functional tests, which know nothing of region keys, with every region
# sealed by the environment. Traffic keys are renewed after 100 records, and no
# key seals two records with one nonce. Run from the build directory (make check
# does). SEALED_SHARE=2/3 runs every third program, from the second on.

set -u
programs="rma ops atomic kill atomic_kill storm completion fault verify
	bad_input atomic_race fork log_kill"
dir=pmem_sealed.$$.tmp
trap 'rm -rf "$dir"' EXIT
mkdir "$dir" || exit 1

export FI_PROVIDER_PATH="${FI_PROVIDER_PATH:-$PWD/.libs}"
export FI_OFI_PMEM_SEAL=required
export FI_OFI_PMEM_SEAL_KEY_FILE="$PWD/$dir/key"
export FI_OFI_PMEM_SEAL_ROLL_RECORDS=100
export FI_OFI_PMEM_SEAL_CQ_DATA=clear
export PMEM_KILL_ROUNDS="${PMEM_KILL_ROUNDS:-50}"
(
	umask 077
	printf '1 aes-256-gcm %s\n' \
		"$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >"$dir/key"
)

share=${SEALED_SHARE:-1/1}
number=0
failed=0
ran=0
for name in $programs; do
	number=$((number + 1))
	[ $((number % ${share#*/})) -eq $((${share%/*} % ${share#*/})) ] ||
		continue
	audit=$PWD/$dir/$name.nonces
	FI_OFI_PMEM_SEAL_AUDIT=$audit timeout 600 \
		"fabtests/functional/pmem_${name}_test" --gtest_brief=1 \
		>"$dir/log" 2>&1
	status=$?
	if [ "$status" -eq 77 ]; then
		tail -n 1 "$dir/log"
		continue
	fi
	ran=$((ran + 1))
	records=$(wc -l <"$audit")
	twice=$(sort "$audit" | uniq -d | wc -l)
	if [ "$status" -ne 0 ]; then
		cat "$dir/log"
		echo "FAILED: $name (status $status)"
		failed=1
	elif [ "$records" -eq 0 ]; then
		echo "FAILED: $name sealed nothing"
		failed=1
	elif [ "$twice" -ne 0 ]; then
		echo "FAILED: $name used $twice nonces twice"
		failed=1
	else
		echo "ok: $name, $records records, each with a nonce of its own"
	fi
	rm -f "$audit"
done
[ "$ran" -gt 0 ] || exit 77
exit "$failed"
