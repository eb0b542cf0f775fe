#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# doc/protocol.md has the messages, layouts, limits and codes of the sources, and
# no others. Both are reduced to one fact a line, and the lists are compared.
set -euo pipefail
top=${srcdir:-$(dirname "$0")/../../..}
document=$top/doc/protocol.md
source=$top/prov/pmem/src

# message HelloAck type 2 version 6    field HelloAck 24 4 magic
# bytes HelloAck 40                    value Cause unknown_key 2
# constant kVersion 8                  value Flag kCommit bit 1
of_sources() {
	cat "$source"/protocol/{wire,region_traits}.hh \
		"$source"/core/errors.hh "$source"/digest/digest.hh \
		"$source"/seal/cipher.hh |
		awk '
	{ text = text " " $0 }
	function number(value) {
		if (value in constant)
			return constant[value]
		sub(/^1 << /, "bit ", value)
		return value
	}
	function each_value(name, body, count, items, i, pair) {
		count = split(body, items, /, */)
		for (i = 1; i <= count; i++) {
			if (split(items[i], pair, / *= */) != 2)
				continue
			gsub(/ /, "", pair[1])
			sub(/ +$/, "", pair[2])
			if (name == "Type")
				type[pair[1]] = pair[2]
			else
				print "value", name, pair[1], number(pair[2])
		}
	}
	function each_field(name, body, count, items, i, word, at, size) {
		at = 0
		count = split(body, items, / *; */)
		for (i = 1; i < count; i++) {
			sub(/^ +/, "", items[i])
			if (items[i] ~ /^static/) {
				sub(/.*::/, "", items[i])
				kind[name] = items[i]
				continue
			}
			split(items[i], word, / +/)
			size = bytes[word[1]]
			if (word[2] ~ /\[/) {
				split(word[2], part, /[][]/)
				word[2] = part[1]
				size *= part[2]
			}
			print "field", name, at, size, word[2]
			at += size
		}
	}
	# The version of each type: "case Type::a: case Type::b: return 7;"
	function each_version(body, count, items, i, j, words, cases) {
		count = split(body, items, / *; */)
		for (i = 1; i <= count; i++) {
			cases = split(items[i], words, / +/)
			for (j = 1; j <= cases; j++) {
				if (words[j] == "default:")
					version[""] = number(words[cases])
				else if (sub(/^Type::/, "", words[j]) &&
					 sub(/:$/, "", words[j]))
					version[words[j]] = number(words[cases])
			}
		}
	}
	END {
		gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", text)
		gsub(/[ \t]+/, " ", text)
		bytes["uint8_t"] = bytes["Type"] = 1
		bytes["uint16_t"] = 2
		bytes["uint32_t"] = 4
		bytes["uint64_t"] = 8
		bytes["Nonce"] = bytes["Proof"] = 32
		constants = "inline constexpr [a-z0-9_]+ k[A-Za-z]+ = [^;]*;"
		enums = "enum (class )?[A-Za-z]+ : [a-z0-9_]+ [{][^}]*[}]"
		structs = "struct [A-Za-z]+ [{][^}]*[}]; " \
			"static_assert[(]sizeof[(][A-Za-z]+[)] == [0-9]+"
		versions = "version_of[(]Type type[)] noexcept [{] switch [^}]*[}]"
		all = constants "|" enums "|" structs "|" versions
		while (match(text, all)) {
			one = substr(text, RSTART, RLENGTH)
			text = substr(text, RSTART + RLENGTH)
			brace = index(one, "{")
			body = substr(one, brace + 1)
			sub(/[}].*/, "", body)
			count = split(one, word, / /)
			if (one ~ /^inline/) {
				value = one
				sub(/.* = /, "", value)
				sub(/;/, "", value)
				if (value !~ /^([0-9a-fx]+|1 << [0-9]+)$/)
					continue
				constant[word[4]] = number(value)
				if (word[4] != "kProvErrnoBase" &&
				    word[4] != "kMaxDigestLength")
					print "constant", word[4], number(value)
			} else if (one ~ /^enum/) {
				each_value(word[2] == "class" ? word[3] : word[2], body)
			} else if (one ~ /^version_of/) {
				sub(/.*[{]/, "", body)
				each_version(body)
			} else {
				print "bytes", word[2], word[count]
				bytes[word[2]] = word[count]
				each_field(word[2], body)
			}
		}
		for (name in kind) {
			since = version[kind[name]]
			if (!since)
				since = version[""]
			print "message", name, "type", type[kind[name]], \
				"version", since
		}
	}'
}

of_document() {
	awk -F ' *[|] *' '
	/^##/ {
		section = $1
		named = /^###/
		sub(/^#+ /, "", section)
		if (split(section, heading, /, /) == 2) {
			section = heading[1]
			sub(/ bytes/, "", heading[2])
			print "bytes", section, heading[2]
		}
	}
	!/^[|] *(`|[0-9]|bit [0-9])/ { next }
	section == "Messages" {
		print "message", $3, "type", $2, "version", $4
		next
	}
	{ gsub(/`/, "") }
	$2 ~ /^k/ { print "constant", $2, $3; next }
	$3 ~ /^[0-9]+$/ { print "field", section, $2, $3, $4; next }
	named { print "value", section, $3, $2 }' "$document"
}

facts=$(of_sources | sort)
for kind in message bytes field constant value; do
	grep -q "^$kind " <<<"$facts" || {
		echo "no $kind found in the sources"
		exit 1
	}
done
diff -u --label sources --label doc/protocol.md \
	<(echo "$facts") <(of_document | sort)
echo "doc/protocol.md agrees with the sources in $(wc -l <<<"$facts") facts"
