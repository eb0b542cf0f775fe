#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Sealed regions: the commands of fi_pmem_seal(7) work as they are there; who does not
# have the key is refused, and told why; and a bad file of keys is named by its line,
# before anything is made or changed.
. "$(dirname "$0")/tool.sh"
case $PROV in
*ofi_pmem*) ;;
*) skip "$PROV seals nothing" ;;
esac
top=${srcdir:-$(dirname "$0")/../../..}

key() { # FILE ARGUMENTS...: makes it
	local file=$1
	shift
	(umask 077; "$FI_PMEM" key new "$@" >"$file")
}
audited() { # FILE: no nonce was used twice
	test -s "$1" && test -z "$(sort "$1" | uniq -d)"
}
make_input "$dir/in" 300000
tr 0-9 a-j <"$dir/in" >"$dir/in2"

# The commands of the page, but for those that install and in another place.
sed -n '/^# FROM AN EMPTY/,/^# WHAT/p' "$top/man/fi_pmem_seal.7.md" |
	awk '/^```$/ {on = !on; next} on' >"$dir/commands"
check "the page has five commands" test "$(wc -l <"$dir/commands")" -eq 5
check "the first builds" grep -qx "util/quickstart.sh" "$dir/commands"
check "the second installs" grep -qx "make -C build install" "$dir/commands"
port=$((20000 + RANDOM % 10000))
on_page() { # PATTERN: the command, here
	sed -n -e "s,/etc/ofi_pmem.keys,$dir/page.keys,g" \
		-e "s,/srv/region,$dir/page,g" -e "s, localhost , localhost:$port ," \
		-e "s,README.md,$top/README.md," -e "s,fi_pmem ,\$FI_PMEM ," \
		-e "/$1/p" "$dir/commands"
}
eval "$(on_page "key new")"
command=$(on_page serve)
eval "exec ${command% &} --port $port -p '$PROV'" >"$dir/out" 2>"$dir/err" &
server=$!
pids="$pids $server"
until grep -q serving "$dir/out"; do
	alive || break
	sleep 0.05 # between looks
done
check "the page: serve" grep -q ", sealed, auth" "$dir/out"
eval "$LIMIT $(on_page put) -p '$PROV'" >"$dir/out" 2>"$dir/err"
check "the page: put" grep -q durable "$dir/out"
check "the page: it is there" same "$top/README.md" "$dir/page" \
	"$(stat -c %s "$top/README.md")"
check "the page: nobody else reads the key" test \
	"$(stat -c %a "$dir/page.keys")" = 600
stop_server TERM

# Every command, with every cipher.
for cipher in aes-128-gcm aes-256-gcm aes-128-ccm aes-256-ccm \
	chacha20-poly1305; do
	key "$dir/key" --cipher $cipher --id 7
	check "$cipher: a line" grep -qE "^7 $cipher [0-9a-f]+$" "$dir/key"
	export FI_OFI_PMEM_SEAL_AUDIT=$dir/audit FI_OFI_PMEM_SEAL_ROLL_RECORDS=100
	start_server "$dir/region" --size 1M --seal-key "$dir/key"
	check "$cipher: put" tool 0 put "$dir/in" "$addr" --seal-key "$dir/key"
	check "$cipher: is there" same "$dir/in" "$dir/region" 300000
	check "$cipher: put --verify" tool 0 put "$dir/in2" "$addr" --verify \
		--seal-key "$dir/key:7"
	check "$cipher: is there" same "$dir/in2" "$dir/region" 300000
	check "$cipher: get" tool 0 get "$addr" "$dir/back" --length 300000 \
		--seal-key "$dir/key:0x7"
	check "$cipher: has it" cmp -s "$dir/in2" "$dir/back"
	check "$cipher: verify" tool 0 verify "$dir/in2" "$addr" \
		--seal-key "$dir/key"
	check "$cipher: finds what differs" tool 7 verify "$dir/in" "$addr" \
		--seal-key "$dir/key"
	check "$cipher: scrub" tool 0 scrub "$addr" --save "$dir/sums" --force \
		--seal-key "$dir/key"
	check "$cipher: log append" tool 0 log append "$addr" "$dir/key" --create \
		--offset 512K --seal-key "$dir/key"
	check "$cipher: log tail" tool 0 log tail "$addr" --offset 512K \
		--seal-key "$dir/key"
	check "$cipher: is the record" cmp -s "$dir/key" "$dir/out"
	check "$cipher: status" tool 0 status "$addr"
	check "$cipher: says sealed" grep -q "read and write, sealed, good" \
		"$dir/out"
	stop_server TERM
	check "$cipher: the server ends well" test "$code" -eq 0
	check "$cipher: info" tool 0 info "$dir" --seal-key "$dir/key"
	check "$cipher: says so" grep -q "sealed by region key 7, $cipher" \
		"$dir/out"
	check "$cipher: and what is not hidden" grep -q \
		"lengths and times of messages" "$dir/out"
	check "$cipher: no nonce twice" audited "$dir/audit"
	unset FI_OFI_PMEM_SEAL_AUDIT FI_OFI_PMEM_SEAL_ROLL_RECORDS
