# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Sourced by the scripts in util/: --help, headings, packages, building.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# libfabric's psm and psm2 providers bring handlers of fatal signals that print
# and exit(): when the heap is damaged a crash becomes a process that waits for
# itself, with SIGTERM blocked.
export IPATH_NO_BACKTRACE=1 HFI_NO_BACKTRACE=1

# The comment at the head of the script, for --help (usage 0) or because its
# arguments are wrong (usage 2).
usage() { # usage STATUS
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0" >&$(($1 ? 2 : 1))
	exit "$1"
}

heading() {
	printf '\n== %s\n' "$1"
}

die() {
	printf '%s: %s\n' "$(basename "$0")" "$1" >&2
	exit 1
}

# logged LOG COMMAND...: runs it silently; shows the end of its log if it fails.
logged() {
	local log=$1
	shift
	"$@" >>"$log" 2>&1 </dev/null && return
	echo "FAILED: $*"
	echo "the end of $log:"
	tail -n 30 "$log"
	return 1
}

# The same for what needs the network, which may be away for a while: some more
# attempts, after growing pauses.
retried() { # retried LOG COMMAND...
	local log=$1 pause
	for pause in 10 30 60 120; do
		"${@:2}" >>"$log" 2>&1 </dev/null && return
		echo "FAILED: ${*:2}; again in $pause s" | tee -a "$log" >&2
		sleep "$pause"
	done
	logged "$@"
}

packages=$top/util/scripts/env/packages.txt

# packages_for PURPOSE...: the names that this list has for them.
packages_for() {
	local package purpose
	grep -v '^#' "$packages" | while read -r package purpose; do
		case " $* " in *" $purpose "*) echo "$package" ;; esac
	done | sort -u
}

missing_packages() { # missing_packages PURPOSE...
	local package
	for package in $(packages_for "$@"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" \
			2>/dev/null)" = installed ] || echo "$package"
	done
}

# Both again when one fails: update says so too seldom.
update_and_install() { # update_and_install PACKAGE...
	local options="-y -q -o DPkg::Lock::Timeout=300"
	apt-get $options update &&
		apt-get $options install --no-install-recommends "$@"
}

# install_packages LOG PURPOSE...: what is missing of them, by the machine's
# own apt configuration. Nobody is asked anything.
install_packages() {
	local log=$1 missing
	shift
	command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
		die "this is no Debian: install what $packages lists"
	missing=$(missing_packages "$@")
	if [ -z "$missing" ]; then
		echo "no package is missing"
		return
	fi
	echo "installing:" $missing
	[ "$(id -u)" -eq 0 ] ||
		die "installing needs root: run this as root, or install them first"
	mkdir -p "$(dirname "$log")"
	export DEBIAN_FRONTEND=noninteractive
	retried "$log" update_and_install $missing
}

# The root of Debian trixie, and where it builds the tree.
root_sh=$top/util/scripts/env/trixie.sh
root_build=$top/build/check/trixie
# That root has libfabric's fabtests here.
root_fabtests=/opt/fabtests

# The build in the root does not make the build system again: its automake differs.
update_configure() {
	[ -x "$top/configure" ] && [ -z "$(find "$top" -newer "$top/configure" \
		\( -name Makefile.am -o -name Makefile.include -o \
		-name 'configure.*' \) -not -path "$top/build*" \
		-not -path "$top/configure" -print -quit)" ] && return
	mkdir -p "$top/build"
	logged "$top/build/autogen.log" "$top/autogen.sh"
}

# build_tree BUILD LOG [CONFIGURE-ARGUMENTS...]: configures once, makes always.
build_tree() {
	local build=$1 log=$2
	shift 2
	[ ! -e "$top/Makefile" ] ||
		die "the source tree itself is configured: run make distclean there"
	[ -x "$top/configure" ] || logged "$log" "$top/autogen.sh"
	mkdir -p "$build"
	(
		cd "$build"
		[ -e Makefile ] || logged "$log" "$top/configure" "$@"
		logged "$log" make -j "$(nproc)"
	)
}

# Waits until somebody listens on this TCP port, by proc(5) net/tcp; not for ever.
await_listener() { # await_listener PORT
	local tries=0
	until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		grep -q "$(printf ':%04X .*:0000 0A ' "$1")"; do
		[ $((tries += 1)) -lt 200 ] || return
		sleep 0.05 # between looks
	done
}

# The sources that check what comes over the wire, below the tree's top.
wire_readers() {
	sed -n 's,^[a-z],prov/pmem/src/&,p' "$top/prov/pmem/wire_readers.txt"
}

# A script that counts its tests counts here, through record() and conclude().
passed=0
failed=0
skipped=0
failures=()

record() { # record NAME STATUS
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok: $1"
	else
		failed=$((failed + 1))
		failures+=("$1")
		echo "FAILED: $1"
	fi
}

# The last lines of such a script, and its status: what checked nothing fails.
conclude() {
	local name
	for name in ${failures[@]+"${failures[@]}"}; do
		echo "failed: $name"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
}
