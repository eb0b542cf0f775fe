#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Every mistake ends with its own exit code and a text that names the cause.
. "$(dirname "$0")/tool.sh"

blames_no_path() { ! grep -q FI_PROVIDER_PATH "$dir/out" "$dir/err"; }

make_input "$dir/in" 2000000
start_server "$dir/region" --size 1M

# 2: usage
check "no command" tool 2
check "unknown command" tool 2 push a b
check "unknown option" tool 2 put "$dir/in" "$addr" --fast
check "put without a peer" tool 2 put "$dir/in"
for size in -1 x 1Q 1KB1 99999999999999999999 16777216T ''; do
	check "size '$size'" tool 2 put "$dir/in" "$addr" --offset "$size"
	check "is named" says "is not a size"
done
check "block of nothing" tool 2 put "$dir/in" "$addr" --block 0
check "depth of nothing" tool 2 put "$dir/in" "$addr" --depth 0
check "depth too large" tool 2 put "$dir/in" "$addr" --depth 5000
check "port too large" tool 2 serve "$dir/region" --port 65536
check "negative port" tool 2 serve "$dir/region" --port -1
check "empty region" tool 2 serve "$dir/new" --size 0
for peer in '' : h: h:0 h:65536 '[::1' '[]:1' '[::1]x'; do
	check "peer '$peer'" tool 2 put "$dir/in" "$peer"
done

# 6: does not fit
check "input larger than the region" tool 6 put "$dir/in" "$addr"
check "tells both sizes" says \
	"region holds 1048576 bytes, $dir/in needs 2000000"
head -c 1000 "$dir/in" >"$dir/small"
check "offset pushes it over the end" tool 6 put "$dir/small" "$addr" \
	--offset 1048000
check "huge offset does not wrap" tool 6 put "$dir/small" "$addr" \
	--offset 18446744073709551615
check "get beyond the end" tool 6 get "$addr" "$dir/out2" --offset 1M
check "get longer than the region" tool 6 get "$addr" "$dir/out2" --length 2M
check "get leaves no file" test ! -e "$dir/out2"

# 5: local file
check "put of a missing file" tool 5 put "$dir/none" "$addr"
check "is named" says "$dir/none: No such file"
check "put of a directory" tool 5 put "$dir" "$addr"
check "is named" says "is a directory"
: >"$dir/empty"
check "put of an empty file" tool 5 put "$dir/empty" "$addr"
check "is named" says "is empty"
mkfifo "$dir/fifo"
check "put of a pipe" tool 5 put "$dir/fifo" "$addr"
if [ "$(id -u)" -ne 0 ]; then
	cp "$dir/small" "$dir/secret"
	chmod 0 "$dir/secret"
	check "put of an unreadable file" tool 5 put "$dir/secret" "$addr"
fi
check "get into a missing directory" tool 5 get "$addr" "$dir/no/where"
check "get onto a directory" tool 5 get "$addr" "$dir"
check "get onto a device" tool 5 get "$addr" /dev/null
check "which is still one" test -c /dev/null
cp "$dir/small" "$dir/kept"
(
	ulimit -f 100
	tool 5 get "$addr" "$dir/kept"
)
check "get on a full disk" test $? -eq 0
check "keeps the old file" cmp -s "$dir/small" "$dir/kept"
check "and no temporary one" test -z "$(ls "$dir" | grep 'kept\.')"
$LIMIT "$FI_PMEM" get "$addr" - -p "$PROV" >/dev/full 2>"$dir/err"
check "get to a full standard output" test $? -eq 5
for json in "" --json; do
	$LIMIT "$FI_PMEM" get "$addr" "$dir/kept" -p "$PROV" $json \
		>/dev/full 2>"$dir/err"
	check "a result that is lost $json" test $? -eq 5
	check "is told" says "standard output: No space left on device"
done
$LIMIT "$FI_PMEM" get "$addr" - -p "$PROV" 2>"$dir/err" | head -c 1 >/dev/null
check "get to a reader that leaves" test "${PIPESTATUS[0]}" -eq 5

