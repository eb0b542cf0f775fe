#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Static checks: cppcheck over the tree, and clang-tidy (.clang-tidy) over source
# files, which takes some twenty seconds for each.
#
#   util/lint.sh [--build DIR] [--wire | FILE...]
#
#   --build DIR  a build of this tree, for its config.h (default:
#                build/check/plain)
#   --wire       clang-tidy only for what reads what comes over the wire
#   FILE...      clang-tidy only for these
#
# Ends with a line "N passed, N failed, N skipped".

set -u
. "$(dirname "$0")/common.sh"

build=$top/build/check/plain
wire=no
files=()

usage() {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

while [ $# -gt 0 ]; do
	case $1 in
	--help) usage 0 ;;
	--build)
		[ $# -ge 2 ] || usage 2 >&2
		build=$(cd "$2" && pwd) || exit 2
		shift
		;;
	--wire) wire=yes ;;
	-*) usage 2 >&2 ;;
	*) files+=("$(realpath "$1")") ;;
	esac
	shift
done
[ -e "$build/config.h" ] || die "$build is no build of this tree"
cd "$top" || exit 1

includes=(-I "$build" -I include -I prov/pmem/src)
if [ $wire = yes ]; then
	files=(prov/pmem/src/target/{atomic_request,executor,session,verifier}.cc
		prov/pmem/src/target/session_greeting.cc
		prov/pmem/src/plane/channel_{answer,greeting,verify}.cc
		prov/pmem/src/plane/handshake.cc)
elif [ ${#files[@]} -eq 0 ]; then
	files=($(git ls-files 'prov/pmem/src/*.cc' 'util/log/*.cc' \
		'util/fi_pmem/*.cc' | grep -v /test/))
fi

run_cppcheck() {
	# GoogleTest's macros are no C++ for it, captured variables are none of
	# the function that a lambda is in, and it does not know unique_ptr's.
	# Who gives a service a task waits until that is done.
	cppcheck -j "$(nproc)" --quiet --std=c++17 --language=c++ \
		--enable=warning,portability --error-exitcode=1 \
		--suppress=danglingLifetime:*/target/service.cc \
		--suppress=uselessAssignmentPtrArg:*/buffers.hh \
		--suppress=CastIntegerToAddressAtReturn:*/link.hh \
		-i util/fi_pmem/test -i util/log/test "${includes[@]}" \
		prov/pmem/src util/fi_pmem util/log fabtests/common
}

tidy() {
	printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 -I{} \
		clang-tidy --quiet {} -- -DHAVE_CONFIG_H -std=c++17 \
		"${includes[@]}" 2>/dev/null
}

run_cppcheck
record "cppcheck" $?
tidy
record "clang-tidy of ${#files[@]} files" $?
conclude
