#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Errors in a command line are reported in words of fi_pmem: by which command,
# what was wrong, and what would be right.
. "$(dirname "$0")/tool.sh"

# refuses COMMAND TEXT ARGUMENTS...: usage error of COMMAND (put, log append, or
# nothing), whose first line is TEXT.
refuses() {
	local command=$1 text=$2
	shift 2
	$LIMIT "$FI_PMEM" $command "$@" >"$dir/out" 2>"$dir/err"
	code=$?
	check "fi_pmem $command $*" test $code -eq 2
	check "is told" test "$(head -n 1 "$dir/err")" = \
		"fi_pmem${command:+ $command}: $text"
	check "with where to read more" test "$(sed -n 2p "$dir/err")" = \
		"Run fi_pmem${command:+ $command} --help for the options."
	check "and nothing else" test "$(wc -l <"$dir/err")" -eq 2
}

commands="serve, put, get, status, verify, scrub, info, bench, log, key, torture"
refuses "" "a command is missing; there are $commands"
refuses "" "there is no command 'push'; there are $commands" push a b
refuses "" "there is no option --quiet before a command; commands are $commands" \
	--quiet info
refuses log "a command is missing; there are append, tail, dump, bench"
refuses log "there is no command 'apend'; there are append, tail, dump, bench" \
	apend host

# Options that there are not, or without a value, or with one too much.
for one in --fast --dept -x -1; do
	refuses put "there is no option $one; there are --help, --offset, \
--region, --seal-key, --timeout, --stall, --depth, --block, --source-offset, --length, \
--window, --no-commit, --verify, --resume, --provider, --json" in host $one
done
refuses "log tail" "there is no option --fast; there are --help, --offset, \
--region, --seal-key, --timeout, --stall, --length, --provider, --json, --lines, \
--follow" \
	--fast
refuses put "--depth needs a value: --depth N" in host --depth
refuses put "--offset needs a value: --offset SIZE" in host --offset
refuses put "--provider needs a value: --provider PROVIDER" in host -p
refuses "log tail" "--lines needs a value: --lines N" host -n
refuses put "--verify takes no value, not 'maybe'" in host --verify=maybe

# Values.
refuses put "--depth: must be a number from 1 to 4096, not 'many'" in host \
	--depth many
for depth in 0 4097 -1 +1 1.5 0x10 99999999999999999999 1k ''; do
	refuses put "--depth: must be a number from 1 to 4096, not '$depth'" \
		in host --depth "$depth"
done
refuses serve "--port: must be a number from 0 to 65535, not '65536'" file \
	--port 65536
refuses bench "--count: must be a number from 10 to 1000000, not '9'" --count 9
refuses bench "--sizes: must be a number from 1 to 16777216, not '0'" \
	--sizes 8,0
refuses "log bench" "--depths: must be a number from 1 to 4096, not 'x'" host \
	--depths 1,x
refuses torture "--seed: must be a number from 0 to 18446744073709551615, not \
'18446744073709551616'" place --seed 18446744073709551616
refuses torture "--keep: '3-1' is not a list such as 3,7-9, in ascending order" \
	place --keep 3-1
refuses put "--block: '1Q' is not a size such as 4096, 64K, 2G" in host \
	--block 1Q
refuses put "--block: must be 1 to 1G" in host --block 2G
refuses get "--length: must be 1 or more" host out --length 0
refuses serve "--size: must be 1 or more" file --size 0
refuses verify "--digest: 'md5' is none of crc16t10dif, crc32c, crc64ecma, \
crc64nvme, sha256, xxh128, xxh3" in host --digest md5
refuses "log append" "--order: 'fast' is none of initiator, lazy, target" host \
	--order fast
refuses bench "--ops: 'speed' is none of message, write, commit, fenced, \
append, drain, verified" --ops commit,speed
refuses torture "--faults: 'fire' is none of kill-target, stop-target, \
kill-initiator, freeze-target, none" place --faults fire
refuses "key new" "--cipher: 'aes-256-xts' is none of aes-128-ccm, aes-128-gcm, \
aes-256-ccm, aes-256-gcm, chacha20-poly1305" --cipher aes-256-xts
refuses "key new" "--id: must be a number from 1 to 18446744073709551614, not '0'" \
	--id 0
