#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The kill tests must lose bytes with each mutated plug-in, and the flush ledger
# must refuse its commits. Run from the build directory (make check does).
# SKIP_MUTANTS=yes skips it, as util/scripts/mutants.sh.

set -u
if [ "${SKIP_MUTANTS-no}" = yes ]; then
	echo "SKIP_MUTANTS=yes"
	exit 77
fi
mutants=prov/pmem/test/mutants
log=pmem_mutants.$$.log
trap 'rm -f "$log"' EXIT

missed=0
export FI_OFI_PMEM_LEDGER=no
for kill_test in pmem_kill_test pmem_atomic_kill_test; do
	for mutant in skip_flush early_ack; do
		FI_PROVIDER_PATH=$PWD/$mutants/$mutant/.libs \
			PMEM_KILL_ROUNDS=${PMEM_MUTANT_ROUNDS:-100} \
			"fabtests/functional/$kill_test" >"$log" 2>&1
		status=$?
		if [ "$status" -eq 77 ]; then
			cat "$log"
			exit 77
		fi
		if [ "$status" -ne 0 ] && grep 'lost bytes:' "$log"; then
			echo "caught by $kill_test: $mutant"
		else
			cat "$log"
			echo "NOT CAUGHT by $kill_test: $mutant (status $status)"
			missed=1
		fi
	done
done

# Memory::disk has no ledger.
for mutant in skip_flush early_ack; do
	FI_PROVIDER_PATH=$PWD/$mutants/$mutant/.libs FI_OFI_PMEM_LEDGER=yes \
		FI_LOG_LEVEL=warn FI_LOG_PROV=ofi_pmem \
		PMEM_KILL_MEMORY=powerfail \
		PMEM_KILL_ROUNDS=${PMEM_MUTANT_ROUNDS:-100} \
		fabtests/functional/pmem_kill_test >"$log" 2>&1
	status=$?
	if [ "$status" -ne 0 ] && grep -m 1 -a 'flush ledger: a commit' "$log"
	then
		echo "caught by the flush ledger: $mutant"
	else
		cat "$log"
		echo "NOT CAUGHT by the flush ledger: $mutant (status $status)"
		missed=1
	fi
done
exit "$missed"
