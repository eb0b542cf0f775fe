#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Usage: tagged_bw.sh ROUNDS SIZE   (in the root of util/root.sh)
#
# Runs fi_rdm_tagged_bw of libfabric's fabtests through the layer and without,
# in turns. Prints a line for each: "with" or "without", and MB/s.

set -eu
. "$(dirname "$0")/../../util/common.sh"

rounds=$1
size=$2
program=/opt/fabtests/bin/fi_rdm_tagged_bw
export FI_PROVIDER_PATH=$root_build/.libs
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true' EXIT

# The server listens before the client looks for it: fabtests' out-of-band
# connection (-b) is repeated by the client until it does.
rate() { # rate PROVIDER
	"$program" -p "$1" -b -s 127.0.0.1 -I 20000 -S "$size" >/dev/null 2>&1 &
	server=$!
	timeout 120 "$program" -p "$1" -b -s 127.0.0.1 -I 20000 -S "$size" \
		127.0.0.1 2>/dev/null | awk 'seen {print $5} $1 == "bytes" {seen = 1}'
	wait "$server"
	server=
}

for _ in $(seq "$rounds"); do
	echo "with $(rate "tcp;ofi_pmem")"
	echo "without $(rate tcp)"
done
