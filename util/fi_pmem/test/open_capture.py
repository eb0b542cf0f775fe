#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Opens the channels in a capture with what doc/protocol.md says, the decoder of
sealed records and python3-cryptography, and nothing of the provider.

  open_capture.py CAPTURE --port PORT [--keys FILE] [--audit FILE]
                  [--marker TEXT]... [--plain FILE]

CAPTURE is a pcap file of Ethernet frames, PORT the port of a service. The two streams
of each connection to it are put together again. With --keys, a file of region keys,
every connection must be sealed: the greeting is replayed, both proofs are checked,
and every record of both directions is opened; no {key, nonce} may be there twice.
--audit also looks each of them up (FI_OFI_PMEM_SEAL_AUDIT). Without --keys no
connection may be sealed. Each TEXT must be in what the initiators said. Prints, one a
line, "token HEX" and "base HEX" of each region that was resolved, as they lie in
memory, and how much there was; --plain gets all that both sides said."""

import argparse
import importlib.util
import os
import struct
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location(
    'decode', os.path.join(HERE, '../../../prov/pmem/test/seal/decode.py'))
decode = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(decode)
Refused = decode.Refused

HEADER = 24
HELLO, HELLO_ACK, RESOLVE, REGION = 1, 2, 3, 4
CHALLENGE, SEAL_OFFER, SEAL_ACCEPTED, SEAL_REFUSED = 14, 17, 18, 19
SEALED = 2  # a flag of Hello and HelloAck
CIPHERS = ('aes-128-gcm', 'aes-256-gcm', 'aes-128-ccm', 'aes-256-ccm',
           'chacha20-poly1305')


def read_packets(path):
    """Yields source, destination, sequence number, flags and payload of each TCP
    segment over IPv4."""
    with open(path, 'rb') as file:
        head = file.read(24)
        order = {b'\xd4\xc3\xb2\xa1': '<', b'\xa1\xb2\xc3\xd4': '>'}.get(
            head[:4])
        if not order or struct.unpack(order + 'I', head[20:])[0] != 1:
            raise Refused('this is no capture of Ethernet frames')
        while True:
            head = file.read(16)
            if len(head) < 16:
                return
            kept, whole = struct.unpack(order + 'II', head[8:])
            frame = file.read(kept)
            if frame[12:14] != b'\x08\x00' or frame[23] != 6:
                continue
            if kept != whole:
                raise Refused('a frame is cut off')
            packet = frame[14:14 + int.from_bytes(frame[16:18], 'big')]
            segment = packet[(packet[0] & 15) * 4:]
            ports = struct.unpack('>HH', segment[:4])
            sequence = int.from_bytes(segment[4:8], 'big')
            yield ((packet[12:16], ports[0]), (packet[16:20], ports[1]),
                   sequence, segment[13], segment[(segment[12] >> 4) * 4:])


class Stream:
    """The bytes of one direction, from the SYN on."""

    def __init__(self, sequence):
        self.next = (sequence + 1) % 2**32
        self.bytes = bytearray()
        self.early = {}

    def add(self, sequence, payload):
        """Takes a segment, which may come again or too early."""
        self.early[sequence] = max(payload, self.early.get(sequence, b''),
                                   key=len)
        while True:
            for begin, piece in self.early.items():
                old = (self.next - begin) % 2**32
                if old < 2**31:
                    break
            else:
                return
            del self.early[begin]
            self.bytes += piece[old:]
            self.next = (self.next + max(0, len(piece) - old)) % 2**32


def connections(path, port):
    """Returns pairs of bytes: what the initiator and what the service said."""
    streams = {}
    ended = []
    for source, target, sequence, flags, payload in read_packets(path):
        if port not in (source[1], target[1]):
            continue
        name = (source, target)
        if flags & 2:
            if name in streams:
                ended.append((name, streams.pop(name)))
            streams[name] = Stream(sequence)
        elif name in streams and payload:
            streams[name].add(sequence, payload)
        elif payload:
            raise Refused('a connection has no beginning')
    ended += streams.items()
    pairs = []
    for (source, target), stream in ended:
        if stream.early:
            raise Refused('segments are missing')
        if target[1] == port:
            back = [other for name, other in ended if name == (target, source)]
            if len(back) != 1:
                raise Refused('a connection has only one direction')
            pairs.append((bytes(stream.bytes), bytes(back[0].bytes)))
    return pairs


def take(data, wanted):
    """Returns the first message, which is of this type, and the rest."""
    length = int.from_bytes(data[4:8], 'little')
    if len(data) < HEADER or data[1] != wanted or len(data) < length:
        raise Refused(f'there is no message of type {wanted}')
    return data[:length], data[length:]


def messages(data):
    """Yields the messages of a stream; the last may be cut off."""
    while len(data) >= HEADER:
        length = int.from_bytes(data[4:8], 'little')
        if length < HEADER:
            raise Refused('a message is malformed')
        yield data[:length]
        data = data[length:]


def read_keys(path):
    """Returns cipher and key by id."""
    keys = {}
    with open(path, encoding='ascii') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                number, cipher, key = line.split()[:3]
                keys[int(number, 0)] = (cipher, bytes.fromhex(key))
    return keys


def mac(prk, label, th):
    """Returns the proof of a region key."""
    return decode.extract(decode.expand(prk, label, 32), th)


def open_sealed(said, answered, keys, used):
    """Returns what both sides said behind the greeting, and the records."""
    hello, said = take(said, HELLO)
    ack, answered = take(answered, HELLO_ACK)
    challenge, answered = take(answered, CHALLENGE)
    offer, said = take(said, SEAL_OFFER)
    if not hello[2] & ack[2] & SEALED:
        raise Refused('a connection is not sealed')
    if answered[1] == SEAL_REFUSED:
        return b'', b'', 0
    accepted, answered = take(answered, SEAL_ACCEPTED)
    cipher, key = keys[int.from_bytes(offer[56:64], 'little')]
    if CIPHERS[offer[64] - 1] != cipher:
        raise Refused('the offer names another cipher')
    th = decode.hashlib.sha256(b'ofi_pmem seal 1\0' + hello + ack +
                               challenge[HEADER:56] + offer[:72]).digest()
    prk = decode.extract(th, key)
    if mac(prk, b'proof i', th) != offer[104:136] or \
            mac(prk, b'proof t', th) != accepted[56:88]:
        raise Refused('a proof is wrong')
    plain = []
    count = 0
    for way, data in (('i2t', said), ('t2i', answered)):
        direction = decode.Direction(cipher, key, th, way, used)
        records = [direction.open(record) for record in decode.split(data)]
        count += len(records)
        plain.append(b''.join(records))
    return plain[0], plain[1], count


def tell(said, answered):
    """Prints what is known of the regions."""
    for message in messages(said):
        if message[1] == RESOLVE:
            print('token', message[HEADER:HEADER + 8].hex())
    for message in messages(answered):
        if message[1] == REGION:
            print('base', message[HEADER:HEADER + 8].hex())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('capture')
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--keys')
    parser.add_argument('--audit')
    parser.add_argument('--marker', action='append', default=[])
    parser.add_argument('--plain')
    options = parser.parse_args()
    used = set()
    count = 0
    everything = b''
    writes = b''
    pairs = connections(options.capture, options.port)
    if not pairs:
        raise Refused('there are no connections')
    for said, answered in pairs:
        if options.keys:
            said, answered, records = open_sealed(
                said, answered, read_keys(options.keys), used)
            count += records
        elif said[2] & SEALED:
            raise Refused('a connection is sealed')
        tell(said, answered)
        writes += said
        everything += said + answered
    for marker in options.marker:
        if marker.encode() not in writes:
            raise Refused(f'{marker} was not said')
    if options.audit:
        decode.check_audit(options.audit, used)
    if options.plain:
        with open(options.plain, 'wb') as file:
            file.write(everything)
    if options.keys and not count:
        raise Refused('there are no records')
    print(f'{len(pairs)} connections, {count} records opened under '
          f'{len({key for key, _ in used})} traffic keys, no nonce twice '
          'under one key')


if __name__ == '__main__':
    try:
        main()
    except Refused as why:
        sys.exit(f'open_capture.py: {why}')
