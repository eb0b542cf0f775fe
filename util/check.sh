#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Runs every test of the tree: formatting, headers, the unit and end-to-end
# tests. Ends with a line "N passed, N failed, N skipped". CI runs this, with
# everything.
#
#   util/check.sh [--sanitizers] [--trixie] [--verbs] [--fuzz [--until SECONDS]]
#                 [--no-install]
#
#   --sanitizers  all tests again under ASan+UBSan and under TSan
#   --trixie      all tests again on libfabric 2.1, the standard fabtests and
#                 Open MPI, with the root of util/root.sh; must be run as root
#   --verbs       the end-to-end tests on Soft-RoCE, in a virtual machine of the
#                 same root
#   --fuzz        static checks (util/lint.sh), the unit tests under valgrind and
#                 the fuzzers (util/fuzz.sh), a minute each
#   --until       what of --fuzz has not begun so many seconds after the script is
#                 skipped, and the fuzzers take no more than is left
#   --no-install  the packages are there already; do not call apt-get
#
# Builds below build/check/ and may be run again at any time.

set -u
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/util/common.sh"

sanitizers=no
fuzz=no
trixie=no
verbs=no
until=
install=yes

usage() {
	echo "usage: util/check.sh [--sanitizers] [--trixie] [--verbs]" \
		"[--fuzz [--until SECONDS]] [--no-install]" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--sanitizers) sanitizers=yes ;;
	--fuzz) fuzz=yes ;;
	--until)
		[[ ${2:-} =~ ^[0-9]+$ ]] || usage
		until=$2
		shift
		;;
	--trixie) trixie=yes ;;
	--verbs) verbs=yes ;;
	--no-install) install=no ;;
	*) usage ;;
	esac
	shift
done

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
			tail -n 60 "$log"
			;;
		esac
		skipped=$((skipped + $(sed -n \
			's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" |
			awk '{n += $1} END {print n + 0}')))
	done < <(find "$2" -name '*.trs')
}

# The command before each command of a build: none, or util/root.sh.
inside=()

# What hangs is ended, with all it started, and counts as failed: seconds.
step_limit=1200
limited() {
	timeout -k 10 $step_limit "$@"
}

# What begins, and how many seconds after the script.
stage() {
	echo "== $1 ($SECONDS s)"
}

# Of tests, which it takes longer to compile than to run.
test_flags="-g1 -O1"

# Configures and builds, with all tests. Shows why it fails.
make_build() { # make_build NAME [configure option...]
	local dir=$top/build/check/$1
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
		"${inside[@]}" make -j"$(nproc)" check TESTS= \
			CXXFLAGS="$test_flags" >>make.log 2>&1 ||
		{
			grep -E 'error|Error' make.log | head -n 20
			return 1
		}
}

# The builds to be made, each by its make_NAME, and the one being made.
builds=()
builder=
trap '[ -z "$builder" ] || kill -- "-$builder" 2>/dev/null' EXIT

start_next_build() {
	local name=${builds[0]:-}
	[ -n "$name" ] || return
	builds=("${builds[@]:1}")
	mkdir -p "$top/build/check"
	set -m # a process group of its own
	(
		renice -n 10 -p $BASHPID
		cd "$top" && "make_$name"
	) >"$top/build/check/$name.log" 2>&1 </dev/null &
	builder=$!
	set +m
}

# Waits for this build and runs its tests. The next one is made meanwhile: tests
# wait more than they compute.
check_build() { # check_build NAME
	local name=$1 dir=$top/build/check/$1 status
	stage "$name"
	wait "$builder"
	status=$?
	builder=
	start_next_build
	if [ $status -ne 0 ]; then
		cat "$dir.log"
		record "$name: build" 1
		return 1
	fi
	cd "$dir" || exit 1
	find . -name '*.trs' -delete
	limited "${inside[@]}" make -j"$(nproc)" check >check.log 2>&1 || {
		[ $? -ne 124 ] ||
			record "$name: make check, $step_limit seconds" 1
		grep -E 'error|^(FAIL|ERROR)' check.log
	}
	if [ -z "$(find . -name '*.trs' -print -quit)" ]; then
		tail -n 20 check.log
		record "$name: make check ran no test" 1
		return
	fi
	count_results "$name" "$dir"
	return 0
}

# Adds up a script that ends with a line like ours.
check_script() { # check_script NAME COMMAND...
	local name=$1
	shift
	stage "$name"
	local log=$top/build/check/${name// /-}.log line p f s _ status
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
		tail -n 60 "$log"
	}
}

# The root of Debian trixie, and the build in it.
make_trixie() {
	"$top/util/root.sh" make || return
	inside=("$top/util/root.sh" run)
	make_build trixie CXXFLAGS="-g1 -O2"
}

# What was built against the libfabric of this machine runs in the later one of
# the root, whose structures are longer: with ASan, where that was built.
check_newer() {
	local build=plain tests=Newer*:ApiVersion.*
	tests+=:Plane.*Lost*:Timeout.*Lost*:HostileService.*:HostilePeer.*
	[ "$sanitizers" = no ] || build=asan
	stage "built here, run in the root"
	limited "$top/util/root.sh" run \
		"$top/build/check/$build/prov/pmem/test/unit_tests" \
		--gtest_filter="$tests" >"$top/build/check/newer.log" 2>&1
	local status=$?
	[ $status -eq 0 ] || tail -n 60 "$top/build/check/newer.log"
	record "a build for an earlier libfabric" $status
}

