#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Runs every test of the tree: formatting, headers, the unit and end-to-end
# tests; and counts the instructions of a commit. Ends with a table of what it did, in the columns stage, wall seconds,
# processor seconds, and how it ran, separated by tabs, which is also in
# build/check/stages.tsv; and with a line "N passed, N failed, N skipped". CI
# runs this, with everything.
#
#   util/check.sh [--sanitizers] [--trixie] [--verbs] [--fuzz [--until SECONDS]]
#                 [--share] [--after SECONDS] [--no-install]
#
#   --sanitizers  the tests again under ASan+UBSan and, those with threads, under
#                 TSan
#   --trixie      the tests of the provider again on libfabric 2.1, the standard
#                 fabtests and Open MPI, with the root of scripts/env/trixie.sh;
#                 must be run as root
#   --verbs       the end-to-end tests on Soft-RoCE, in a virtual machine of the
#                 same root
#   --fuzz        static checks (scripts/test/lint.sh), the unit tests under valgrind
#                 and the fuzzers (scripts/test/fuzz.sh), twenty seconds each
#   --until       what of --fuzz has not begun so many seconds after the script is
#                 skipped, and the fuzzers take no more than is left
#   --share       of what is long and seldom finds anything, a share that changes
#                 with the commit: a third of the mutants, the standard fabtests
#                 over one of two inner providers, half of what runs on verbs
#   --after       the quickstart ran before and took so many seconds: for the
#                 table and --until
#   --no-install  the packages are there already; do not call apt-get
#
# Builds below build/check/ and may be run again at any time.

set -u
. "$(dirname "$0")/scripts/common.sh"

sanitizers=no
fuzz=no
trixie=no
verbs=no
until=
install=yes
share=no
scripts=$top/util/scripts/test
checks=$top/build/check
stages=$checks/stages.tsv

seconds_argument() { # seconds_argument VALUE: or the usage
	[[ $1 =~ ^[0-9]+$ ]] || usage 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--sanitizers) sanitizers=yes ;;
	--fuzz) fuzz=yes ;;
	--until)
		seconds_argument "${2:-}"
		until=$2
		shift
		;;
	--after)
		seconds_argument "${2:-}"
		SECONDS=$2
		shift
		;;
	--share) share=yes ;;
	--help) usage 0 ;;
	--trixie) trixie=yes ;;
	--verbs) verbs=yes ;;
	--no-install) install=no ;;
	*) usage 2 ;;
	esac
	shift
done
mkdir -p "$checks"
printf 'stage\twall_s\tcpu_s\truns\n' >"$stages"
[ $SECONDS -lt 5 ] || printf 'quickstart\t%d\t-\talone\n' $SECONDS >>"$stages"

# The lines of a log that say what failed, for the end, which is read first.
say_why() { # say_why LOG
	local line
	while IFS= read -r line; do
		failures+=("    $line")
	done < <(awk '/: Failure$/ { left = 5 }
		/^(FAILED|REGRESSION|NOT FOUND)|: error: |runtime error: |Sanitizer: / {
			left = left ? left : 1 }
		left { print substr($0, 1, 200); left-- }' "$1" | head -n 12)
}

# Adds up what one `make check` ran. A GoogleTest program counts its cases, any
# other program counts as one.
count_results() { # count_results NAME BUILD_DIRECTORY
	local trs log result cases
	while IFS= read -r trs; do
		log=${trs%.trs}.log
		result=$(sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' "$trs")
		cases=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" |
			awk '{n += $1} END {print n + 0}')
		case $result in
		PASS) passed=$((passed + (cases > 0 ? cases : 1))) ;;
		SKIP)
			skipped=$((skipped + 1))
			echo "skipped: $1: $(basename "${log%.log}"):" \
				"$(tail -n 1 "$log")"
			;;
		*)
			passed=$((passed + cases))
			failed=$((failed + 1))
			failures+=("$1: $(basename "${log%.log}")")
			say_why "$log"
			tail -n 60 "$log"
			;;
		esac
		skipped=$((skipped + $(sed -n \
			's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" |
			awk '{n += $1} END {print n + 0}')))
	done < <(find "$2" -name '*.trs')
}

# The command before each command of a build: none, or "$root_sh" run.
inside=()

