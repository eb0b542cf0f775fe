# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Sourced by scripts/test/verbs.sh: memory that Linux offers as DAX and that is not
# persistent, virtio-pmem and soft-reserved memory, in a machine that has both
# beside its NVDIMM. Nothing there may be called durable but a file that is synced.

dax_program=$root_build/dax_region
dax_mount=/var/tmp/virtio_pmem

build_dax_program() {
	logged "$root_build.log" "$root_sh" run gcc -O2 -Wall \
		-I"$top/include" -o "$dax_program" \
		"$top/util/vm/dax_region.c" -lfabric
}

# Runs in the machine, with the tree's provider and its log.
with_provider() { # with_provider [NAME=VALUE...] COMMAND...
	vm_run 1 timeout 60 env FI_PROVIDER_PATH="$root_build/.libs" \
		FI_LOG_LEVEL=warn FI_LOG_PROV=ofi_pmem "$@" 2>&1
}

# expect_dax NAME TEXT [NAME=VALUE...] COMMAND...: prints TEXT, and no signal
# ends it.
expect_dax() {
	local name=$1 text=$2 output status
	shift 2
	output=$(with_provider "$@")
	status=$?
	{
		echo "== $name: status $status"
		echo "$output"
	} >>"$logs/dax_kinds"
	[ $status -lt 124 ] && [[ $output == *"$text"* ]]
	record "$name" $?
}

# The device DAX below a directory of sysfs.
dax_below() { # dax_below PATTERN
	vm_run 1 bash -c 'for device in /sys/bus/dax/devices/*; do
		case $(realpath "$device") in
		*'"$1"'*) echo "/dev/${device##*/}" ;;
		esac
	done'
}

# The kernel may have given it to kmem, as more system memory, or to no driver.
make_devdax() { # make_devdax DEVICE
	vm_run 1 bash -c 'daxctl reconfigure-device -f -m devdax '"${1#/dev/}"'
		: <'"$1" >>"$logs/dax_kinds" 2>&1
}

# Checks what every kind is refused for, however it is requested.
check_refused_dax() { # check_refused_dax KIND DEVICE REASON
	local kind=$1 device=$2 reason="device DAX of $3"
	local tool=$root_build/util/fi_pmem/fi_pmem
	expect_dax "$kind: serve says what the memory is" "$reason" \
		"$tool" serve "$device" -p "tcp;ofi_pmem"
	expect_dax "$kind: a declared domain does not help" "$reason" \
		FI_OFI_PMEM_DOMAIN=memory_controller \
		"$dax_program" flagged "$device"
	expect_dax "$kind: nor does a declared region" "$reason" \
		"$dax_program" declared "$device"
	expect_dax "$kind: detect leaves it an ordinary region" \
		"stays an ordinary region: it is $reason" \
		FI_LOG_LEVEL=info FI_OFI_PMEM_REGIONS=detect \
		"$dax_program" plain "$device"
	expect_dax "$kind: by force nothing there is durable" \
		"none (made persistent by force)" FI_OFI_PMEM_REGIONS=all \
		"$tool" info "$device" -p "tcp;ofi_pmem"
}

# A file there is durable by syncs, which the guest's kernel has the host execute.
check_virtio_pmem_file() { # check_virtio_pmem_file NAMESPACE
	local disk
	local tool=$root_build/util/fi_pmem/fi_pmem
	vm_run 1 ndctl create-namespace -f -e "$1" -m fsdax --map=mem \
		>>"$logs/dax_kinds" 2>&1 &&
		disk=$(vm_run 1 sh -c "ls /sys/bus/nd/devices/*/block |
			grep -m 1 '^pmem'") &&
		vm_run 1 sh -c "mke2fs -q -F -t ext4 -b 4096 /dev/$disk &&
			mkdir -p $dax_mount &&
			mount -o dax /dev/$disk $dax_mount &&
			fallocate -l 4M $dax_mount/file"
	record "virtio-pmem: has a DAX file system" $?
	expect_dax "virtio-pmem: a DAX file is not of cache lines" \
		"refuses to map the file with MAP_SYNC" \
		"$dax_program" declared $dax_mount/file
	expect_dax "virtio-pmem: nor does info say so" \
		"$dax_mount, ext4, DAX, but to be synced: page granularity" \
		"$tool" info
	expect_dax "virtio-pmem: a DAX file is synced" "granularity: page" \
		"$tool" info $dax_mount -p "tcp;ofi_pmem"
}

check_dax_kinds() {
	local namespace device
	local tool=$root_build/util/fi_pmem/fi_pmem
	: >"$logs/dax_kinds"
	namespace=$(vm_run 1 sh -c "cd /sys/bus/nd/devices &&
		grep -l virtio-pmem ndbus*/provider |
		sed 's,/.*,,' | xargs -I BUS sh -c 'ls -d BUS/region*/namespace*'" |
		sed -n 's,.*/\(namespace[0-9]*\.0\)$,\1,p')
	vm_run 1 ndctl create-namespace -f -e "$namespace" -m devdax --map=mem \
		>>"$logs/dax_kinds" 2>&1
	record "virtio-pmem: has a device DAX" $?
	device=$(dax_below /virtio)
	check_refused_dax virtio-pmem "$device" virtio-pmem
	expect_dax "virtio-pmem: info tells it apart" \
		"only a flush by the host makes durable" "$tool" info
	check_virtio_pmem_file "$namespace"
	device=$(dax_below /hmem)
	[ -n "$device" ]
	record "soft-reserved memory: has a device DAX" $?
	if make_devdax "$device"; then
		check_refused_dax "soft-reserved memory" "$device" \
			"volatile memory"
	else
		echo "skipped: soft-reserved memory: no driver takes $device"
		skipped=$((skipped + 1))
	fi
	expect_dax "soft-reserved memory: info tells it apart" \
		"volatile memory" "$tool" info
}
