# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The RoCEv2 packets of a capture, in words; its bytes as `od -An -v -tu1 -w1`
# prints them:
#
#   microseconds since the packet before, sender, operation, packet number, bytes
#
# Layouts: pcap's file format; IBTA 9.2, base transport header, of which byte 0
# is the opcode and bytes 9 to 11 are the packet sequence number.

BEGIN {
	name[4] = "SEND"
	name[6] = "WRITE first"
	name[7] = "WRITE middle"
	name[8] = "WRITE last"
	name[10] = "WRITE"
	name[12] = "READ"
	name[16] = "response"
	name[17] = "acknowledgement"
	name[28] = "FLUSH"
	name[29] = "ATOMIC WRITE"
	file_header = 24
	packet_header = 16
	ip = 14
	udp = ip + 20
	bth = udp + 8
	roce_port = 4791
}

{byte[NR - 1] = $1}

function little(at,  value, i) {
	for (i = 3; i >= 0; i--)
		value = 256 * value + byte[at + i]
	return value
}

function big(at, count,  value) {
	while (count--)
		value = 256 * value + byte[at++]
	return value
}

function is_roce(frame) {
	return byte[frame + 12] == 8 && byte[frame + ip + 9] == 17 &&
		big(frame + udp + 2, 2) == roce_port
}

function show(frame, now,  opcode) {
	opcode = byte[frame + bth]
	printf "%8d  %s  %-16s %8d %5d\n", before ? now - before : 0,
		byte[frame + ip + 15] == 1 ? "initiator" : "target   ",
		opcode in name ? name[opcode] : "opcode " opcode,
		big(frame + bth + 9, 3), big(frame + udp + 4, 2) - 8
	before = now
}

END {
	for (at = file_header; at + packet_header < NR; at = frame + len) {
		len = little(at + 8)
		frame = at + packet_header
		if (is_roce(frame))
			show(frame, little(at) * 1000000 + little(at + 4))
	}
}