# Every command that takes a file, a directory or an address reports in one line
# what is not there, is something else, or may not be used.
one_line() { # CODE COMMAND TEXT ARGUMENTS...
	local wanted=$1 command=$2 text=$3
	shift 3
	check "$command $*" tool "$wanted" $command "$@"
	check "tells of $text" test "$(sed "s|^fi_pmem $command: .*$text.*|yes|" \
		"$dir/err")" = yes
}
none=$dir/none
missing="No such file or directory"
: >"$dir/sums"
one_line 5 put "$none: $missing" "$none" "$addr"
one_line 5 verify "$none: $missing" "$none" "$addr"
one_line 5 get "$none/file.*: $missing" "$addr" "$none/file"
one_line 5 scrub "$none/file.*: $missing" "$addr" --save "$none/file"
one_line 5 scrub "$none: $missing" "$addr" --against "$none"
one_line 5 "log append" "$none: $missing" "$addr" "$none" --create
one_line 5 serve "$none: does not exist; --size creates it" "$none"
one_line 5 serve "$none: does not exist" "$none" --read-only
check "which nothing creates" test -z "$(grep size "$dir/err")"
one_line 5 get "$dir: is a directory" "$addr" "$dir"
one_line 5 verify "$dir: is a directory" "$dir" "$addr"
one_line 5 scrub "$dir: exists and would be overwritten" "$addr" --save "$dir"
one_line 5 scrub "$dir: is a directory" "$addr" --save "$dir" --force
one_line 5 scrub "$dir: Is a directory" "$addr" --against "$dir"
one_line 5 scrub "$dir/sums: line 1 should be" "$addr" --against "$dir/sums"
check "a log" tool 0 log append "$addr" "$dir/small" --create
one_line 5 "log append" "$dir: Is a directory" "$addr" "$dir" --create
check "is still there" tool 0 log tail "$addr" -n 1000
check "with its records" cmp -s "$dir/out" "$dir/small"
one_line 5 serve "$dir: is a directory" "$dir"
case $PROV in
*ofi_pmem*)
	one_line 5 info "$none: $missing" "$none"
	one_line 5 info "$dir/small: is a file; its directory can be tried" \
		"$dir/small"
	one_line 5 info "$dir/small/in: Not a directory" "$dir/small/in"
	one_line 5 info "/dev/null: is not a DAX device" /dev/null
	one_line 5 bench "$none: $missing" --place "$none"
	one_line 5 bench "/dev/null: is not a DAX device" --place /dev/null --force
	one_line 5 bench "$none/plot.svg: $missing" --plot "$none/plot.svg"
	one_line 5 torture "$none/file: $missing" "$none/file"
	one_line 5 torture "$none: $missing" "$dir" --check "$none"
	one_line 5 torture "$dir: Is a directory" "$dir/small" --check "$dir"
	one_line 5 torture "$none/file: $missing" --target "$addr" --force \
		--journal "$none/file"
	for command in "info $dir" "bench --place $dir" "torture $dir" \
		"serve $dir/new --size 1M"; do
		one_line 1 "${command%% *}" \
			"bind: no-such-host.invalid is not an address of this host" \
			${command#* } --bind no-such-host.invalid
	done
	check "and makes nothing" test ! -e "$dir/new"
	;;
esac
for command in "put $dir/small" "verify $dir/small" "scrub --save $dir/new" \
	"log tail" "log dump" "log append --create" status; do
	set -- $command
	name=$1
	shift
	[ "$name" != log ] || { name="log $1"; shift; }
	one_line 3 "$name" "127.0.0.1:1: Connection refused" "$@" 127.0.0.1:1
	one_line 3 "$name" "no way to no-such-host.invalid:7476" "$@" \
		no-such-host.invalid
done
one_line 3 get "127.0.0.1:1: Connection refused" 127.0.0.1:1 "$dir/new"

# This user may not access a file that others may.
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
mkdir "$dir/private" "$dir/public"
cp "$dir/small" "$dir/private/file"
cp "$dir/small" "$dir/public/secret"
cp "$dir/small" "$dir/public/file"
chmod 700 "$dir/private"
chmod 600 "$dir/public/secret"
chmod 755 "$dir" "$dir/public"
if [ "$(id -u)" -eq 0 ] && nobody test -x "$FI_PMEM" -a -r "$dir/public/file" \
	2>/dev/null; then
	limit=$LIMIT
	LIMIT="setpriv --reuid 65534 --regid 65534 --clear-groups $limit"
	denied="Permission denied"
	one_line 5 put "$dir/public/secret: $denied" "$dir/public/secret" "$addr"
	one_line 5 put "$dir/private/file: $denied" "$dir/private/file" "$addr"
	one_line 5 get "$dir/public/file.*: $denied" "$addr" "$dir/public/file"
	one_line 5 serve "$dir/public/secret: $denied" "$dir/public/secret"
	one_line 5 serve "$dir/public/file: $denied" "$dir/public/file"
	one_line 5 serve "$dir/public/new: $denied" "$dir/public/new" --size 1M
	one_line 5 "log append" "$dir/public/secret: $denied" "$addr" \
		"$dir/public/secret" --create
	case $PROV in
	*ofi_pmem*)
		one_line 5 info "$dir/public: no file can be made there: $denied" \
			"$dir/public"
		one_line 5 info "$dir/private/in: $denied" "$dir/private/in"
		one_line 5 bench "no file can be made there: $denied" \
			--place "$dir/public"
		one_line 5 torture "$denied" "$dir/public"
		one_line 5 torture "$dir/private/file: $denied" \
			"$dir/private/file" --force
		;;
	esac
	LIMIT=$limit
fi

