#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Usage: md2nroff.sh PANDOC VERSION PAGE.md >PAGE
# Turns a page in libfabric's form (YAML head, Jekyll line, links to .html
# pages) into nroff. The head's title, name(section), becomes the page's. A line
# {{FILE}} stands for examples/FILE without its first line, the licence.
set -e
pandoc=$1 version=$2 page=$3
title=$(sed -n 's/^title: *//p' "$page" | head -n 1)
tagline=$(sed -n 's/^tagline: *//p' "$page" | head -n 1)
name=${title%(*}
section=${title##*(}
sed -e '1,/^{%.*%}$/d' -e 's/\[\([^]]*\)\]([^()]*\.html)/\1/g' "$page" |
	awk -v examples="${page%/*}/examples/" '
		!/^{{.*}}$/ {print; next}
		{
			file = examples substr($0, 3, length($0) - 4)
			print "```c"
			for (n = 0; (status = (getline line <file)) > 0; n++)
				if (n > 0)
					print line
			if (status < 0 || n == 0)
				exit 1
			print "```"
		}' |
	"$pandoc" --standalone --from=markdown-smart --to=man \
		--metadata=title="$name" --metadata=section="${section%)}" \
		--metadata=header="$tagline" --metadata=footer="ofi_pmem $version"
