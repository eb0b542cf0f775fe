#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Runs fi_rdm_tagged_bw of libfabric's fabtests through the layer and without, in
# turns. Prints lines "with MB/S" and "without MB/S".
#
#   tagged_bw.sh ROUNDS SIZE   (in the root of util/scripts/env/trixie.sh)

set -eu
. "$(dirname "$0")/../../util/scripts/common.sh"

rounds=$1
size=$2
export FI_PROVIDER_PATH=$root_build/.libs
oob_port=3000 # where the server listens for the client
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true' EXIT

# Sets megabytes.
bandwidth() { # bandwidth PROVIDER
	local run=(timeout 120 $root_fabtests/bin/fi_rdm_tagged_bw -p "$1"
		-b=$oob_port -s 127.0.0.1 -I 20000 -S "$size")
	"${run[@]}" >/dev/null &
	server=$!
	await_listener $oob_port
	megabytes=$("${run[@]}" 127.0.0.1 | awk 'NR == 2 {print $5}')
	wait "$server"
	server=
	[ -n "$megabytes" ] || die "no bandwidth of fi_rdm_tagged_bw"
}

for _ in $(seq "$rounds"); do
	bandwidth "tcp;ofi_pmem"
	echo "with $megabytes"
	bandwidth tcp
	echo "without $megabytes"
done
