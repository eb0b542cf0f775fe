#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A server with an auth_key serves clients with the same, and nobody else.
. "$(dirname "$0")/tool.sh"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV has no auth_key" ;;
esac

key() { # FILE: makes a new one
	(umask 077 && head -c 32 /dev/urandom >"$1")
}

with_key() { # FILE COMMAND...
	local file=$1
	shift
	FI_OFI_PMEM_AUTH_KEY_FILE=$file "$@"
}

key "$dir/key"
key "$dir/other"
make_input "$dir/in" 300000
export FI_OFI_PMEM_AUTH_KEY_FILE=$dir/key
start_server "$dir/region" --size 1M
unset FI_OFI_PMEM_AUTH_KEY_FILE

check "the server says so" test "${serving##*, }" = "authentication: auth_key"
check "put with the key" with_key "$dir/key" tool 0 put "$dir/in" "$addr"
check "is there" same "$dir/in" "$dir/region" 300000
check "get with the key" with_key "$dir/key" tool 0 get "$addr" "$dir/back" \
	--length 300000
check "has it" cmp -s "$dir/in" "$dir/back"

tr 0-9 a-j <"$dir/in" >"$dir/in2"
refused() { # COMMAND...: ends with an error that names the key
	tool 4 "$@" && says "refuses: it" && says "auth_key"
}
check "put without a key is refused" refused put "$dir/in2" "$addr"
check "put with another key is refused" with_key "$dir/other" refused put \
	"$dir/in2" "$addr"
check "get without a key is refused" refused get "$addr" "$dir/back2"
check "nothing was changed" same "$dir/in" "$dir/region" 300000
check "the server goes on" with_key "$dir/key" tool 0 put "$dir/in2" "$addr"
stop_server TERM
check "and ends well" test "$code" -eq 0

start_server "$dir/open" --size 1M
check "an open server says so" test "${serving##*, }" = "authentication: none"
check "a client with a key refuses an open server" with_key "$dir/key" \
	refused put "$dir/in" "$addr"
check "one without does not" tool 0 put "$dir/in" "$addr"

check "info says that the service is open" tool 0 info "$dir"
check "in words" grep -q "the service is open" "$dir/out"
check "info says when it is not" with_key "$dir/key" tool 0 info "$dir"
check "in words" grep -q "auth_key" "$dir/out"

# An error names the setting that is wrong.
chmod 604 "$dir/other"
for command in "info $dir" "serve $dir/none2 --size 1M" "put $dir/in $addr"; do
	check "a key that others can read is refused: $command" \
		with_key "$dir/other" tool 1 $command
	check "by its name" says "FI_OFI_PMEM_AUTH_KEY_FILE: $dir/other"
	check "with the remedy" says "chmod 600"
done
check "nothing was made" test ! -e "$dir/none2"
check "a key that is not there is refused" with_key "$dir/none" \
	tool 1 info "$dir"
check "by its name" says "$dir/none: No such file"
if [ "$(id -u)" -eq 0 ]; then
	chmod 640 "$dir/other"
	check "a key of root and its group is taken" with_key "$dir/other" \
		tool 0 info "$dir"
fi
finish
