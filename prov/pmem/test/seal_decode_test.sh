#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The worked example of sealed records, which the unit tests compare with what the
# provider seals, is opened by a decoder that shares nothing with the provider; and
# the decoder refuses records that are changed, left out or repeated.

set -euo pipefail
tests=${srcdir:-$(dirname "$0")/../../..}/prov/pmem/test/seal
python3 -c 'import cryptography' 2>/dev/null || {
	echo "SKIP: python3-cryptography not found"
	exit 77
}
dir=$(mktemp -d ./seal_decode_test.XXXXXX)
trap 'rm -rf "$dir"' EXIT

decode() { python3 "$tests/decode.py" "$@"; }

decode --example "$tests/example.txt"

# The binary records of the first direction in the example, and how to open them.
value_of() { awk -v name="$1" '$1 == name { print $2; exit }' "$tests/example.txt"; }
record() { # record NUMBER
	awk -v number="$1" '$1 == "record" && ++count == number { print $2 }' \
		"$tests/example.txt" | python3 -c \
		'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))'
}
decode_records() {
	decode --cipher "$(value_of cipher)" --key "$(value_of key)" \
		--th "$(value_of th)" --direction "$(value_of direction)" \
		"$@" "$dir/records"
}
refused() { # refused WHY NUMBER...: of these records
	local number
	local why=$1
	shift
	for number in "$@"; do
		record "$number"
	done >"$dir/records"
	! decode_records 2>"$dir/err" || {
		echo "records $* were opened"
		exit 1
	}
	grep -q "$why" "$dir/err" || {
		cat "$dir/err"
		exit 1
	}
}

{
	record 1
	record 2
	record 3
} >"$dir/records"
decode_records --out "$dir/plain"
[ "$(wc -c <"$dir/plain")" -eq 57 ]
refused "tag is wrong" 2 3
refused "tag is wrong" 1 1
refused "tag is wrong" 1 3 # the last of the first phase is missing
refused "tag is wrong" 2 1
refused "tag is wrong" 1 3 3
refused "tag is wrong" 4 # of the other direction
record 1 | head -c 20 >"$dir/records"
! decode_records 2>"$dir/err"
grep -q "cut off" "$dir/err"
echo "what is changed, left out or repeated is refused"