# A step that takes more seconds is ended, with all it started, and has failed.
step_limit=1200
limited() { # also when this script is ended, as it has a process group of its own
	setpriv --pdeathsig TERM timeout -k 10 $step_limit "$@"
}

# Sets $cpu to the processor seconds of this shell's children that have ended.
children_cpu() {
	local fields
	read -ra fields <"/proc/$BASHPID/stat"
	cpu=$(((fields[15] + fields[16]) / $(getconf CLK_TCK)))
}

stage_name=
stage() { # stage NAME: begins; the one before ends
	local cpu
	children_cpu
	[ -z "$stage_name" ] || printf '%s\t%d\t%d\t%s\n' "$stage_name" \
		$((SECONDS - stage_begun)) $((cpu - stage_cpu)) foreground \
		>>"$stages"
	stage_name=$1
	stage_begun=$SECONDS
	stage_cpu=$cpu
	[ -z "$1" ] || echo "== $1 ($SECONDS s)"
}

# Tests take longer to compile than to run.
test_flags="-g1 -O1"

# Configures and builds, with the tests if these have flags. Shows why it fails.
make_build() { # make_build NAME [configure option...]
	local dir=$checks/$1
	shift
	mkdir -p "$dir"
	cd "$dir" || return
	if [ ! -e config.status ] || [ "$top/configure" -nt config.status ]; then
		"${inside[@]}" "$top/configure" --enable-werror "$@" \
			>configure.log 2>&1 || {
			tail -n 20 configure.log
			return 1
		}
	fi
	"${inside[@]}" make -j"$(nproc)" >make.log 2>&1 &&
		{ [ -z "$test_flags" ] || "${inside[@]}" make -j"$(nproc)" check \
			TESTS= CXXFLAGS="$test_flags" >>make.log 2>&1; } ||
		{
			grep -E 'error|Error' make.log | head -n 20
			return 1
		}
}

# Each NAME here runs as job_NAME in the background, one after the other.
# Foreground and background together are to leave no processor idle: tests wait
# more than they compute.
jobs=()
workers=()
trap 'for worker in ${workers[@]+"${workers[@]}"}; do
	kill -- "-$worker" 2>/dev/null
done' EXIT

start_background() { # start_background NAME...
	rm -f "${@/#/$checks/result.}"
	set -m # a process group of its own
	(
		trap - EXIT
		renice -n 10 -p $BASHPID >/dev/null
		step_limit=3000 # there is little left for it now and then
		for name in "$@"; do
			(run_job "$name") >"$checks/$name.log" 2>&1
		done
	) </dev/null &
	workers+=($!)
	set +m
}

# Its result is in a file, for await_job.
run_job() { # run_job NAME
	local name=$1 begun=$SECONDS before cpu status
	passed=0 failed=0 skipped=0 failures=()
	children_cpu
	before=$cpu
	"job_$name"
	status=$?
	children_cpu
	printf '%s\n' "$status $passed $failed $skipped \
$((SECONDS - begun)) $((cpu - before))" ${failures[@]+"${failures[@]}"} \
		>"$checks/$name.part"
	mv "$checks/$name.part" "$checks/result.$name"
}

# Adds up what such a job found; its status.
await_job() { # await_job NAME
	local name=$1 status p f s wall cpu line
	until [ -e "$checks/result.$name" ]; do
		sleep 1 # between looks
		kill -0 "${workers[@]}" 2>/dev/null || break
	done
	[ -e "$checks/result.$name" ] || {
		record "$name: ended before it was done" 1
		return 1
	}
	{
		read -r status p f s wall cpu
		while read -r line; do
			failures+=("$line")
		done
	} <"$checks/result.$name"
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	printf '%s\t%d\t%d\t%s\n' "${name//_/ }" "$wall" "$cpu" background \
		>>"$stages"
	return "$status"
}

# These try the provider, its threads above all. The tool has no threads of its own,
# and its tests of options and messages say the same in every build.
provider_tests='prov/pmem/test/unit_tests util/lib/log/test/log_tests
$(fabtests_programs) prov/pmem/test/trace_test.sh
util/fi_pmem/test/serve.sh util/fi_pmem/test/torture.sh'

# The version of libfabric may matter for these, too.
libfabric_tests="$provider_tests prov/pmem/test/discovery_test.sh
util/fi_pmem/test/put.sh util/fi_pmem/test/roundtrip.sh
man/examples/examples_test.sh"

