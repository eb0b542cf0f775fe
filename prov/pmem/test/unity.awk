# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Every `parts`-th of the sources that are its arguments, beginning with number
# `part`, as one source. Each *_test.cc is in a namespace of its own, below its
# ofi_pmem if it has that, so that their names cannot clash.

# What the headers declare must stay outside: the last #include of each file.
BEGIN {
	# To gcc, names of an included file that are local are suspicious.
	print "#if defined(__GNUC__) && !defined(__clang__)"
	print "#pragma GCC diagnostic ignored \"-Wsubobject-linkage\""
	print "#endif"
	for (i = 1; i < ARGC; i++) {
		while ((getline line <ARGV[i]) > 0) {
			lines[i]++
			if (line ~ /^#[ \t]*include/)
				last_include[i] = lines[i]
			if (line ~ /^namespace ofi_pmem/ || ARGV[i] !~ /_test\.cc$/)
				unwrapped[i] = 1
		}
		close(ARGV[i])
		if (i % parts != part % parts)
			ARGV[i] = ""
		else
			index_of[ARGV[i]] = i
	}
}

function open_namespace() {
	printf "namespace %s {\n#line %d \"%s\"\n", name, FNR + 1, FILENAME
}

FNR == 1 {
	if (wrapped)
		print "}"
	file = index_of[FILENAME]
	wrapped = !(file in unwrapped)
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.cc$/, "", name)
	printf "#line 1 \"%s\"\n", FILENAME
}

name ~ /_test$/ && /^namespace ofi_pmem/ { sub(/^namespace [a-z_:]*/, "&::" name) }
{ print }
wrapped && FNR == last_include[file] + 0 { open_namespace() }
END { if (wrapped) print "}" }