# What only Debian trixie has.
check_trixie() {
	inside=("$top/util/root.sh" run)
	check_build trixie || return
	inside=()
	check_newer
	check_script fabtests "$top/util/fabtests.sh"
	check_script "fi_pmem programs" "$top/util/root.sh" run \
		"$top/fabtests/scripts/pmem_fabtests.sh" "$root_build/.libs"
	check_script "Open MPI" "$top/util/mpi.sh"
}

# In a virtual machine with an RDMA device, on the same root. Alone: an emulated
# processor leaves little of ours to other tests.
check_verbs() {
	step_limit=1800 check_script "verbs in a machine" "$top/util/rxe.sh"
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

# What is read before it was written, for example, which ASan does not see. One
# test steps through a store, which would be through all of valgrind; the others do
# often, or to 2 GiB, what more tests do once.
check_valgrind() (
	local without=*AlignedIntegersAreFlushedAsOneStore
	without+=:Machines/Litmus*:*OfMoreBytesThanAnIntCounts
	cd "$top/build/check/plain" || exit
	srcdir=$top limited valgrind -q --fair-sched=yes --error-exitcode=1 \
		prov/pmem/test/unit_tests \
		--gtest_filter="-$without" \
		>valgrind.log 2>&1 || {
		tail -n 60 valgrind.log
		exit 1
	}
)

# How long each target may be fuzzed, as many at a time as there are processors.
fuzz_seconds() {
	local targets seconds=60
	targets=$(ls "$top"/{prov/pmem,util}/fuzz/*_fuzz.cc | wc -l)
	[ -z "$until" ] ||
		seconds=$(((until - SECONDS) * $(nproc) / targets))
	echo $((seconds > 60 ? 60 : seconds))
}

too_late() { # too_late WHAT
	[ -n "$until" ] && [ "$SECONDS" -ge "$until" ] || return
	echo "skipped: $1: it is later than $until s"
	skipped=$((skipped + 1))
}

# What finds mistakes without a test of its own.
check_fuzz() {
	stage "valgrind"
	too_late "valgrind" || {
		check_valgrind
		record "unit tests under valgrind" $?
	}
	too_late "static checks" ||
		check_script "static checks" "$top/util/lint.sh" --wire
	too_late "fuzzers" ||
		check_script "fuzzers" "$top/util/fuzz.sh" \
			--seconds "$(fuzz_seconds)" --no-install
}

# A release has every file of the repository but what is for that alone.
check_release() {
	local release=$top/build/check/release missing
	git -C "$top" rev-parse --git-dir >/dev/null 2>&1 || return 0
	make -s -C "$top/build/check/plain" distdir distdir="$release" \
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
cd "$top" || exit 1
./autogen.sh >/dev/null 2>&1 || {
	echo "autogen.sh failed" >&2
	exit 1
}

check_format
record "clang-format of the whole tree" $?
check_configure_message
record "configure names missing packages" $?

make_plain() {
	make_build plain CXXFLAGS="-g1 -O2"
}
# Any optimization more than doubles what it takes to compile these, and UBSan
# takes half as much again: the tests themselves do without.
make_sanitized() { # make_sanitized NAME SANITIZERS
	test_flags="-g1 -O0 -fno-sanitize=undefined"
	make_build "$1" --enable-sanitizer="$2" CXXFLAGS="-g1 -O0"
}
make_asan() {
	make_sanitized asan address,undefined
}
make_tsan() {
	make_sanitized tsan thread
}
builds=(plain)
[ "$sanitizers" = no ] || builds+=(asan tsan)
[ "$trixie" = no ] || builds+=(trixie)
start_next_build

check_build plain
make -C "$top/build/check/plain" check-headers >/dev/null
record "every header stands alone" $?
check_release
record "a release has every file" $?
if [ "$sanitizers" = yes ]; then
	# Fewer rounds: the plain build runs them all, and tries the tests.
	export SKIP_MUTANTS=${SKIP_MUTANTS:-yes}
	export PMEM_KILL_ROUNDS=${PMEM_KILL_ROUNDS:-20}
	export PMEM_LIVENESS_ROUNDS=${PMEM_LIVENESS_ROUNDS:-3}
	export WEAK_NIC_SEEDS=${WEAK_NIC_SEEDS:-10}
	export LITMUS_SEEDS=${LITMUS_SEEDS:-3}
	export LOG_CRASHES=${LOG_CRASHES:-200}
	export PMEM_VERIFY_CLEAN=${PMEM_VERIFY_CLEAN:-1000}
	export PMEM_LOG_CRASHES=${PMEM_LOG_CRASHES:-10}
	check_build asan
	check_build tsan
fi

[ "$trixie" = no ] || check_trixie
[ "$verbs" = no ] || check_verbs
[ "$fuzz" = no ] || check_fuzz
stage "done"

conclude
