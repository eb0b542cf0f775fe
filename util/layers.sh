#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Compares which folder includes headers of which other one with the table in
# CONTRIBUTING.md, "The folders". Fails, and prints the difference, if a folder
# includes what the table does not allow, or no longer what it allows.
#
#   util/layers.sh     "make check-layers" calls it, and so does util/check.sh

set -euo pipefail
cd "$(dirname "$0")/.."

folders() { # lines "NAME DIRECTORY"
	local directory
	for directory in prov/pmem/src/*/ util/log/ util/fi_pmem/; do
		echo "$(basename "$directory") $directory"
	done
}

# Lines "FROM TO", of what is there.
found() {
	local name directory
	folders | while read -r name directory; do
		cat "$directory"*.cc "$directory"*.hh |
			sed -n 's/^#include "\([a-z_]*\)\/.*/\1/p' |
			grep -vx "$name" | sed "s/^/$name /" || true
	done | sort -u
}

# The same, of the first and the last column of the table.
allowed() {
	awk -F ' *[|] *' '/^[|] folder [|]/ { on = 1; next }
		on && !/^[|]/ { exit }
		on && $2 ~ /`/ {
			gsub(/[`,]/, "", $2)
			gsub(/[`,]/, "", $4)
			count = split($4, to, " ")
			for (i = 1; i <= count; i++)
				if (to[i] != "nothing")
					print $2, to[i]
		}' CONTRIBUTING.md | sort -u
}

[ -n "$(allowed)" ] || {
	echo "CONTRIBUTING.md has no table of folders"
	exit 1
}
diff -u --label "allowed, CONTRIBUTING.md" --label "found" \
	<(allowed) <(found)
