#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The manual page has every option of every command, and no option more.
. "$(dirname "$0")/tool.sh"

page=${srcdir:-$(dirname "$0")/../../..}/man/fi_pmem.1.md
options_in() {
	grep -oE -- '--[a-z][a-z-]+' | sort -u
}
for command in serve status put get verify scrub info bench torture "key new" "log append" "log tail" "log dump" "log bench"; do
	"$FI_PMEM" $command --help | sed -n '/^Options:/,/^Exit/p' |
		options_in >"$dir/help.${command// /_}"
	check "$command has options" test -s "$dir/help.${command// /_}"
	for option in $(cat "$dir/help.${command// /_}"); do
		check "$command $option is described" \
			grep -qE "^\*.*$option" "$page"
	done
done
sort -u "$dir"/help.* >"$dir/all"
for option in $(grep -E '^\*-' "$page" | options_in); do
	check "$option exists" \
		grep -qxE -- "$option" <(cat "$dir/all"; echo --version)
done
for code in 0 1 2 3 4 5 6 7 8; do
	check "exit code $code is described" grep -qx "$code" "$page"
done
finish
