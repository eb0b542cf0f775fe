#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Static checks: cppcheck over the tree, clang's thread-safety analysis over the
# provider (prov/pmem/src/core/lock.hh), and clang-tidy (.clang-tidy) over source
# files, which takes some twenty seconds for each.
#
#   util/scripts/test/lint.sh [--build DIR] [--wire | FILE...]
#
#   --build DIR  a build of this tree, for its config.h (default:
#                build/check/plain)
#   --wire       clang-tidy only for what reads what comes over the wire
#   FILE...      clang-tidy only for these
#
# Ends with a line "N passed, N failed, N skipped".

set -u
. "$(dirname "$0")/../common.sh"

build=$top/build/check/plain
wire=no
files=()

while [ $# -gt 0 ]; do
	case $1 in
	--help) usage 0 ;;
	--build)
		[ $# -ge 2 ] || usage 2
		build=$(cd "$2" && pwd) || exit 2
		shift
		;;
	--wire) wire=yes ;;
	-*) usage 2 ;;
	*) files+=("$(realpath "$1")") ;;
	esac
	shift
done
[ -e "$build/config.h" ] || die "$build is no build of this tree"
cd "$top" || exit 1

includes=(-I "$build" -I include -I prov/pmem/src -I util/lib -I util/fi_pmem)
if [ $wire = yes ]; then
	files=($(wire_readers))
elif [ ${#files[@]} -eq 0 ]; then
	files=($(git ls-files 'prov/pmem/src/*.cc' 'util/lib/*.cc' \
		'util/fi_pmem/*.cc' | grep -v /test/))
fi

run_cppcheck() {
	# GoogleTest's macros are no C++ for it, captured variables are none of
	# the function that a lambda is in, and it does not know unique_ptr's.
	# A thread that gives a service a task waits until that is done.
	cppcheck -j "$(nproc)" --quiet --std=c++17 --language=c++ \
		--enable=warning,portability --error-exitcode=1 \
		--suppress=danglingLifetime:*/service/task_queue.cc \
		--suppress=uselessAssignmentPtrArg:*/buffers.hh \
		--suppress=CastIntegerToAddressAtReturn:*/link.hh \
		-i util/fi_pmem/test -i util/lib/log/test "${includes[@]}" \
		prov/pmem/src util/fi_pmem util/lib fabtests/common
}

# Whether what a lock guards is used under it. The sources of a folder are one,
# which takes a fifth of the time; those in $without cannot be compiled here.
check_locks() {
	local folder status=0
	for folder in prov/pmem/src/*/; do
		printf '#include "%s"\n' "$folder"*.cc | grep -v "$without" |
			clang++ -fsyntax-only -DHAVE_CONFIG_H -std=c++17 \
				-Wthread-safety -Wthread-safety-beta \
				-Werror=thread-safety \
				-Werror=thread-safety-beta \
				-I . "${includes[@]}" -x c++ - || status=1
	done
	return $status
}

tidy() {
	printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 -I{} \
		clang-tidy --quiet {} -- -DHAVE_CONFIG_H -std=c++17 \
		"${includes[@]}" 2>/dev/null
}

run_cppcheck
record "cppcheck" $?
without='^$'
grep -q '^#define HAVE_VERBS 1' "$build/config.h" || {
	echo "skipped: locks in verbs_*.cc: it was configured with --disable-verbs"
	skipped=$((skipped + 1))
	without=/verbs_
}
check_locks
record "locks" $?
tidy
record "clang-tidy of ${#files[@]} files" $?
conclude
