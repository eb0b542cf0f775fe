#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Disks for fabtests/functional/pmem_storage_test.cc, in a machine of util/vm:
# memory below device mapper, DIRECTORY/faulty, which fails on command, and
# DIRECTORY/sound; or the NVDIMM as a DAX file system, DIRECTORY/dax.
#
#   util/vm/faulty_disk.sh DIRECTORY make [MKE2FS-OPTIONS...]
#   util/vm/faulty_disk.sh DIRECTORY fail error      nothing can be read or written
#   util/vm/faulty_disk.sh DIRECTORY fail flakey     nothing can be written
#   util/vm/faulty_disk.sh DIRECTORY mend            as before, with what it held
#   util/vm/faulty_disk.sh DIRECTORY remount         both: what the page cache has
#                                                    is gone
#   util/vm/faulty_disk.sh DIRECTORY remove
#   util/vm/faulty_disk.sh DIRECTORY make_dax        needs no remove

set -eu

usage() { # usage STATUS
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0" >&$(($1 ? 2 : 1))
	exit "$1"
}

[ "${1:-}" != --help ] || usage 0
[ $# -ge 2 ] || usage 2
export DM_DISABLE_UDEV=1 # there is none to make /dev/mapper's names
sectors=131072
directory=$1
action=$2
shift 2

linear() { # linear NUMBER
	echo "0 $sectors linear /dev/ram$1 0"
}

# The file system is not frozen, because that would write before the fault.
load() { # load TABLE
	dmsetup suspend --nolockfs --noflush faulty
	dmsetup load faulty --table "$1"
	dmsetup resume faulty
}

mount_both() {
	mount /dev/mapper/faulty "$directory/faulty"
	mount /dev/mapper/sound "$directory/sound"
}

make_disk() { # make_disk NAME NUMBER MKE2FS-OPTIONS...
	local name=$1
	mkdir -p "$directory/$name"
	dmsetup create "$name" --table "$(linear "$2")"
	shift 2
	mke2fs -q -F -t ext4 "$@" "/dev/mapper/$name"
}

case $action in
make)
	modprobe brd rd_nr=2 rd_size=$((sectors / 2))
	modprobe dm-flakey
	make_disk faulty 0 "$@"
	make_disk sound 1 "$@"
	mount_both
	;;
fail)
	case $1 in
	error) load "0 $sectors error" ;;
	flakey) load "0 $sectors flakey /dev/ram0 0 0 60 1 error_writes" ;;
	*) exit 2 ;;
	esac
	;;
mend) load "$(linear 0)" ;;
remount)
	umount "$directory/faulty" "$directory/sound"
	mount_both
	;;
remove)
	umount "$directory/faulty" "$directory/sound" || true
	dmsetup remove faulty
	dmsetup remove sound
	rmmod brd
	;;
make_dax)
	umount "$directory/dax" 2>/dev/null || true
	[ -e /dev/pmem0 ] ||
		ndctl create-namespace -f -e namespace0.0 -m fsdax --map=mem
	mkdir -p "$directory/dax"
	mke2fs -q -F -t ext4 -b 4096 -m 0 /dev/pmem0 16M
	mount -o dax /dev/pmem0 "$directory/dax"
	;;
*) exit 2 ;;
esac
