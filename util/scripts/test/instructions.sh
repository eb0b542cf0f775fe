#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Counts the user-mode instructions of a commit of 8 bytes by valgrind's callgrind,
# and compares them with instructions.txt beside this script: a figure that is more
# than 5 % above fails, one more than 5 % below should be lowered there.
#
#   util/scripts/test/instructions.sh [--build DIR] [--update]
#
#   --build DIR  a build with "make check TESTS=" (default: build/check/plain)
#   --update     write what is counted to instructions.txt
#
# native-initiator: fi_writemsg(3) to a region that a NIC flushes, and the read of its
# completion, without what the NIC's own library does. socket-initiator: the same over
# a TCP socket. socket-target: what the service does with it, from the message to the
# answer, with the looks that find nothing.
#
# The figures hold for the compiler that instructions.txt names, at -O2 and with every
# source by itself; with another one they are printed and do not fail. Ends with a line
# "N passed, N failed, N skipped".

set -u
. "$(dirname "$0")/../common.sh"

build=$top/build/check/plain
figures=$top/util/scripts/test/instructions.txt
tolerance=5 # per cent
update=no
while [ $# -gt 0 ]; do
	case $1 in
	--build)
		build=${2:-}
		[ -n "$build" ] || usage 2
		shift
		;;
	--update) update=yes ;;
	--help) usage 0 ;;
	*) usage 2 ;;
	esac
	shift
done

skip() {
	echo "skipped: $1"
	skipped=$((skipped + 1))
	conclude
	exit
}

command -v valgrind >/dev/null || skip "valgrind is not installed"
[ -d "$build" ] || die "there is no build in $build"
build=$(cd "$build" && pwd)
program=$build/prov/pmem/test/commit_cost
[ -x "$program" ] || die "$program is not there: make check TESTS="

# What decides how many instructions there are: compiler, level, and one or all sources
# of a folder at a time.
makefile_variable() {
	sed -n "s/^$1 = //p" "$build/Makefile" | head -n 1
}
describe_build() {
	local flags
	$(makefile_variable CXX) --version | head -n 1
	flags=$(makefile_variable CXXFLAGS | tr ' ' '\n' |
		grep -E '^-(O|m|f)' | tr '\n' ' ')
	grep -q '^#core_units = ' "$build/Makefile" || flags+="folders together"
	echo "${flags% }"
}

# What is counted: everything in these functions. None of them calls another one. How
# often the service's loop looks at the clock depends on the machine, so it is not
# among them.
initiator="ofi_pmem::Committer::post* ofi_pmem::Committer::read*"
target="ofi_pmem::ServiceThread::read_completions*"

# in_fake_nic OUT: how many of them its functions took that the provider calls, by the
# calls that are in the profile: a name is given once, then by its number.
in_fake_nic() {
	awk '/^c?fn=/ {
			id = $1
			sub(/.*=/, "", id)
			if (NF > 1)
				name[id] = $0
			callee = name[id]
		}
		/^calls=/ {
			getline
			if (callee ~ /::FakeLink::(post_|chain_done)/ ||
			    callee ~ /::FakeQueues::(read_|trywait)/)
				sum += $2
		}
		END { print sum + 0 }' "$1"
}

# instructions FIGURE COUNT: of so many commits, with all that is before the first.
instructions() {
	local method=${1%-*} functions=$initiator function options=() all
	[ "${1#*-}" = initiator ] || functions=$target
	set -f
	for function in $functions; do
		options+=(--toggle-collect="$function")
	done
	set +f
	all=$(PMEM2_FORCE_GRANULARITY=CACHE_LINE FI_OFI_PMEM_SPIN_US=0 \
		valgrind --tool=callgrind --fair-sched=yes --collect-atstart=no \
		--callgrind-out-file="$results/$1.out" "${options[@]}" \
		"$program" "$method" "$2" 2>&1 | tee -a "$results/log" |
		sed -n 's/.*Collected : //p')
	[ "$method" != native ] || all=$((all - $(in_fake_nic "$results/$1.out")))
	echo "$all"
}

# What is done once falls out, as when a connection is made.
per_commit() { # per_commit FIGURE
	local few many
	few=$(instructions "$1" 1000)
	many=$(instructions "$1" 3000)
	[ -n "$few" ] && [ -n "$many" ] && echo $(((many - few) / 2000))
}

committed() { # committed FIGURE
	sed -n "s/^$1 //p" "$figures" 2>/dev/null
}

judge() { # judge FIGURE COUNTED
	local known
	known=$(committed "$1")
	if [ -z "$2" ] || [ "$2" -le 0 ]; then
		tail -n 5 "$results/log"
		record "$1: nothing was counted" 1
	elif [ -z "$known" ] || [ "$comparable" = no ]; then
		echo "skipped: $1: $2 instructions; ${known:-none} committed"
		skipped=$((skipped + 1))
	elif [ $(($2 * 100)) -gt $((known * (100 + tolerance))) ]; then
		echo "callgrind_annotate --auto=no $results/$1.out says where"
		record "$1: $2 instructions, $known committed" 1
	else
		[ $(($2 * 100)) -ge $((known * (100 - tolerance))) ] ||
			echo "$1 has become less: lower it in instructions.txt"
		record "$1: $2 instructions, $known committed" 0
	fi
}

results=$build/instructions
mkdir -p "$results"
: >"$results/log"
cd "$results" || exit # the program makes its file there
described=$(describe_build)
comparable=yes
if [ "$described" != "$(sed -n 's/^# built: //p' "$figures" 2>/dev/null)" ]; then
	[ "$update" = yes ] || printf '%s\n%s\n' \
		"another build than that of the figures:" "$described"
	comparable=no
fi
all="native-initiator socket-initiator socket-target"
if [ "$update" = yes ]; then
	{
		sed -n '/^# built/q; p' "$figures"
		echo "$described" | sed 's/^/# built: /'
		for figure in $all; do
			echo "$figure $(per_commit "$figure")"
		done
	} >"$results/figures" && cp "$results/figures" "$figures"
	cat "$figures"
	exit
fi
for figure in $all; do
	judge "$figure" "$(per_commit "$figure")"
done
conclude
