#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Opens sealed records with what prov/pmem/src/seal/{schedule,record}.hh say and
python3-cryptography, and nothing of the provider.

  decode.py --example FILE
  decode.py --cipher NAME --key HEX --th HEX --direction i2t|t2i [--out FILE]
            RECORDS

An example has lines "NAME VALUE" of hexadecimal values, as example.txt beside this
file; each record in it must have the plaintext that follows. RECORDS has the bytes
of one direction of a connection, from its first record on. No {key, nonce} may be
there twice. Prints how many records there were, and fails at the first that does
not open."""

import argparse
import hashlib
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import (
    AESCCM, AESGCM, ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CIPHERS = {
    'aes-128-gcm': (AESGCM, 16),
    'aes-256-gcm': (AESGCM, 32),
    'aes-128-ccm': (AESCCM, 16),
    'aes-256-ccm': (AESCCM, 32),
    'chacha20-poly1305': (ChaCha20Poly1305, 32),
}
HEADER = 8
TAG = 16
MOST_PLAIN = 65536


class Refused(Exception):
    """The records are not what this side has sealed."""


def extract(salt, key):
    """HKDF-Extract with SHA-256 (RFC 5869, 2.2)."""
    mac = hmac.HMAC(salt, hashes.SHA256())
    mac.update(key)
    return mac.finalize()


def expand(key, label, length):
    """HKDF-Expand with SHA-256 (RFC 5869, 2.3)."""
    return HKDFExpand(hashes.SHA256(), length, b'ofi_pmem ' + label).derive(key)


class Direction:
    """What one side of a connection has sealed."""

    def __init__(self, cipher, key, th, direction, used):
        self.aead, self.length = CIPHERS[cipher]
        if len(key) != self.length or len(th) != 32:
            raise Refused('the key or th has a wrong length')
        if direction not in ('i2t', 't2i'):
            raise Refused('there is no direction ' + direction)
        self.secret = expand(extract(th, key), direction.encode(), 32)
        self.used = used
        self.phase = 0
        self.count = 0
        self.start()

    def start(self):
        """Begins a phase; the records' numbers go on."""
        self.key = expand(self.secret, b'key', self.length)
        self.iv = expand(self.secret, b'iv', 12)

    def next_nonce(self):
        """Returns a nonce that this run of the program has not seen."""
        number = int.from_bytes(self.iv, 'big') ^ self.count
        nonce = number.to_bytes(12, 'big')
        self.count += 1
        if (self.key, nonce) in self.used:
            raise Refused('a nonce is there twice under one key')
        self.used.add((self.key, nonce))
        return nonce

    def open(self, record):
        """Returns the plaintext of a whole record."""
        if record[1] == (self.phase + 1) % 256:
            self.phase += 1
            self.secret = expand(self.secret, b'ku', 32)
            self.start()
        elif record[1] != self.phase % 256:
            raise Refused('a phase is left out')
        try:
            return self.aead(self.key).decrypt(
                self.next_nonce(), record[HEADER:], record[:HEADER])
        except InvalidTag:
            raise Refused('a tag is wrong') from None


def split(stream):
    """Yields the records of a byte stream."""
    while stream:
        if len(stream) < HEADER:
            raise Refused('the last header is cut off')
        length = int.from_bytes(stream[4:8], 'little')
        if stream[0] != 1 or stream[2:4] != b'\0\0' or \
                not 1 <= length <= MOST_PLAIN:
            raise Refused('a header is wrong')
        end = HEADER + length + TAG
        if len(stream) < end:
            raise Refused('the last record is cut off')
        yield stream[:end]
        stream = stream[end:]


def decode_stream(options, used):
    """Opens a file of records; returns how many there were."""
    direction = Direction(options.cipher, bytes.fromhex(options.key),
                          bytes.fromhex(options.th), options.direction, used)
    with open(options.records, 'rb') as file:
        plain = [direction.open(record) for record in split(file.read())]
    if options.out:
        with open(options.out, 'wb') as file:
            file.write(b''.join(plain))
    return len(plain)


def decode_example(path, used):
    """Opens the records of an example; returns how many there were."""
    count = 0
    said = {}
    direction = None
    with open(path, encoding='ascii') as file:
        lines = [line.split() for line in file if not line.startswith('#')]
    for name, value in filter(None, lines):
        said[name] = value
        if name == 'direction':
            direction = Direction(said['cipher'], bytes.fromhex(said['key']),
                                  bytes.fromhex(said['th']), value, used)
        elif name == 'record':
            record, = split(bytes.fromhex(value))
            plain = direction.open(record)
            count += 1
        elif name == 'plain' and plain.hex() != value:
            raise Refused(f'record {count} has another plaintext')
    return count


def check_audit(path, used):
    """Each nonce must be in the audit (seal/nonce_audit.hh), once."""
    with open(path, encoding='ascii') as file:
        audited = file.read().split('\n')[:-1]
    if len(audited) != len(set(audited)):
        raise Refused('the audit has a nonce twice')
    for key, nonce in used:
        print_of_key = hashlib.sha256(key).hexdigest()[:16]
        if f'{print_of_key} {nonce.hex()}' not in audited:
            raise Refused('a nonce is not in the audit')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--example', metavar='FILE')
    parser.add_argument('--cipher', choices=CIPHERS)
    parser.add_argument('--key', metavar='HEX')
    parser.add_argument('--th', metavar='HEX')
    parser.add_argument('--direction', choices=('i2t', 't2i'))
    parser.add_argument('--out', metavar='FILE')
    parser.add_argument('--audit', metavar='FILE')
    parser.add_argument('records', nargs='?')
    options = parser.parse_args()
    used = set()
    if options.example:
        count = decode_example(options.example, used)
    elif options.cipher and options.key and options.th and \
            options.direction and options.records:
        count = decode_stream(options, used)
    else:
        parser.error('give --example, or a key and records')
    if options.audit:
        check_audit(options.audit, used)
    if not count:
        raise Refused('there are no records')
    print(f'{count} records opened, no nonce twice under one key')


if __name__ == '__main__':
    try:
        main()
    except Refused as why:
        sys.exit(f'decode.py: {why}')
