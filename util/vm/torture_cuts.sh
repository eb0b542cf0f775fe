# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Sourced by util/vm/power_cuts.sh: the power is cut while fi_pmem torture operates
# on the target. It begins by a commit of all its bytes: a cut before the end of
# that does not count.

torture_and_cut() { # torture_and_cut NUMBER
	local initiators
	random initiators 1 4
	rm -f "$out/journal"
	cut_during client torture torture --target "$peer" --force \
		--journal "$out/journal" --seed "$seed$1" \
		--initiators $initiators --size 256K --ops 100000 \
		--timeout 20 --stall 20
	durable=$(number torture commits)
	echo "cut $1: --seed $seed$1 --initiators $initiators:" \
		"$durable commits acknowledged"
}

torture_check() { # torture_check NUMBER
	local checked
	run_tool 2 check torture /dev/dax0.0 --check "$out/journal" &&
		checked=$(number check checked_bytes) && [ "$checked" -gt 0 ]
	record "cut $1: ${checked:-no} bytes that had to be durable are there" $?
}
