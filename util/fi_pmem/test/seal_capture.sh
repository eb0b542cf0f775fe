#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A file with a marker is put, read back, verified and logged between two network
# namespaces, while tcpdump looks on. Without a region key it sees the marker, the
# token of the region, the digests and, if there is one, the base address. With one it
# sees none of them; but a decoder that is given the key opens every record.
. "$(dirname "$0")/tool.sh"
case $PROV in
tcp*ofi_pmem) ;;
*) skip "$PROV has no channels that tcpdump understands" ;;
esac
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
command -v tcpdump >/dev/null || skip "tcpdump not found"
command -v ip >/dev/null || skip "ip not found; install iproute2"
python3 -c 'import cryptography' 2>/dev/null ||
	skip "python3-cryptography not found"
here=$(cd "$(dirname "$0")" && pwd)

at=fi_pmem_t$$
from=fi_pmem_i$$
eval "remove_directory() $(declare -f cleanup | tail -n +2)"
cleanup() {
	remove_directory
	ip netns del $at 2>/dev/null
	ip netns del $from 2>/dev/null
}
{
	ip netns add $at && ip netns add $from &&
		ip link add seal0 netns $at type veth peer name seal1 \
			netns $from &&
		ip -n $at addr add 10.77.0.1/24 dev seal0 &&
		ip -n $from addr add 10.77.0.2/24 dev seal1 &&
		ip -n $at link set seal0 up && ip -n $from link set seal1 up
} 2>"$dir/err" || skip "no network namespaces here: $(head -n 1 "$dir/err")"

marker=MARKER-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' ')
{
	echo "$marker"
	make_input /dev/stdout 3000000
	echo "$marker at the end"
} >"$dir/in"
bytes=$(stat -c %s "$dir/in")
echo "a record of $marker" >"$dir/lines"

client() { # CODE ARGUMENTS...: runs fi_pmem at the initiator
	local wanted=$1
	shift
	ip netns exec $from $LIMIT "$FI_PMEM" "$@" -p "$PROV" $seal \
		>"$dir/out" 2>"$dir/err"
	[ $? -eq "$wanted" ]
}