done
small="--count 10 --rounds 1 --sizes 64 --depths 1"
check "bench" tool 0 bench --place "$dir" $small --ops commit --floor none \
	--seal-key "$dir/key"
LIMIT="timeout -k 5 120"
check "torture" tool 0 torture "$dir" --runs 1 --rounds 1 --timeout 60 \
	--powerfail --seal-key "$dir/key"
check "info without a key" tool 0 info "$dir"
check "says so" grep -q "not sealed: data" "$dir/out"

# Who may, and who is told why not.
refused() { # WHY COMMAND...
	local why=$1
	shift
	tool 4 "$@" && says " refuses: " && says "$why"
}
key "$dir/key" --id 7
key "$dir/bytes" --id 7
key "$dir/cipher" --id 7 --cipher chacha20-poly1305
key "$dir/id" --id 8
start_server "$dir/region" --size 1M --seal-key "$dir/key"
check "put with the key" tool 0 put "$dir/in" "$addr" --seal-key "$dir/key"
for put in "put $dir/in2 $addr" "get $addr $dir/back2" \
	"verify $dir/in2 $addr" "log append $addr $dir/key --create"; do
	check "without a key: $put" refused "there is no region key here" $put
	for other in bytes cipher id; do
		check "another $other: $put" refused \
			"of $dir/$other does not do" $put --seal-key "$dir/$other"
	done
done
off() { FI_OFI_PMEM_SEAL=off "$@"; }
check "put with FI_OFI_PMEM_SEAL=off is refused" off refused \
	"FI_OFI_PMEM_SEAL is off here" put "$dir/in2" "$addr"
check "the server says who was refused" grep -q "refused: not authenticated" \
	"$dir/server.err"
check "nothing was changed" same "$dir/in" "$dir/region" 300000
check "nothing was made" test ! -e "$dir/back2"
both() { # the environment means something else
	FI_OFI_PMEM_SEAL=off FI_OFI_PMEM_SEAL_KEY_FILE=$dir/id \
		FI_OFI_PMEM_SEAL_KEY_ID=8 "$@"
}
check "the option overrides the environment" both tool 0 put "$dir/in2" "$addr" \
	--seal-key "$dir/key"
environment() {
	FI_OFI_PMEM_SEAL=required FI_OFI_PMEM_SEAL_KEY_FILE=$dir/key "$@"
}
check "the environment alone does, too" environment tool 0 put "$dir/in" "$addr"
echo "$(cat "$dir/key") max=100K" >"$dir/limit"
chmod 600 "$dir/limit"
check "a key that is used up is refused" refused "it is used up" put "$dir/in2" \
	"$addr" --seal-key "$dir/limit"
stop_server TERM

start_server "$dir/region" --size 1M
check "without keys nothing is sealed" test "${serving#*, sealed}" = "$serving"
check "a region that is not sealed is refused" refused "is not sealed" put \
	"$dir/in" "$addr" --seal-key "$dir/key"
offered() { FI_OFI_PMEM_SEAL_KEY_FILE=$dir/key "$@"; }
check "but not if keys are only offered" offered tool 0 put "$dir/in" "$addr"
stop_server TERM

# Of two tenants each reaches its own file.
mkdir "$dir/red" "$dir/blue"
real=$(cd "$dir" && pwd -P)
key "$dir/tenants" --id 1
key "$dir/two" --id 2
sed "s,$, region=$real/blue," "$dir/two" >>"$dir/tenants"
start_server "$dir/red/region" "$dir/blue/region" --size 1M \
	--seal-key "$dir/tenants"
head -n 1 "$dir/tenants" >"$dir/one"
chmod 600 "$dir/one"
check "red reaches its own" tool 0 put "$dir/in" "$addr" --seal-key "$dir/one"
check "blue reaches its own" tool 0 put "$dir/in" "$addr" --region 1 \
	--seal-key "$dir/two"
check "red does not reach blue's" refused "does not accept the region key" put \
	"$dir/in2" "$addr" --region 1 --seal-key "$dir/one"
check "blue does not reach red's" refused "does not accept the region key" put \
	"$dir/in2" "$addr" --seal-key "$dir/two"
check "the ID chooses" tool 0 put "$dir/in" "$addr" --region 1 \
	--seal-key "$dir/tenants:2"
check "and another is refused" refused "does not accept region key 1" put \
	"$dir/in2" "$addr" --region 1 --seal-key "$dir/tenants:1"
stop_server TERM
sed "s,$, region=$real/red," "$dir/one" >"$dir/red.keys"
chmod 600 "$dir/red.keys"
check "a file that no key is for is not served" tool 1 serve "$dir/none" --size 1M \
	--seal-key "$dir/red.keys"
check "and says why" says "no region key is for it"
check "and is not left" test ! -e "$dir/none"