# Waits for this build and runs its tests.
check_build() { # check_build NAME [TESTS]
	local name=$1
	stage "$name: waiting for its build"
	await_job "build_$name" || {
		cat "$checks/build_$name.log"
		record "$name: build" 1
		return 1
	}
	run_tests "$@"
}

# The tests that took long, by their files: the log is made when one begins.
long_tests() { # long_tests NAME
	local trs begun seconds
	while IFS= read -r trs; do
		begun=$(stat -c %W "${trs%.trs}.log")
		seconds=$(($(stat -c %Y "$trs") - begun))
		[ "$begun" -eq 0 ] || [ $seconds -lt 20 ] ||
			printf '%s: %s\t%d\t-\ta test\n' "$1" \
				"$(basename "${trs%.trs}")" $seconds
	done < <(find . -name '*.trs') | sort -t $'\t' -k 2nr >>"$stages"
}

# Runs all tests without TESTS, which may be variables of the makefiles.
run_tests() { # run_tests NAME [TESTS]
	local name=$1 dir=$checks/$1
	stage "$name: tests"
	cd "$dir" || exit 1
	find . -name '*.trs' -delete
	limited "${inside[@]}" make -j"$(($(nproc) + 1))" check ${2+"TESTS=$2"} \
		>check.log 2>&1 || {
		[ $? -ne 124 ] ||
			record "$name: make check, $step_limit seconds" 1
		grep -E 'error|^(FAIL|ERROR)' check.log
	}
	if [ -z "$(find . -name '*.trs' -print -quit)" ]; then
		tail -n 20 check.log
		record "$name: make check ran no test" 1
		return
	fi
	stage "$name: results" # so that the long ones stand below
	long_tests "$name"
	count_results "$name" "$dir"
	return 0
}

# Adds up a script that ends with a line like ours.
check_script() { # check_script NAME COMMAND...
	local name=$1
	shift
	local log=$checks/${name// /-}.script.log line p f s _ status
	limited "$@" >"$log" 2>&1
	status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" |
		tail -n 1)
	if [ $status -eq 75 ] || [ -z "$line" ]; then
		tail -n 20 "$log"
		record "$name: ended with $status before any test" 1
		return
	fi
	read -r p _ f _ s _ <<<"$line"
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	[ $status -eq 0 ] || {
		failures+=("$name: ended with $status, see $log")
		say_why "$log"
		tail -n 60 "$log"
	}
}

# The root of Debian trixie: that takes the network longer than the processors.
job_trixie_root() {
	"$root_sh" make
}

# A packager builds this who needs neither the tool nor the tests.
job_plugin_alone() {
	local dir=$checks/alone status
	rm -rf "$dir"
	test_flags= # none are built
	make_build alone --disable-tool --enable-unity CXXFLAGS=-O0 &&
		make install DESTDIR="$dir/installed" >>make.log 2>&1 &&
		find "$dir/installed" -name libpmem-fi.so | grep -q . &&
		! find "$dir/installed" -name 'fi_pmem' | grep -q . &&
		make check 2>&1 | grep -q "configure was called with --disable-tests"
	status=$?
	[ $status -eq 0 ] || tail -n 20 "$dir/make.log"
	record "the plug-in without the tool and the tests" $status
}

# The build in it, which waits for it.
job_build_trixie() {
	"$root_sh" make || return
	inside=("$root_sh" run)
	test_flags="-g1 -O0"
	make_build trixie --enable-unity CXXFLAGS="-g1 -O2"
}

# Programs built against the libfabric of this machine run with the later one of the
# root, whose structures are longer: under ASan, if that was built.
check_newer() {
	local build=plain tests=Newer*:ApiVersion.*
	tests+=:Plane.*Lost*:Timeout.*Lost*:HostileService.*:HostilePeer.*
	[ "$sanitizers" = no ] || build=asan
	stage "trixie: plain or asan build"
	limited "$root_sh" run \
		"$top/build/check/$build/prov/pmem/test/unit_tests" \
		--gtest_filter="$tests" >"$top/build/check/newer.log" 2>&1
	local status=$?
	[ $status -eq 0 ] || tail -n 60 "$top/build/check/newer.log"
	record "a build for an earlier libfabric" $status
}

