#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Shows an append to a log on the wire: fi_pmem log append in one machine, fi_pmem
# serve /dev/dax0.0 in another, and what the first sends and receives.
#
#   util/vm/pipeline.sh [ORDER]
#
# ORDER is target (the default), initiator or lazy. Prints the packets of the last
# of some appends; the whole is in build/check/trixie/pipeline.

set -u
. "$(dirname "$0")/machine.sh"

order=${1:-target}
case $order in
target | initiator | lazy) ;;
--help) usage 0 ;;
*) usage 2 ;;
esac
out=$root_build/pipeline
port=7476
appends=20
trap vm_remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$root_sh" build || exit $vm_not_made
mkdir -p "$out"
seq -f 'record %.0f of a log, whose pointer follows it' $appends >"$out/lines"
rm -f "$out/capture"
vm_create --nodes 2 --smp 1 --capture "$out/capture"
vm_start 1
vm_start 2
vm_wait 1 || exit $vm_not_made
vm_wait 2 || exit $vm_not_made
vm_serve 2 $port "$out/serve" || die "no server; see $out/serve"
vm_run 1 env FI_PROVIDER_PATH="$root_build/.libs" \
	"$root_build/util/fi_pmem/fi_pmem" log append "$(vm_address 2):$port" \
	"$out/lines" --create --depth 1 --order "$order" \
	-p "verbs;ofi_pmem" || exit
vm_stop 1
od -An -v -tu1 -w1 "$out/capture" | awk -f "$top/util/vm/roce.awk" \
	>"$out/packets"
# An append begins with the WRITE of its record, from the initiator.
last=$(grep -n 'initiator  WRITE ' "$out/packets" | tail -n 1 | cut -d : -f 1)
sed -n "${last:-1},\$p" "$out/packets" | head -n 12