# run NAME: all of it, with the options in $seal; the capture is NAME.pcap.
run() {
	rm -f "$dir/region"
	ip netns exec $at tcpdump -n -i seal0 -B 32768 -s 0 -U \
		--immediate-mode -w - tcp \
		>"$dir/$1.pcap" 2>"$dir/tcpdump" &
	tcpdump=$!
	pids="$pids $tcpdump"
	until grep -q listening "$dir/tcpdump"; do
		kill -0 $tcpdump 2>/dev/null || skip "tcpdump does not start"
		sleep 0.05 # between looks
	done
	rm -f "$dir/serving"
	mkfifo "$dir/serving"
	ip netns exec $at "$FI_PMEM" serve "$dir/region" --size 8M --bind 10.77.0.1 \
		-p "$PROV" $seal >"$dir/serving" 2>"$dir/server.err" &
	server=$!
	pids="$pids $server"
	exec 7<"$dir/serving"
	read -r -t 30 serving <&7
	port=${serving#*data port }
	port=${port%%,*}
	check "$1: put" client 0 put "$dir/in" 10.77.0.1 --verify
	check "$1: get" client 0 get 10.77.0.1 "$dir/back" --length "$bytes"
	check "$1: it is the same" cmp -s "$dir/in" "$dir/back"
	check "$1: verify" client 0 verify "$dir/in" 10.77.0.1 --digest sha256
	check "$1: log" client 0 log append 10.77.0.1 "$dir/lines" --create \
		--offset 4M
	check "$1: the log has it" client 0 log tail 10.77.0.1 --offset 4M
	check "$1: as it was" grep -qx "a record of $marker" "$dir/out"
	stop_server TERM
	check "$1: the server ends well" test "$code" -eq 0
	# tcpdump gets packets in order, but late: wait for one to a closed port.
	ip netns exec $from bash -c ': >/dev/tcp/10.77.0.1/9' 2>/dev/null
	for tries in $(seq 200); do
		tcpdump -n -r "$dir/$1.pcap" tcp port 9 2>/dev/null | grep -q . &&
			break
		sleep 0.05 # between looks
	done
	check "$1: all of it is captured" test "$tries" -lt 200
	kill -INT $tcpdump
	wait $tcpdump
	check "$1: the capture is complete" \
		grep -q "^0 packets dropped by kernel" "$dir/tcpdump"
}

# seen FILE WHAT: whether bytes, in hexadecimal, are in the file.
seen() {
	python3 -c 'import sys
sys.exit(bytes.fromhex(sys.argv[2]) not in open(sys.argv[1], "rb").read())' "$@"
}
unseen() { ! seen "$@"; }

# opens NAME OPTIONS...: the decoder's output is in NAME.opened.
opens() {
	local name=$1
	shift
	python3 "$here/open_capture.py" "$dir/$name.pcap" --port "$port" \
		--marker "$marker" "$@" >"$dir/$name.opened" 2>"$dir/err"
}

# Only what the channel carries. The tool's own messages are not sealed: by them a
# client learns the MR key, which opens nothing without the region key.
channel() { # NAME
	python3 - "$here/open_capture.py" "$dir/$1.pcap" "$port" \
		>"$dir/$1.channel" <<-'END'
		import importlib.util, sys
		spec = importlib.util.spec_from_file_location('capture', sys.argv[1])
		capture = importlib.util.module_from_spec(spec)
		spec.loader.exec_module(capture)
		pairs = capture.connections(sys.argv[2], int(sys.argv[3]))
		for said, answered in pairs:
		    sys.stdout.buffer.write(said + answered)
	END
}

values_of() { # NAME TOKEN|BASE: of the regions, but not 0
	sed -n "s/^$2 //p" "$dir/$1.opened" | sort -u | grep -v '^0*$'
}
text=$(printf %s "$marker" | od -An -v -tx1 | tr -d ' \n')
digest=$(head -c 4096 "$dir/in" | sha256sum | cut -d ' ' -f 1)

seal=
run plain
check "plain: the decoder follows it" opens plain
channel plain
check "plain: the marker is seen" seen "$dir/plain.pcap" "$text"
check "plain: the digest is seen" seen "$dir/plain.pcap" "$digest"
check "plain: there is a token" test -n "$(values_of plain token)"
for token in $(values_of plain token); do
	check "plain: the token is seen" seen "$dir/plain.channel" "${token:0:10}"
done
for base in $(values_of plain base); do
	check "plain: the base is seen" seen "$dir/plain.channel" "$base"
done

for cipher in aes-256-gcm aes-128-ccm chacha20-poly1305; do
	(umask 077; "$FI_PMEM" key new --cipher $cipher >"$dir/key")
	seal="--seal-key $dir/key"
	# It is renewed now and then, so that the decoder has to follow.
	export FI_OFI_PMEM_SEAL_ROLL_RECORDS=10
	export FI_OFI_PMEM_SEAL_AUDIT=$dir/audit.$cipher
	run $cipher
	check "$cipher: the decoder opens every record" opens $cipher \
		--keys "$dir/key" --audit "$dir/audit.$cipher" \
		--plain "$dir/opened"
	tail -n 1 "$dir/$cipher.opened"
	check "$cipher: each nonce is audited once" test -z \
		"$(sort "$dir/audit.$cipher" | uniq -d)"
	channel $cipher
	check "$cipher: the marker is not seen" unseen "$dir/$cipher.pcap" "$text"
	check "$cipher: nor the digest" unseen "$dir/$cipher.pcap" "$digest"
	check "$cipher: but both are in the records" seen "$dir/opened" "$digest"
	check "$cipher: there is a token" test -n "$(values_of $cipher token)"
	for token in $(values_of $cipher token); do
		check "$cipher: the token is not seen" unseen \
			"$dir/$cipher.channel" "${token:0:10}"
	done
	for base in $(values_of $cipher base); do
		check "$cipher: nor the base" unseen "$dir/$cipher.channel" \
			"$base"
	done
	"$FI_PMEM" key new --cipher $cipher --id "$(cut -d ' ' -f 1 "$dir/key")" \
		>"$dir/other"
	check "$cipher: another key opens nothing" eval \
		'! opens $cipher --keys "$dir/other"'
	check "$cipher: its proof is wrong" says "a proof is wrong"
done
finish
