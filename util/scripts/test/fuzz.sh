#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Fuzzes the parsers of what comes over the wire, from files and from the user,
# under ASan and UBSan. Ends with a line "N passed, N failed, N skipped".
#
#   util/scripts/test/fuzz.sh [--seconds N] [--coverage] [--minimize]
#                             [--no-install] [TARGET...]
#
#   --seconds N   of each target (default 60); 0 only replays the corpus
#   --coverage    afterwards, of the files with parsers, the lines that all
#                 inputs reach, those that were found included
#   --minimize    take what was found, as far as it reaches more, into the
#                 corpus in the source tree
#   --no-install  the packages are there already; do not call apt-get
#   TARGET        such as session_fuzz; default: all
#
# Builds below build/fuzz/ with clang. What is found stays there, in found/, and
# is where the next run starts; the input of a crash stays in crashes/.

set -u
. "$(dirname "$0")/../common.sh"

build=$top/build/fuzz
seconds=60
coverage=no
minimize=no
install=yes
targets=()

# The files with the parsers that the targets are for; not those that accept
# connections, wait and let go of them, channel.cc and service.cc.
parsers=(
	prov/pmem/src/core/{address,params}.cc
	prov/pmem/src/persist/proc_maps.cc
	prov/pmem/src/seal/key_{file,line}.cc
	$(wire_readers) prov/pmem/src/protocol/wire.hh
	util/lib/client/{address,greeter,private_data}.cc
	util/lib/log/{layout,reader,recovery,scanner}.cc
)

while [ $# -gt 0 ]; do
	case $1 in
	--seconds)
		[[ ${2:-} =~ ^[0-9]+$ ]] || usage 2
		seconds=$2
		shift
		;;
	--coverage) coverage=yes ;;
	--minimize) minimize=yes ;;
	--no-install) install=no ;;
	--help) usage 0 ;;
	-*) usage 2 ;;
	*) targets+=("$1") ;;
	esac
	shift
done

source_of() { # source_of TARGET: without .cc
	local source
	for source in "$top"/{prov/pmem,util}/fuzz/"$1".cc; do
		[ ! -e "$source" ] || echo "${source%.cc}"
	done
}

if [ ${#targets[@]} -eq 0 ]; then
	for source in "$top"/{prov/pmem,util}/fuzz/*_fuzz.cc; do
		targets+=("$(basename "${source%.cc}")")
	done
fi
for target in "${targets[@]}"; do
	[ -n "$(source_of "$target")" ] || die "there is no target $target"
done

program_of() { # program_of BUILD TARGET
	local source
	source=$(source_of "$2")
	echo "$1${source#"$top"}"
}

make_targets() { # make_targets BUILD CONFIGURE-ARGUMENT
	local dir=$1 kind=$2 target program programs=()
	for target in "${targets[@]}"; do
		program=$(program_of "$dir" "$target")
		programs+=("${program#"$dir/"}")
	done
	mkdir -p "$dir"
	(
		cd "$dir" || exit
		[ -e Makefile ] || logged "$dir/build.log" "$top/configure" \
			--enable-werror --enable-unity "$kind" CC="${CC:-clang}" \
			CXX="${CXX:-clang++}" CXXFLAGS="-O1 -g1" || exit
		logged "$dir/build.log" make -j"$(nproc)" "${programs[@]}"
	)
}

# The corpus in the sources, and what was found here.
inputs_of() { # inputs_of TARGET
	local source corpus
	source=$(source_of "$1")
	corpus=$(dirname "$source")/corpus/$1
	mkdir -p "$build/found/$1"
	echo "$build/found/$1"
	[ ! -d "$corpus" ] || echo "$corpus"
}

fuzz() { # fuzz TARGET
	local target=$1
	local options=(-print_final_stats=1 -max_len=2048 -timeout=20
		-artifact_prefix="$build/crashes/$target-")
	if [ "$seconds" -eq 0 ]; then
		options+=(-runs=0)
	else
		options+=(-max_total_time="$seconds")
	fi
	"$(program_of "$build" "$target")" "${options[@]}" \
		$(inputs_of "$target") >"$build/$target.log" 2>&1
	echo $? >"$build/$target.status"
}

# One target runs on each processor, because none has threads that compute.
fuzz_all() {
	local target
	for target in "${targets[@]}"; do
		[ "$(jobs -r | wc -l)" -lt "$(nproc)" ] || wait -n
		rm -f "$build/$target.status"
		fuzz "$target" &
	done
	wait
}

tell() { # tell TARGET: how it went
	local log=$build/$1.log status executions
	status=$(cat "$build/$1.status" || echo 1)
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	[ "$status" -eq 0 ] || tail -n 40 "$log"
	record "$1: ${executions:-no} executions" "$status"
	total=$((total + ${executions:-0}))
}

# Keeps fewer inputs that reach the same code, however often; among those the
# longest, which reach the most.
minimize() { # minimize TARGET
	local source corpus input kept=$build/kept/$1
	source=$(source_of "$1")
	corpus=$(dirname "$source")/corpus/$1
	rm -rf "$kept"
	mkdir -p "$kept" "$corpus"
	"$(program_of "$build" "$1")" -merge=1 -use_counters=0 -max_len=2048 \
		"$kept" $(inputs_of "$1") >"$build/$1.merge.log" 2>&1 || return
	rm -f "$corpus"/*
	for input in $(ls -S "$kept" | head -n 64); do
		cp "$kept/$input" "$corpus"
	done
	echo "$1: $(ls "$corpus" | wc -l) inputs"
}

report_coverage() {
	local dir=$build/coverage target programs=()
	make_targets "$dir" --enable-fuzzers=coverage || return
	rm -f "$dir"/*.profraw
	for target in "${targets[@]}"; do
		LLVM_PROFILE_FILE=$dir/$target.profraw \
			"$(program_of "$dir" "$target")" -runs=0 \
			$(inputs_of "$target") >"$dir/$target.log" 2>&1 ||
			return
		programs+=(-object "$(program_of "$dir" "$target")")
	done
	llvm-profdata merge -o "$dir/all.profdata" \
		"$dir"/*.profraw || return
	(cd "$top" && llvm-cov report -instr-profile "$dir/all.profdata" \
		"${programs[@]:1}" "${parsers[@]/#/$top/}")
}

if [ "$install" = yes ]; then
	install_packages "$top/build/packages.log" build check || exit 1
fi
heading "building"
update_configure && make_targets "$build" --enable-fuzzers || exit 1
mkdir -p "$build/crashes"
total=0
heading "fuzzing"
fuzz_all
for target in "${targets[@]}"; do
	tell "$target"
done
echo "$total executions"
if [ "$minimize" = yes ]; then
	heading "the corpus"
	for target in "${targets[@]}"; do
		minimize "$target" || record "$target: minimized" 1
	done
fi
if [ "$coverage" = yes ]; then
	heading "coverage"
	report_coverage || record "coverage" 1
fi
conclude
