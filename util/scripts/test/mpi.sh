#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Open MPI over the layer: builds the tree and the programs of fabtests/mpi in
# the root of util/scripts/env/trixie.sh, and runs them there on 2, 3 and 4 ranks.
#
#   util/scripts/test/mpi.sh
#
# Messages and one-sided operations must give over the layer what they give
# without it. Then the power fails: what MPI_Win_flush covered must be in the
# files if writes commit, and must be lost if they do not. At last some of that
# again on what Open MPI takes for two nodes.
#
# Ends with a line "N passed, N failed, N skipped". Exits with 1 if anything
# failed, with 75 if the root could not be made. MPI_TIME_LIMIT is for how many
# seconds one program may run.

set -euo pipefail
. "$(dirname "$0")/../common.sh"

self=$top/util/scripts/test/mpi.sh
build=$root_build
programs=$build/fabtests/mpi
limit=${MPI_TIME_LIMIT:-120}
# MTL ofi takes the first, which has tagged messages; BTL ofi refuses whatever
# has ofi_rxm in its name.
mixed="tcp;ofi_rxm;ofi_pmem,tcp;ofi_pmem"
nodes=() # where mpirun shall place ranks
on_nodes=
interface=lo
work=

cleanup() {
	[ -z "$work" ] || rm -rf "$work"
}