# Bad files. What they have is never shown.
secret=$(cut -d ' ' -f 3 "$dir/key")
names() { # TEXT COMMAND...: ends with this error, and nothing is done
	local text=$1
	shift
	tool 1 "$@" && says "FI_OFI_PMEM_SEAL_KEY_FILE: $dir/bad: $text" &&
		! says "$secret" && ! says "${secret:0:16}"
}
bad() { # NAME TEXT: the file is $dir/bad
	local name=$1 text=$2
	chmod "${mode:-600}" "$dir/bad" 2>/dev/null
	echo kept >"$dir/back"
	cp "$dir/in" "$dir/place"
	for command in "serve $dir/none --size 1M" "put $dir/in localhost:1" \
		"get localhost:1 $dir/back" "verify $dir/in localhost:1" \
		"scrub localhost:1 --save $dir/back" \
		"log append localhost:1 $dir/in" "info $dir" \
		"bench --place $dir/place --force" \
		"torture $dir/place --force" "torture $dir/none"; do
		check "$name: $command" names "$text" $command \
			--seal-key "$dir/bad${id:+:$id}"
	done
	check "$name: nothing was made" test ! -e "$dir/none"
	check "$name: nothing was changed" eval \
		'test "$(cat "$dir/back")" = kept && cmp -s "$dir/in" "$dir/place"'
}
line="7 aes-256-gcm $secret"
rm -f "$dir/bad"
bad "a file that is not there" "No such file"
echo "$line" >"$dir/bad"
mode=604 bad "a file that others read" "others may use it: chmod 600"
id=9 bad "an id that is not there" "no line has id 9"
some() { # NAME TEXT LINE...: the file has these lines
	local name=$1 text=$2
	shift 2
	printf '%s\n' "$@" >"$dir/bad"
	chmod 600 "$dir/bad"
	check "$name" names "$text" put "$dir/in" localhost:1 \
		--seal-key "$dir/bad"
}
some "a short key" "line 2: the key needs 64 hexadecimal digits" "" "${line%??}"
some "a long key" "line 1: the key needs 64 hexadecimal digits" "${line}00"
some "no hexadecimal digit" "line 1: the key needs 64 hexadecimal" "${line%?}g"
some "an unknown cipher" "line 1: the ciphers are aes-128-gcm" \
	"7 aes-256-cbc $secret"
some "no id" "line 3: it does not begin with an id" "# keys" "" \
	"aes-256-gcm $secret"
some "the id 0" "line 1: it does not begin with an id" "0 aes-256-gcm $secret"
some "two lines with one id" "line 3: line 1 has the same id" \
	"$line region=/a" "" "$line region=/b"
some "two defaults" "line 2: line 1 has a key for the same use" "$line" \
	"8 aes-256-gcm $secret"
some "an unknown option" "line 1: the options are region=, host= and max=" \
	"$line hots=127.0.0.1"
some "a bad address" "line 1: host= needs an IPv4 or IPv6 address" \
	"$line host=localhost"
some "a bad limit" "line 1: max= needs a number of bytes" "$line max=0"
some "a bad path" "line 1: region= needs a path" "$line region=here"

# Good ones that look odd.
start_server "$dir/region" --size 1M --seal-key "$dir/key"
odd() { # NAME: the file is $dir/odd
	chmod 600 "$dir/odd"
	check "$1 is taken" tool 0 put "$dir/in" "$addr" --seal-key "$dir/odd"
}
printf '# keys\r\n\r\n%s\r\n' "$(cat "$dir/key")" >"$dir/odd"
odd "a file with CRLF"
printf %s "$(cat "$dir/key")" >"$dir/odd"
odd "a file without an end of line"
awk '{print "0x7", $2, toupper($3)}' "$dir/key" >"$dir/odd"
odd "a file in capitals"
cp "$dir/key" "$dir/odd:1"
chmod 600 "$dir/odd:1"
check "a file whose name ends in a number is taken" tool 0 put "$dir/in" "$addr" \
	--seal-key "$dir/odd:1:7"
if [ "$(id -u)" -eq 0 ]; then
	cp "$dir/key" "$dir/odd"
	chmod 640 "$dir/odd"
	check "a file of root and its group is taken" tool 0 put "$dir/in" \
		"$addr" --seal-key "$dir/odd"
fi
stop_server TERM

# An unmodified program, by its environment alone.
command -v fi_rma_bw >/dev/null || {
	echo "not run: fi_rma_bw of fabtests is not here"
	finish
}
export FI_OFI_PMEM_REGIONS=all FI_OFI_PMEM_COMMIT=all FI_OFI_PMEM_SEAL=required
export FI_OFI_PMEM_SEAL_KEY_FILE=$dir/key FI_OFI_PMEM_SEAL_AUDIT=$dir/rma_bw
rma_bw() {
	$LIMIT fi_rma_bw -p "$PROV" -e msg -o write -S 4096 -I 100 "$@"
}
rma_bw -s 127.0.0.1 >"$dir/rma_bw.target" 2>&1 &
target=$!
pids="$pids $target"
for i in $(seq 200); do # port 9228
	grep -q ':240C .*:0000 0A ' /proc/net/tcp && break
	sleep 0.05 # between looks
done
rma_bw 127.0.0.1 >"$dir/out" 2>"$dir/err"
check "fi_rma_bw" test $? -eq 0
wait $target
check "and its target" test $? -eq 0
check "seals" audited "$dir/rma_bw"
finish