# These tests need what only Debian trixie has.
check_trixie() {
	inside=("$root_sh" run)
	check_build trixie "$libfabric_tests" || return
	await_job trixie_root
	inside=()
	check_newer
	stage "trixie: standard fabtests"
	check_script fabtests "$scripts/fabtests.sh" --jobs 2 --alone-later \
		"${fabtests_options[@]}"
	stage "trixie: fi_pmem programs"
	check_script "fi_pmem programs" "$root_sh" run \
		"$top/fabtests/scripts/pmem_fabtests.sh" "$root_build/.libs"
	stage "trixie: Open MPI"
	check_script "Open MPI" "$scripts/mpi.sh"
}

# These run in a virtual machine with an RDMA device, on the same root. Nothing else
# runs then, because an emulated processor leaves little of ours to other tests.
check_verbs() {
	stage "verbs in a machine"
	step_limit=1800 check_script "verbs in a machine" "$scripts/verbs.sh" \
		"${verbs_options[@]}"
}

check_format() {
	cd "$top" || exit 1
	find include prov util fabtests -name '*.cc' -o -name '*.hh' -o \
		-name '*.h' -o -name '*.c' | xargs clang-format --dry-run --Werror
}

# A missing dependency must be named by its Debian package.
check_configure_message() (
	cd "$(mktemp -d)" || exit 1
	PKG_CONFIG_LIBDIR=/nonexistent "$top/configure" >out 2>&1
	grep -q 'install the package libfabric-dev' out
	ret=$?
	rm -rf "$PWD"
	exit $ret
)

# Valgrind sees, for example, reads of unwritten memory, which ASan does not. One
# test steps through a store, which would be through all of valgrind; the others do
# often, or to 2 GiB, what more tests do once, or race against the kernel's own
# write-back.
check_valgrind() (
	local without=*AlignedIntegersAreFlushedAsOneStore
	without+=:Machines/Litmus*:*OfMoreBytesThanAnIntCounts
	without+=:FaultyDiskTest.*:VerifyService.OfMuch*
	without+=:SealedProxy.EachBit*:SealPhases.AreAsMany*:*RekeyingFails*
	without+=:SealRegionKey.WarnsOnce*
	cd "$checks/plain" || exit
	srcdir=$top limited valgrind -q --fair-sched=yes --error-exitcode=1 \
		prov/pmem/test/unit_tests \
		--gtest_filter="-$without" \
		>valgrind.log 2>&1 || {
		tail -n 60 valgrind.log
		exit 1
	}
)