check "serve a missing file without --size" tool 5 serve "$dir/none"
check "is named" says "--size creates it"
check "serve an empty file without --size" tool 5 serve "$dir/empty"
check "serve a directory" tool 5 serve "$dir"
check "serve a pipe" tool 5 serve "$dir/fifo"
check "serve a device that is no DAX" tool 5 serve /dev/null
check "serve in a missing directory" tool 5 serve "$dir/no/where" --size 1M
check "serve what is being served" tool 5 serve "$dir/region" --port 0
check "is named" says "is served or locked"
check "serve more than the disk has" tool 5 serve "$dir/huge" --size 8388607T
check "leaves no file" test ! -e "$dir/huge"
cp "$dir/small" "$dir/grow"
(
	ulimit -f 100
	tool 5 serve "$dir/grow" --size 2M
)
check "serve cannot grow" test $? -eq 0
check "the file is as before" cmp -s "$dir/small" "$dir/grow"
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ]; then
	case $PROV in
	*ofi_pmem*)
		shm=$(mktemp /dev/shm/fi_pmem_test.XXXXXX)
		check "serve from tmpfs" tool 5 serve "$shm" --size 1M --port 0
		rm -f "$shm"
		;;
	esac
fi

# 1 and 3
check "port in use" tool 1 serve "$dir/other" --size 1M --bind 127.0.0.1 \
	--port "$port"
check "is named" says "cannot listen"
check "unknown host" tool 3 put "$dir/small" no-such-host.invalid
check "bind to an unknown host" tool 1 serve "$dir/other" \
	--bind no-such-host.invalid
check "bind to another host" tool 1 serve "$dir/other" --size 1M --bind 192.0.2.1
check "is named" says "192.0.2.1 is not an address of this host"

# A provider that is not offered: the plug-in is not always to blame.
good=$PROV
for PROV in no_such_provider "no_such_provider;ofi_pmem" "tcp,ofi_pmem" udp; do
	for command in "put $dir/small $addr" "status $addr" \
		"serve $dir/other --size 1M" bench; do
		check "$command with $PROV" tool 1 $command
		check "is named" grep -qE "^fi_pmem ${command%% *}: --provider: \
(there is no provider )?'$PROV'" "$dir/err"
		check "with what there is" says ";ofi_pmem"
		check "in one line" test "$(wc -l <"$dir/err")" -eq 1
		check "FI_PROVIDER_PATH is not blamed" blames_no_path
	done
done
check "nothing is made" test ! -e "$dir/other"
PROV=$good
check "another one for bench" tool 1 bench --against no_such_provider
check "is named" says "--against: there is no provider 'no_such_provider'"

case $PROV in
*ofi_pmem*)
	for filter in no_such_provider "" ofi_pmem "^${PROV%%;*}" ^ofi_pmem; do
		FI_PROVIDER=$filter check "FI_PROVIDER=$filter" tool 1 put \
			"$dir/small" "$addr"
		check "is named" test "$(cat "$dir/err")" = "fi_pmem put: \
FI_PROVIDER is '$filter', which hides provider $PROV: unset it, or set it to \
'$PROV'"
	done
	FI_PROVIDER=$PROV check "what it should be" tool 0 put "$dir/small" \
		"$addr"
	FI_PROVIDER=no_such_provider check "info with it" tool 0 info
	check "tells of it" grep -q "none: FI_PROVIDER is 'no_such_provider'" \
		"$dir/out"
	check "FI_PROVIDER_PATH is not blamed" blames_no_path
	FI_PROVIDER_PATH=/dev/null check "no plug-in" tool 1 put "$dir/small" \
		"$addr"
	check "is told" says "libpmem-fi.so was not loaded: FI_PROVIDER_PATH is \
'/dev/null', and must name its directory"
	for bad in SPIN_US=9x METHOD=psychic LEDGER=maybe PORT_RANGE=9-8; do
		check "FI_OFI_PMEM_$bad" env "FI_OFI_PMEM_$bad" bash -c \
			'! "$0" put "$1" "$2" -p "$3" 2>"$4"' "$FI_PMEM" \
			"$dir/small" "$addr" "$PROV" "$dir/err"
		check "is named" says "FI_OFI_PMEM_${bad%=*} has value ${bad#*=}"
		check "with what is accepted" says "accepted are"
		check "FI_PROVIDER_PATH is not blamed" blames_no_path
	done
	FI_OFI_PMEM_SPINUS=9 check "an unknown parameter" tool 0 put \
		"$dir/small" "$addr"
	check "is warned about" says "warning: FI_OFI_PMEM_SPINUS"
	;;
esac

# None of it has hurt the server.
check "the server goes on" tool 0 put "$dir/small" "$addr"
stop_server TERM
check "and ends cleanly" test $code -eq 0
check "connection refused" tool 3 put "$dir/small" "$addr"
check "is named" says "cannot connect to $addr"
finish
