#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# put --verify, verify and scrub find every range that is not what it should be,
# and nothing else; what cannot be read is a range as well, and harms nobody.
. "$(dirname "$0")/tool.sh"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV cannot verify" ;;
esac

bytes=5000001
make_input "$dir/in" $bytes
start_server "$dir/region" --size 8M

# change OFFSET: another value for one byte of the region
change() {
	printf '\001' | dd of="$dir/region" bs=1 seek="$1" conv=notrunc \
		status=none
}
tells() { # LINE: exactly so in the last output
	grep -qxF -- "$1" "$dir/out"
}
lines() { # N: so many in the last output
	test "$(wc -l <"$dir/out")" -eq "$1"
}

check "put --verify" tool 0 put "$dir/in" "$addr" --offset 100 --verify
check "says so" grep -q "read back as written" "$dir/out"
check "it is there" same "$dir/in" "$dir/region" $bytes 0:100
for digest in crc32c crc64ecma crc16t10dif xxh3 xxh128 sha256; do
	check "verify by $digest" tool 0 verify "$dir/in" "$addr" \
		--offset 100 --digest $digest
	check "is the same" grep -q "is the same as" "$dir/out"
done
check "at another offset nothing is" tool 7 verify "$dir/in" "$addr"
check "which is one range" tells "offset 0, $bytes bytes: differs"

check "scrub --save" tool 0 scrub "$addr" --save "$dir/sums" --offset 1
cp "$dir/sums" "$dir/baseline"
check "a baseline that is there" tool 5 scrub "$addr" --save "$dir/sums"
check "is named" says "$dir/sums: exists and would be overwritten"
check "and stays" cmp -s "$dir/sums" "$dir/baseline"
check "but with --force" tool 0 scrub "$addr" --save "$dir/baseline" --force
check "scrub --against" tool 0 scrub "$addr" --against "$dir/sums"

# Bytes change in the first block, in two adjacent ones, and in the short last one.
change 100
change $((100 + 3 * 4096))
change $((100 + 4 * 4096 + 4095))
change $((100 + bytes - 1))
check "verify finds them" tool 7 verify "$dir/in" "$addr" --offset 100
check "the first" tells "offset 100, 4096 bytes: differs"
check "neighbours as one" tells \
	"offset $((100 + 3 * 4096)), 8192 bytes: differs"
last=$((bytes / 4096 * 4096))
check "the last" tells \
	"offset $((100 + last)), $((bytes - last)) bytes: differs"
check "and no others" lines 3
check "by JSON" tool 7 verify "$dir/in" "$addr" --offset 100 --json
if command -v jq >/dev/null; then
	check "the ranges" test "$(jq -c 'select(.event) | [.offset, .bytes]' \
		"$dir/out" | head -n 1)" = "[100,4096]"
	check "the sum" test "$(jq 'select(.command) | .bad_bytes' \
		"$dir/out")" -eq $((3 * 4096 + bytes - last))
fi
check "scrub finds them" tool 7 scrub "$addr" --against "$dir/sums"
check "by its blocks" tells "offset 1, 4096 bytes: differs"
check "larger blocks" tool 7 verify "$dir/in" "$addr" --offset 100 --block 1M
check "are larger ranges" tells "offset 100, 1048576 bytes: differs"
check "put repairs it" tool 0 put "$dir/in" "$addr" --offset 100 --verify
check "as scrub sees" tool 0 scrub "$addr" --against "$dir/sums"

start=$(date +%s%N)
check "scrub at a rate" tool 0 scrub "$addr" --against "$dir/sums" --rate 4M
check "takes its time" test $(($(date +%s%N) - start)) -ge 1500000000

# Sums that are none.
head -n 100 "$dir/sums" >"$dir/short"
check "truncated sums" tool 5 scrub "$addr" --against "$dir/short"
check "are told by the line" says "line 101 should be a digest"
(cat "$dir/sums" && echo 0123456789abcdef) >"$dir/long"
check "longer sums" tool 5 scrub "$addr" --against "$dir/long"
sed '2s/.*/digest md5/' "$dir/sums" >"$dir/md5"
check "an unknown digest" tool 5 scrub "$addr" --against "$dir/md5"
check "is told" says "line 2"
sed '5s/.*/length 9000000/' "$dir/sums" >"$dir/beyond"
check "sums of a larger region" tool 6 scrub "$addr" --against "$dir/beyond"
check "no sums" tool 5 scrub "$addr" --against "$dir/none"
check "neither" tool 2 scrub "$addr"
check "both" tool 2 scrub "$addr" --save "$dir/a" --against "$dir/sums"
check "what the sums tell" tool 2 scrub "$addr" --against "$dir/sums" \
	--block 1K
check "a digest that is none" tool 2 verify "$dir/in" "$addr" --digest md5
check "a file beyond the region" tool 6 verify "$dir/in" "$addr" --offset 4M
check "no file" tool 5 verify "$dir/none" "$addr"
check "nothing durable to verify" tool 2 put "$dir/in" "$addr" --verify \
	--no-commit

# A file that shrank under the server.
truncate -s 4194304 "$dir/region"
check "pages that are gone" tool 7 scrub "$addr" --against "$dir/sums"
check "are unreadable" grep -q "^offset 4190209, .* bytes: unreadable$" \
	"$dir/out"
check "and only these" lines 1
check "nothing is saved" tool 7 scrub "$addr" --save "$dir/new"
check "no file" test ! -e "$dir/new"
check "the server is alive" alive
head -c 1000 "$dir/in" >"$dir/little"
check "and serves what is left" tool 0 put "$dir/little" "$addr" --verify
stop_server TERM

# If only durable bytes are digested, a missing flush shows: that of a write that
# does not commit, and that of a service that forgets it.
export FI_OFI_PMEM_BACKEND=powerfail
start_server "$dir/simulated" --size 8M
check "put --no-commit" tool 0 put "$dir/in" "$addr" --no-commit
check "is not durable" tool 7 verify "$dir/in" "$addr"
check "put" tool 0 put "$dir/in" "$addr"
check "is" tool 0 verify "$dir/in" "$addr"
check "says of what" grep -q "(persistence domain)" "$dir/out"
stop_server KILL
mutant=prov/pmem/test/mutants/skip_flush/.libs
if [ -d "$mutant" ]; then
	FI_OFI_PMEM_LEDGER=no FI_PROVIDER_PATH=$PWD/$mutant \
		start_server "$dir/forgetful" --size 8M
	check "a service that skips its flushes" tool 0 put "$dir/in" "$addr"
	check "is found by verify" tool 7 verify "$dir/in" "$addr"
	check "and by put --verify" tool 7 put "$dir/in" "$addr" --verify
	check "which says so" says "does not read back what was written"
	stop_server KILL
fi
finish
