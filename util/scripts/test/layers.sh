#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Compares which folder includes headers of which other one with the table in
# CONTRIBUTING.md, "Where to start reading". Fails, and prints the difference, if a
# folder includes what the table does not allow, or no longer what it allows; if
# anything outside prov/ includes a header of core/, directly or through another
# one; and if it includes any other of the provider than the two that are for all,
# or compiles a source of the provider.
#
#   util/scripts/test/layers.sh
#
# "make check-layers" calls it, and so does util/check.sh.

set -euo pipefail
. "$(dirname "$0")/../common.sh"

case ${1:-} in
"") ;;
--help) usage 0 ;;
*) usage 2 ;;
esac
cd "$top"

# Lines "FILE INCLUDED-FILE", of files in the tree. A name is looked for in the
# folder of the file and then, as the compiler has them, below these.
roots="include prov/pmem/src util/lib util/fi_pmem fabtests prov/pmem/fuzz
prov/pmem/test"
includes() {
	local files
	files=$(find include prov util fabtests -name '*.cc' -o -name '*.hh' -o \
		-name '*.c' -o -name '*.h')
	{
		echo "$files"
		grep -o '^#include ["<][^">]*' $files |
			sed 's/:#include ["<]/ /'
	} | awk -v roots="$roots" '
		BEGIN { count = split(roots, root) }
		NF == 1 { there[$1] = 1; next }
		{
			name = $1
			sub("[^/]*$", $2, name)
			for (i = 1; !(name in there) && i <= count; i++)
				name = root[i] "/" $2
			if (name in there)
				print $1, name
		}'
}

# Lines "FROM TO", of the folders that the table is about.
found() {
	awk 'function folder(file,    part) {
			split(file, part, "/")
			if (sub("^prov/pmem/src/", "", file))
				return file ~ "/" ? part[4] : ""
			if (file ~ "^include/shared/")
				return "shared"
			if (file ~ "/test/")
				return ""
			if (file ~ "^util/lib/")
				return part[2] "/" part[3]
			if (file ~ "^util/fi_pmem/[^/]*/")
				return part[2] "/" part[3]
			return file ~ "^util/fi_pmem/" ? part[2] : ""
		}
		{
			from = folder($1)
			to = folder($2)
			if (from != "" && to != "" && from != to)
				print from, to
		}' <<<"$included" | sort -u
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

# Prints, for each file outside prov/ that comes to core/, the way there and what
# else it takes from the provider.
trespasses() {
	awk '{ next_of[$1] = next_of[$1] " " $2 }
		function look(file, way,    to, count, i) {
			if (file ~ "^prov/pmem/src/core/") {
				print way
				return 1
			}
			if (file in seen)
				return 0
			seen[file] = 1
			count = split(next_of[file], to, " ")
			for (i = 1; i <= count; i++)
				if (look(to[i], way " -> " to[i]))
					return 1
			return 0
		}
		END {
			for (file in next_of) {
				if (file ~ "^prov/")
					continue
				split("", seen)
				look(file, file)
			}
		}' <<<"$included"
	awk -v public="/(digest/digest|persist/dax_memory).hh$" '
		$1 !~ "^prov/" && $2 ~ "^prov/pmem/src/" && $2 !~ public {
			print $1 " -> " $2
		}' <<<"$included"
	grep -rn 'prov/pmem/src/.*\.cc' --include='Makefile*' fabtests include \
		man util Makefile.am || true
}

included=$(includes)
[ -n "$(allowed)" ] || die "CONTRIBUTING.md has no table of folders"
diff -u --label "allowed, CONTRIBUTING.md" --label "found" \
	<(allowed) <(found)
trespassing=$(trespasses)
[ -z "$trespassing" ] || {
	echo "not for what is outside prov/:"
	echo "$trespassing"
	exit 1
}