build_programs() {
	local source name
	mkdir -p "$programs"
	for source in "$top"/fabtests/mpi/*.c; do
		name=$(basename "$source" .c)
		logged "$build/mpi.log" mpicc -std=c11 -D_GNU_SOURCE -Wall \
			-Wextra -Werror -g -O2 -o "$programs/$name" "$source"
	done
}

# Prints the arguments for Open MPI, by the name of the way that data takes:
#   mtl      messages by MTL ofi
#   btl      messages by BTL ofi, which then has no one-sided operations
#   both     messages and one-sided operations by BTL ofi
#   mixed    messages by MTL ofi, one-sided operations by BTL ofi: Open MPI
#            starts BTLs only with pml ob1, so that is not ruled out; MTL ofi
#            has priority
#   without  no libfabric at all: BTL tcp
# Never BTL sm, which would keep ranks of one node away from libfabric.
arguments() { # arguments WAY PROVIDERS
	local ofi="--mca opal_common_ofi_provider_include $2"
	case $1 in
	mtl) echo "--mca pml cm --mca mtl ofi --mca btl self $ofi" ;;
	btl) echo "--mca pml ob1 --mca btl ofi,self --mca btl_ofi_mode 1 $ofi" ;;
	both) echo "--mca pml ob1 --mca btl ofi,self --mca btl_ofi_mode 2 \
		--mca osc rdma $ofi" ;;
	mixed) echo "--mca pml ^ucx --mca mtl ofi --mca btl ofi,self \
		--mca btl_ofi_mode 0 --mca osc rdma $ofi" ;;
	without) echo "--mca pml ob1 --mca btl tcp,self \
		--mca btl_tcp_if_include $interface --mca osc rdma" ;;
	esac
}

# run_mpi WAY PROVIDERS RANKS PROGRAM [ARGUMENTS...]: standard output goes to
# $work/out, that of errors to $work/err, what mpirun says itself to $work/run.
# mpirun does not get to see the errors of the ranks: it mixes them up.
run_mpi() {
	local way=$1 providers=$2 ranks=$3 program=$4
	shift 4
	rm -f "$work/err"
	FI_PROVIDER=$providers FI_LOG_LEVEL=info FI_LOG_PROV=ofi_pmem \
		HWLOC_HIDE_ERRORS=2 ERRORS=$work/err timeout -k 5 "$limit" \
		mpirun --allow-run-as-root --oversubscribe -n "$ranks" \
		${nodes[@]+"${nodes[@]}"} $(arguments "$way" "$providers") \
		sh -c 'exec 2>>"$ERRORS"; exec "$0" "$@"' \
		"$programs/$program" "$@" \
		>"$work/out" 2>"$work/run" </dev/null
}

show_errors() { # show_errors WHAT
	echo "$1:"
	tail -n 20 "$work/run"
	grep -a -v '<info>\|:core:core:' "$work/err" | tail -n 20 || true
}

# went_through KIND RANKS: every rank opened a domain of ours, KIND is plain or
# persistent.
went_through() {
	local opened
	opened=$(grep -a -c "opened $1 domain" "$work/err" || true)
	[ "$opened" -ge "$2" ] && return
	echo "$opened of $2 ranks opened a $1 domain of ofi_pmem"
	return 1
}

# same_results KIND RANKS PROGRAM WAY PROVIDER WAY PROVIDER: the program gives
# over the second provider, which is ours, what it gives over the first.
same_results() {
	local kind=$1 ranks=$2 program=$3
	if ! run_mpi "$4" "$5" "$ranks" "$program"; then
		show_errors "without the layer"
		return 1
	fi
	mv "$work/out" "$work/wanted"
	if ! run_mpi "$6" "$7" "$ranks" "$program"; then
		show_errors "over the layer"
		return 1
	fi
	[ -s "$work/wanted" ] && diff "$work/wanted" "$work/out" &&
		went_through "$kind" "$ranks"
}

# compare KIND RANKS "PROGRAM..." WAY PROVIDER WAY PROVIDER
compare() {
	local kind=$1 ranks=$2 list=$3 program status
	shift 3
	for program in $list; do
		status=0
		same_results "$kind" "$ranks" "mpi_$program" "$@" || status=$?
		record "$program, $ranks ranks$on_nodes, $3 over $4${regions:+, $regions}" \
			$status
	done
}

# Windows in files; all ranks are killed the moment MPI_Win_flush has returned.
power_failure() { # power_failure RANKS WAY PROVIDERS
	local started
	rm -rf "$work/windows"
	mkdir "$work/windows"
	# The ranks kill themselves, so that mpirun never succeeds.
	FI_OFI_PMEM_BACKEND=powerfail run_mpi "$2" "$3" "$1" \
		mpi_durable_window "$work/windows" || true
	if ! grep -a -q 'signal 9' "$work/run"; then
		show_errors "the power did not fail"
		return 1
	fi
	went_through persistent "$1" &&
		"$programs/mpi_durable_window" --check "$work/windows" \
			>"$work/lost"
}

# Prints the lines of the windows of ranks 1 and up that lost something or nothing.
# Rank 0 wrote its own window, which does not pass libfabric.
lines_of_peers() { # lines_of_peers lost|kept
	local lost='[1-9][0-9]*' want
	[ "$1" = lost ] && want=$lost || want=0
	grep -E "^window [1-9][0-9]*: .*: $want of" "$work/lost" || true
}

all_survives() { # all_survives RANKS WAY PROVIDERS
	power_failure "$@" || return 1
	lines_of_peers lost
	[ -z "$(lines_of_peers lost)" ] && [ -n "$(lines_of_peers kept)" ]
}

all_is_lost() { # all_is_lost RANKS WAY PROVIDERS
	power_failure "$@" || return 1
	lines_of_peers kept
	[ -z "$(lines_of_peers kept)" ] && [ -n "$(lines_of_peers lost)" ]
}

check_window() { # check_window all_survives|all_is_lost RANKS WAY PROVIDERS
	local status=0
	"$@" || status=$?
	record "durable window, $2 ranks$on_nodes, $3 over $4, commit \
${FI_OFI_PMEM_COMMIT:-none}: ${1//_/ }" $status
}

check_messages() {
	local ranks
	heading "Messages"
	for ranks in 2 3 4; do
		compare plain $ranks "ring allreduce" mtl "tcp;ofi_rxm" \
			mtl "tcp;ofi_rxm;ofi_pmem"
		compare plain $ranks "ring allreduce" btl tcp btl "tcp;ofi_pmem"
	done
}

check_one_sided() {
	local ranks
	heading "One-sided operations"
	export FI_OFI_PMEM_REGIONS=all
	for ranks in 2 3 4; do
		regions="regions all"
		compare persistent $ranks rma without none both "tcp;ofi_pmem"
		export FI_OFI_PMEM_COMMIT=all
		regions="regions all, commit all"
		compare persistent $ranks "ring allreduce rma" without none \
			both "tcp;ofi_pmem"
		compare persistent $ranks "ring allreduce rma" without none \
			mixed "$mixed"
		unset FI_OFI_PMEM_COMMIT
	done
	unset FI_OFI_PMEM_REGIONS
	regions=
}

check_power_failure() {
	local ranks
	heading "Power failures"
	export FI_OFI_PMEM_REGIONS=all
	for ranks in 2 3 4; do
		export FI_OFI_PMEM_COMMIT=all
		check_window all_survives $ranks both "tcp;ofi_pmem"
		check_window all_survives $ranks mixed "$mixed"
		unset FI_OFI_PMEM_COMMIT
		check_window all_is_lost $ranks both "tcp;ofi_pmem"
		check_window all_is_lost $ranks mixed "$mixed"
	done
	unset FI_OFI_PMEM_REGIONS
}

# Two nodes on this one: daemons with host names of their own, which is what
# Open MPI tells nodes by. Between nodes the locks of windows are atomics, too.
# mpirun needs an interface that is not the loopback.
make_nodes() {
	ip link add mpi0 type veth peer name mpi1 &&
		ip link set mpi0 up && ip link set mpi1 up &&
		ip address add 10.0.0.1/24 dev mpi0 || return
	printf '127.0.0.1 localhost\n10.0.0.1 %s\n' \
		"$(hostname) node1 node2" >"$work/hosts"
	mount --bind "$work/hosts" /etc/hosts
	nodes=(--host "node1:2,node2:2" --map-by node
		--prtemca prte_do_not_resolve 1 --prtemca prte_if_include mpi0
		--prtemca plm_ssh_agent "$self agent")
	on_nodes=" on 2 nodes"
	interface=mpi0
}

agent() { # agent HOST COMMAND...: in place of ssh
	local host=$1
	shift
	exec unshare --uts sh -c 'hostname "$0" && exec sh -c "$*"' "$host" "$@"
}

check_nodes() {
	heading "Two nodes"
	if ! make_nodes 2>"$work/err"; then
		echo "skipped: two nodes: $(tail -n 1 "$work/err")"
		skipped=$((skipped + 1))
		return
	fi
	export FI_OFI_PMEM_REGIONS=all FI_OFI_PMEM_COMMIT=all
	regions="regions all, commit all"
	compare persistent 2 rma without none both "tcp;ofi_pmem"
	check_window all_survives 2 both "tcp;ofi_pmem"
	check_window all_survives 3 both "tcp;ofi_pmem"
	unset FI_OFI_PMEM_COMMIT
	check_window all_is_lost 3 both "tcp;ofi_pmem"
	unset FI_OFI_PMEM_REGIONS
}

inside() {
	local name
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	for name in $(compgen -e FI_ || true) $(compgen -e OMPI_MCA_ || true); do
		unset "$name"
	done
	build_programs
	export FI_PROVIDER_PATH=$build/.libs
	regions=
	work=$(mktemp -d "$build/mpi.XXXXXX")
	check_messages
	check_one_sided
	check_power_failure
	check_nodes
	echo
	conclude
}

case ${1:-} in
"")
	heading "Build in $build"
	"$root_sh" build
	exec "$root_sh" run "$self" inside
	;;
inside) inside ;;
agent)
	shift
	agent "$@"
	;;
--help) usage 0 ;;
*) usage 2 ;;
esac