refuses key "a command is missing; there are new"
refuses bench "--plot: 'plot.jpg' does not end in the name of a format, which is one of \
.svg, .png, .gnuplot" --plot plot.jpg
for peer in : h: h:0 h:65536 '[::1' '[]:1' '[::1]x'; do
	refuses put "'$peer' is not HOST[:PORT]; PORT is 1 to 65535, and an \
IPv6 address before it needs brackets" in "$peer"
done
refuses put "LOCAL: must not be empty" "" host
refuses put "PEER: must not be empty" in ""
refuses info "PLACE: must not be empty" ""
refuses bench "PEER: must not be empty" ""
refuses bench "--place: must not be empty" --place ""
refuses torture "PLACE: must not be empty" ""
refuses serve "FILE: must not be empty" ""
refuses serve "--bind: must not be empty" file --bind ""
refuses scrub "--save: must not be empty" host --save ""
refuses "log append" "FILE: must not be empty" host ""
refuses torture "--check: must not be empty" place --check ""
refuses put "--provider: must not be empty" in host -p ""
refuses put "--seal-key: must not be empty" in host --seal-key ""
for id in 0 0x0 18446744073709551615; do
	refuses put "--seal-key: 'keys:$id' ends in no id, which is a number \
from 1 on" in host --seal-key "keys:$id"
done
refuses serve "--seal-key needs ofi_pmem, which provider 'tcp' does not have" \
	file -p tcp --seal-key keys

# Arguments that are missing, too many, or of no use together.
refuses put "LOCAL is missing: fi_pmem put LOCAL PEER"
refuses put "PEER is missing: fi_pmem put LOCAL PEER" in
refuses get "LOCAL is missing: fi_pmem get PEER LOCAL" host
refuses serve "FILE is missing: fi_pmem serve FILE..."
refuses status "PEER is missing: fi_pmem status PEER"
refuses "log append" "PEER is missing: fi_pmem log append PEER [FILE]"
refuses put "'c' is one argument too many: fi_pmem put LOCAL PEER" a b c
refuses info "'b' is one argument too many: fi_pmem info [PLACE]" a b
refuses put "--no-commit and --verify exclude each other" in host --verify \
	--no-commit
refuses serve "--size and --read-only exclude each other" file --size 1M \
	--read-only
refuses scrub "--save SUMS or --against SUMS is missing" host
refuses scrub "--save and --against exclude each other" host --save a \
	--against b
refuses scrub "--offset and --against exclude each other" host --against b \
	--offset 1
refuses put "--resume: standard input cannot be read twice" - host --resume
refuses torture "PLACE is missing: fi_pmem torture PLACE"
refuses torture "--target needs --journal FILE" --target host --force
refuses torture "--journal needs --target HOST[:PORT]" place --journal file
refuses torture "--check and --target exclude each other" --target host \
	--check file
for provider in tcp nonsense; do
	refuses torture "--provider: '$provider' has no ofi_pmem, which torture \
needs: write one such as 'tcp;ofi_pmem'" place -p "$provider"
	refuses info "--provider: '$provider' has no ofi_pmem, which info needs: \
write one such as 'tcp;ofi_pmem'" place -p "$provider"
done
refuses bench "--region needs PEER: a server of its own has one only" --region 1
refuses torture "--region needs --target: a target of its own has one region \
only" place --region 1
refuses "log bench" "log bench overwrites the region of PEER: --force allows it" \
	host

# The last of several holds, and leading zeros mean nothing.
octal() {
	$LIMIT "$FI_PMEM" torture --plan --seed 3 --seed 010 >"$dir/out" &&
		$LIMIT "$FI_PMEM" torture --plan --seed 10 | cmp -s - "$dir/out"
}
check "numbers are decimal" octal

# This holds in JSON, too.
if command -v jq >/dev/null; then
	$LIMIT "$FI_PMEM" log tail host -n x --json >"$dir/out" 2>"$dir/err"
	check "an error in JSON" jq -e '.command == "log tail" and .code == 2 and
		(.error | test("^--lines: must be a number"))' "$dir/out"
	check "and not as text" test ! -s "$dir/err"
fi

# Help fits a terminal, and has nothing of C++.
for command in "" serve status put get verify scrub info bench torture key "key new" \
	log "log append" "log tail" "log dump" "log bench"; do
	$LIMIT "$FI_PMEM" $command --help >"$dir/out" 2>"$dir/err"
	check "help of ${command:-fi_pmem}" test $? -eq 0
	check "fits 80 columns" test "$(wc -L <"$dir/out")" -le 80
	check "has no types" test -z "$(grep -E 'UINT|TEXT|FLOAT|Excludes:|REQUIRED' \
		"$dir/out")"
done
finish
