#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Compares the list of mutexes in core/lock.hh with the mutexes that the sources
# of the provider declare: each has its own entry, with its name, and the list
# names no other. Fails, and prints the difference.

set -euo pipefail
cd "${srcdir:-$(dirname "$0")/../../..}/prov/pmem/src"

# Lines "LEVEL RANK NAME", in the order of the list.
listed() {
	sed -n 's/^inline constexpr LockRank \(k[A-Za-z]*\){\([0-9]*\), "\(.*\)"};/\2 \1 \3/p' \
		core/lock.hh
}

# Lines "RANK NAME", of members like `Mutex lock_{lock_rank::kExample};`. The
# class is the last one that begins at the left margin.
declared() {
	find . -name '*.cc' -o -name '*.hh' | LC_ALL=C sort | xargs awk '
		FNR == 1 { class = "" }
		/^(class|struct) / && !/;$/ {
			class = $2
			sub(/:$/, "", class)
		}
		/^\t+(mutable |static |inline )*(Mutex|StripedLock) [a-z]/ {
			line = $0
			while (line !~ /;/ && (getline next_line) > 0)
				line = line next_line
			sub(/^.*(Mutex|StripedLock) /, "", line)
			rank = name = line
			sub(/[^a-z_].*/, "", name)
			if (!sub(/.*lock_rank::/, "", rank))
				rank = "no-rank"
			sub(/[^A-Za-z].*/, "", rank)
			print rank, class "::" name
		}'
}

failed=0
fail() {
	echo "$1"
	failed=1
}

[ -n "$(listed)" ] || fail "core/lock.hh has no list of mutexes"
diff -u --label "listed in core/lock.hh" --label "declared" \
	<(listed | cut -d ' ' -f 2- | sort) <(declared | sort) ||
	fail "the list of mutexes in core/lock.hh is not that of the sources"
listed | sort -c -n -k 1,1 -s || fail "the list is not in the order of levels"
[ "$(grep -c 'LockRank k' core/lock.hh)" -eq "$(listed | wc -l)" ] ||
	fail "an entry of the list has another form"
! grep -rnE 'std::(recursive_|shared_|timed_)*mutex|std::condition_variable|pthread_mutex_t' \
	--include='*.cc' --include='*.hh' . | grep -v '^\./core/lock\.hh:' ||
	fail "these are not of core/lock.hh, so that nothing checks them"
exit $failed
