#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# A root file system of Debian trixie, for what Debian bookworm does not have:
# libfabric 2.1 with the sources of its fabtests, Open MPI 5, rdma-core with
# ibv_wr_flush(), and a kernel for the machines of util/vm. It is made once
# (three minutes, 2 GB) and kept in ~/.cache/ofi_pmem; OFI_PMEM_CACHE names
# another directory.
#
#   util/scripts/env/trixie.sh make            make it, or bring it up to date;
#                                              prints its path
#   util/scripts/env/trixie.sh run COMMAND...  make it, and run COMMAND inside it
#   util/scripts/env/trixie.sh build           make it, and build the tree inside it,
#                                              in build/check/trixie
#
# COMMAND sees the source tree and the working directory under their usual
# names. It has its own processes and its own loopback network: nothing it
# starts outlives it, and two of them do not share ports.
#
# Exits with 75 if the root could not be made, for example because a download
# failed; otherwise with what COMMAND exited with.

set -euo pipefail
. "$(dirname "$0")/../common.sh"

suite=trixie
cache=${OFI_PMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ofi_pmem}
root=$cache/$suite
log=$cache/$suite.log
fabtests=$root_fabtests
not_made=75 # EX_TEMPFAIL of sysexits.h: nothing was tested

# download COMMAND... and prepare COMMAND...: a step of making the root that
# reaches the package mirror, and one that does not.
download() {
	retried "$log" "$@" >&2 || {
		echo "DOWNLOAD FAILED: the $suite root was not made" >&2
		exit $not_made
	}
}

prepare() {
	logged "$log" "$@" >&2 || {
		echo "the $suite root was not made" >&2
		exit $not_made
	}
}

in_root() {
	DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"
}

# Finds where the machine itself gets Debian: the URI of its release archive,
# which has the other releases too.
mirror() {
	apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' |
		awk '$1 == "Debian" && $2 !~ /-/ {print $3; exit}'
}

bootstrap_from() { # bootstrap_from URI PROXY
	rm -rf "$root.part"
	env ${2:+"http_proxy=$2"} debootstrap --variant=minbase "$suite" \
		"$root.part" "$1"
}

bootstrap() {
	local uri proxy=
	uri=$(mirror)
	[ -n "$uri" ] || die "apt has no Debian release: run apt-get update"
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	download bootstrap_from "$uri" "$proxy"
	printf '%s %s %s main\n' deb "$uri" "$suite" deb-src "$uri" "$suite" \
		>"$root.part/etc/apt/sources.list"
	mv "$root.part" "$root"
}

# The root reaches the mirror the way the machine does.
copy_apt_settings() {
	apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/99machine"
	cp /etc/apt/auth.conf.d/* "$root/etc/apt/auth.conf.d/" 2>/dev/null || true
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	printf '127.0.0.1 localhost %s\n' "$suite" >"$root/etc/hosts"
}

download_in_root() { # download_in_root PACKAGE...
	in_root apt-get -q update && in_root $apt --download-only install "$@"
}

install_in_root() {
	local apt="apt-get -y -q --no-install-recommends"
	download download_in_root "$@"
	prepare in_root $apt --no-download install "$@"
}

# fabtests is in Debian only as a directory of libfabric's source.
build_fabtests() {
	local source=/usr/src/libfabric
	rm -rf "$root$source"
	mkdir -p "$root$source"
	download in_root sh -c "cd $source &&
		apt-get -q source --download-only --tar-only libfabric"
	prepare in_root sh -c "cd $source &&
		tar -xf libfabric_*.orig.tar.* --strip-components=1 &&
		cd fabtests && { [ -x configure ] || ./autogen.sh; } &&
		./configure --prefix=$fabtests &&
		make -j $(nproc) && make install"
}

# Everything the root consists of.
recipe() {
	packages_for build test root
	sed -n '/^bootstrap_from()/,/^recipe()/p' "${BASH_SOURCE[0]}"
}

# The needs of util/vm come after that and have a stamp of their own: a change here
# must not build fabtests again. The machines boot an initrd of their own.
add_kernel() {
	INITRD=No install_in_root $(packages_for vm)
}

kernel_recipe() {
	packages_for vm
	declare -f add_kernel
}

make_root() {
	local want want_kernel
	[ "$(id -u)" -eq 0 ] || die "making and entering the root needs root"
	mkdir -p "$cache"
	exec 9>"$cache/$suite.lock"
	flock 9
	want=$(recipe | sha256sum)
	if [ "$(cat "$root.made" 2>/dev/null)" != "$want" ]; then
		echo "making the $suite root in $root" >&2
		rm -f "$root.made" "$root.kernel"
		[ -d "$root" ] || bootstrap
		copy_apt_settings
		install_in_root $(packages_for build test root)
		build_fabtests
		echo "$want" >"$root.made"
	fi
	want_kernel=$(kernel_recipe | sha256sum)
	if [ "$(cat "$root.kernel" 2>/dev/null)" != "$want_kernel" ]; then
		echo "adding a kernel to $root" >&2
		copy_apt_settings
		add_kernel
		echo "$want_kernel" >"$root.kernel"
	fi
	exec 9>&-
}

# Runs as the first process of new namespaces; its mounts vanish with it.
enter() {
	local directory
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount -t tmpfs tmpfs "$root/tmp"
	for directory in "$top" "$PWD"; do
		mkdir -p "$root$directory"
		mountpoint -q "$root$directory" ||
			mount --bind "$directory" "$root$directory"
	done
	hostname "$suite"
	ip link set lo up
	exec chroot "$root" /usr/bin/env -C "$PWD" "$@"
}

run() {
	[ $# -gt 0 ] || usage 2
	exec setpriv --pdeathsig KILL \
		unshare --mount --pid --net --uts --ipc --fork --kill-child \
		"$root_sh" enter "$@"
}

action=${1:-}
[ $# -eq 0 ] || shift
case $action in
make)
	make_root
	echo "$root"
	;;
run)
	make_root
	run "$@"
	;;
build)
	make_root
	update_configure
	run "$root_sh" build_inside
	;;
build_inside)
	build_tree "$root_build" "$root_build.log" --enable-werror \
		CXXFLAGS="-g -O2"
	;;
enter) enter "$@" ;;
--help) usage 0 ;;
*) usage 2 ;;
esac
