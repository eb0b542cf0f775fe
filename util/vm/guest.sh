#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Process 1 of a machine of util/vm. Makes the NVDIMM /dev/dax0.0, an RDMA
# device rxe0 on the machine's network device, and then runs the commands that
# vm_run of machine.sh leaves in the shared directory /run/vm, each when its
# number comes over the virtio port.

set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8

# A failure here ends the machine; the host shows its console.
fail() {
	echo "guest.sh: $1" >/dev/console
	poweroff_now
}

poweroff_now() {
	sync
	echo 1 >/proc/sys/kernel/sysrq
	echo o >/proc/sysrq-trigger
	while :; do sleep 60; done
}

mount_all() {
	mount -t tmpfs tmpfs /run
	# It must not hide a tree that is shared from below it.
	grep -q ' /tmp/' /proc/mounts ||
		mount -t tmpfs -o mode=1777 tmpfs /tmp
	mkdir -p /dev/shm /dev/pts /run/vm
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none \
		control /run/vm || fail "the shared directory does not mount"
	mount -t ext4 /dev/vda /var/tmp || fail "the scratch disk does not mount"
	chmod 1777 /var/tmp
}

# /dev/null and so on have links that udev would make.
make_links() {
	ln -sfn /proc/self/fd /dev/fd
	ln -sf fd/0 /dev/stdin
	ln -sf fd/1 /dev/stdout
	ln -sf fd/2 /dev/stderr
}

# One machine has a network device without a wire: RDMA within the machine.
start_network() {
	hostname "node$VM_NODE"
	printf '%s\n' "127.0.0.1 localhost" "$VM_ADDRESS node$VM_NODE" \
		${VM_PEER_ADDRESS:+"$VM_PEER_ADDRESS node$VM_PEER"} >/etc/hosts
	ip link set lo up
	if [ -n "${VM_PEER_ADDRESS:-}" ]; then
		ip link set eth0 name rdma0
	else
		ip link add rdma0 type dummy
	fi && ip link set rdma0 up &&
		ip address add "$VM_ADDRESS/24" dev rdma0 &&
		rdma link add rxe0 type rxe netdev rdma0 || fail "there is no rxe0"
}

# An NVDIMM that was kept has its namespace: it comes up by itself.
start_nvdimm() {
	[ -e /dev/dax0.0 ] ||
		ndctl create-namespace -f -e namespace0.0 -m devdax --map=mem \
			>/run/ndctl 2>&1
	[ -e /dev/dax0.0 ] && return
	cat /run/ndctl >/dev/console
	fail "the NVDIMM has no /dev/dax0.0"
}

# After the NVDIMM, which is to be dax0.0. virtio-pmem has a namespace of its own,
# a region that ndctl makes a device DAX or a disk of.
start_other_memory() {
	[ -z "${VM_VIRTIO_PMEM:-}" ] || modprobe virtio_pmem ||
		fail "there is no virtio-pmem"
	[ -z "${VM_SOFT_RESERVED:-}" ] || modprobe dax_hmem ||
		fail "soft-reserved memory does not work"
}

# run_job NUMBER: what vm_run of the host waits for.
run_job() {
	local job=/run/vm/jobs/$1
	setsid bash "$job/command" </dev/null >>"$job/output" 2>&1
	echo $? >"$job/status.new"
	mv "$job/status.new" "$job/status"
}

mount_all
make_links
. /run/vm/environment
ulimit -l unlimited
ulimit -c 0
start_network
start_nvdimm
start_other_memory
exec 3<>/dev/vport0p1 || fail "there is no port to the host"
touch /run/vm/ready
while read -r action number <&3; do
	case $action in
	run) run_job "$number" 3>&- & ;;
	stop) break ;;
	esac
done
poweroff_now