# How long each target may be fuzzed, as many at a time as there are processors.
# A fuzzer finds new mistakes at once, or in a night: see CONTRIBUTING.
fuzz_seconds() {
	local targets seconds=20
	targets=$(ls "$top"/{prov/pmem,util}/fuzz/*_fuzz.cc | wc -l)
	[ -z "$until" ] ||
		seconds=$(((until - SECONDS) * $(nproc) / targets))
	echo $((seconds > 20 ? 20 : seconds))
}

too_late() { # too_late WHAT
	[ -n "$until" ] && [ "$SECONDS" -ge "$until" ] || return
	echo "skipped: $1: it is later than $until s"
	skipped=$((skipped + 1))
}

# These find mistakes without tests of their own.
job_valgrind() {
	too_late "valgrind" && return
	fewer_rounds
	check_valgrind
	local status=$?
	record "unit tests under valgrind" $status
	[ $status -eq 0 ] || say_why "$checks/plain/valgrind.log"
}

# Noise does not change them, so they need no processor of their own.
job_instructions() {
	check_script "instructions" "$scripts/instructions.sh"
}

job_static_checks() {
	too_late "static checks" ||
		check_script "static checks" "$scripts/lint.sh" --wire
}

job_fuzzers() {
	too_late "fuzzers" ||
		check_script "fuzzers" "$scripts/fuzz.sh" \
			--seconds "$(fuzz_seconds)" --no-install
}

job_headers() {
	make -C "$checks/plain" check-headers >/dev/null
	record "every header stands alone" $?
	make -C "$checks/plain" check-test-sources CXX=clang++ >/dev/null
	record "every unit test stands alone" $?
}

# The plain build runs them all, and tries the tests.
fewer_rounds() {
	export SKIP_MUTANTS=${SKIP_MUTANTS:-yes}
	export PMEM_KILL_ROUNDS=${PMEM_KILL_ROUNDS:-20}
	export PMEM_LIVENESS_ROUNDS=${PMEM_LIVENESS_ROUNDS:-3}
	export WEAK_NIC_SEEDS=${WEAK_NIC_SEEDS:-10}
	export LITMUS_SEEDS=${LITMUS_SEEDS:-3}
	export LOG_CRASHES=${LOG_CRASHES:-200}
	export PMEM_VERIFY_CLEAN=${PMEM_VERIFY_CLEAN:-1000}
	export PMEM_LOG_CRASHES=${PMEM_LOG_CRASHES:-10}
	export SEALED_SHARE=$sealed_few # one of the programs
}

# With --share each commit draws a number, from which these follow.
fabtests_options=()
verbs_options=()
sealed_few=1/14
share_by_commit() {
	local draw providers=(tcp "tcp;ofi_rxm")
	draw=$((16#$(git -C "$top" rev-parse --short=6 HEAD 2>/dev/null ||
		echo 0)))
	export MUTANTS_SHARE=$((draw % 3 + 1))/3
	export SEALED_SHARE=$MUTANTS_SHARE
	sealed_few=$((draw % 14 + 1))/14
	fabtests_options=(--prov "${providers[draw % 2]}")
	verbs_options=(--share "$draw")
	echo "share $draw: mutants $MUTANTS_SHARE," \
		"fabtests over ${fabtests_options[1]}"
}

# Waits for it, and tells what it said.
collect_job() { # collect_job NAME
	stage "waiting for ${1//_/ }"
	await_job "$1"
	cat "$checks/$1.log"
}

# A release has every file of the repository but what is for that alone.
check_release() {
	local release=$checks/release missing
	git -C "$top" rev-parse --git-dir >/dev/null 2>&1 || return 0
	make -s -C "$checks/plain" distdir distdir="$release" \
		>"$release.log" 2>&1 || return
	missing=$(git -C "$top" ls-files | while read -r file; do
		[ -e "$release/$file" ] || echo "$file"
	done | grep -v -e '^\.ci/' -e '^\.gitignore$')
	rm -rf "$release"
	[ -z "$missing" ] || {
		echo "$missing"
		return 1
	}
}

if [ "$install" = yes ]; then
	install_packages "$top/build/packages.log" build test check || exit 1
fi
cd "$top" && update_configure || exit 1
[ "$share" = no ] || share_by_commit
if [ "$trixie" = yes ] || [ "$verbs" = yes ]; then
	start_background trixie_root
fi

stage "format, configure"
check_format
record "clang-format of the whole tree" $?
check_configure_message
record "configure names missing packages" $?
"$scripts/layers.sh"
record "folders include what they may" $?

# clang takes half the time of gcc to compile this and to run it. Any
# optimization more than doubles what it takes, and UBSan takes half as much again:
# the tests themselves do without.
make_sanitized() { # make_sanitized NAME SANITIZERS
	test_flags="-g1 -O0 -fno-sanitize=undefined"
	make_build "$1" CC=clang CXX=clang++ --enable-unity \
		--enable-sanitizer="$2" CXXFLAGS="-g1 -O0"
}
job_build_asan() {
	make_sanitized asan address,undefined
}
job_build_tsan() {
	make_sanitized tsan thread
}

# Nothing is compiled beside it: the rest needs its programs.
stage "plain: build"
make_build plain --enable-unity=tests CXXFLAGS="-g1 -O2" || {
	record "plain: build" 1
	conclude
	exit
}
[ "$sanitizers" = no ] || jobs+=(build_asan build_tsan)
[ "$trixie" = no ] || jobs+=(build_trixie)
jobs+=(headers plugin_alone instructions)
[ "$fuzz" = no ] || jobs+=(valgrind static_checks fuzzers)
start_background "${jobs[@]}"

run_tests plain
stage "release"
check_release
record "a release has every file" $?
fewer_rounds
if [ "$sanitizers" = yes ]; then
	check_build asan
	check_build tsan "$provider_tests"
fi

[ "$trixie" = no ] || check_trixie
collect_job headers
collect_job plugin_alone
collect_job instructions
if [ "$fuzz" = yes ]; then
	collect_job valgrind
	collect_job static_checks
	collect_job fuzzers
fi
[ "$verbs" = no ] || check_verbs
stage ""
echo "== stages, of $SECONDS s"
cat "$stages"
conclude
