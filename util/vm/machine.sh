# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Sourced by scripts that need machines: QEMU without KVM, booting the root of
# util/scripts/env/trixie.sh. Each has an NVDIMM, /dev/dax0.0, and an RDMA device
# with IB FLUSH and ATOMIC WRITE, rxe0; one of two can be powered off.
#
#   vm_create OPTIONS...  how they are to be; see vm_usage below. Sets $vm_dir
#   vm_start NODE         boots node 1 or 2, from the caller's own shell: the
#                         machine dies with the process that started it
#   vm_wait NODE          until commands can run there; may follow after both
#                         were started, from the same shell
#   vm_run NODE COMMAND...  runs it there as root, in the same directory, its
#                         output on ours, its status ours; 137 if the machine
#                         is gone. Any number at once, and from any process
#                         that has $vm_dir
#   vm_serve NODE PORT LOG  fi_pmem serve there, of /dev/dax0.0, over verbs; returns
#                         when it takes clients. For one server at a time
#   vm_kill NODE          a power cut. vm_start boots it again, with its NVDIMM
#   vm_stop NODE          an orderly end
#   vm_remove             kills what runs and removes $vm_dir
#
# The caller's own trap must call vm_remove. A machine sees the source tree and
# the working directory of vm_create under their own names, read and write; what
# it writes elsewhere is lost when it ends. /var/tmp is ext4, /tmp a tmpfs. Its
# commands find VM_NODE, VM_ADDRESS and, of two machines, VM_PEER_ADDRESS.

. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

vm_not_made=75 # as trixie.sh: nothing was tested
vm_lost=137

vm_usage="  --nodes N            1 or 2 machines (1)
  --nvdimm FILE        the NVDIMM's contents, kept; of node 2, FILE.2
  --nvdimm-size SIZE   (1G); may be larger than the disk: it is sparse
  --domain DOMAIN      the persistence domain that the firmware reports: none,
                       mem-ctrl or cpu (mem-ctrl)
  --virtio-pmem SIZE   memory of virtio-pmem besides, empty with every boot
  --soft-reserved SIZE so much of --memory is soft-reserved, /dev/daxN.0
  --memory SIZE        of each machine (2G)
  --smp N              processors of each machine (2)
  --capture FILE       what node 1 receives and sends, for tcpdump -r
  --env NAME=VALUE     environment of every command; may be repeated
  --boot-timeout N     seconds that booting may take (300)
  --state DIR          vm_dir, which is made and removed (in /var/tmp)"

vm_defaults() {
	vm_nodes=1
	vm_nvdimm=
	vm_nvdimm_size=1G
	vm_domain=mem-ctrl
	vm_virtio_pmem=
	vm_soft_reserved=
	vm_memory=2G
	vm_smp=2
	vm_capture=
	vm_env=()
	vm_boot_timeout=300
	vm_state=
	vm_dir=
}

# Sets vm_taken to how many arguments the option was, 0 if it is none of ours.
vm_option() { # vm_option NAME VALUE
	vm_taken=2
	case $1 in
	--nodes) vm_nodes=$2 ;;
	--nvdimm) vm_nvdimm=$(realpath -m "$2") ;;
	--nvdimm-size) vm_nvdimm_size=$2 ;;
	--domain) vm_domain=$2 ;;
	--virtio-pmem) vm_virtio_pmem=$2 ;;
	--soft-reserved) vm_soft_reserved=$2 ;;
	--memory) vm_memory=$2 ;;
	--smp) vm_smp=$2 ;;
	--capture) vm_capture=$(realpath -m "$2") ;;
	--env) vm_env+=("$2") ;;
	--boot-timeout) vm_boot_timeout=$2 ;;
	--state) vm_state=$(realpath -m "$2") ;;
	*) vm_taken=0 ;;
	esac
}

vm_check_options() {
	local assignment
	case $vm_nodes in 1 | 2) ;; *) die "--nodes is 1 or 2, not $vm_nodes" ;; esac
	case $vm_domain in
	none | mem-ctrl | cpu) ;;
	*) die "--domain is none, mem-ctrl or cpu, not $vm_domain" ;;
	esac
	vm_nvdimm_bytes=$(numfmt --from=iec "$vm_nvdimm_size") ||
		die "--nvdimm-size is a number such as 512M or 8G"
	vm_memory_bytes=$(numfmt --from=iec "$vm_memory") ||
		die "--memory is a number such as 2G"
	vm_virtio_pmem_bytes=$(numfmt --from=iec "${vm_virtio_pmem:-0}") ||
		die "--virtio-pmem is a number such as 256M"
	vm_soft_reserved_bytes=$(numfmt --from=iec "${vm_soft_reserved:-0}") ||
		die "--soft-reserved is a number such as 256M"
	for assignment in ${vm_env[@]+"${vm_env[@]}"}; do
		case $assignment in
		[A-Za-z_]*=*) ;;
		*) die "--env needs NAME=VALUE, not $assignment" ;;
		esac
	done
}

# The kernel needs these before it can load anything else itself. Soft-RoCE and
# the NVDIMM's drivers come along: uncompressed and from memory they load faster.
vm_modules="virtio_pci virtio_blk virtio_console virtio_net 9p 9pnet_virtio
overlay ext4 dummy nfit nd_pmem device_dax dax_pmem rdma_rxe rdma_ucm ib_uverbs"

# The kernel and the initrd; both from the root, made in moments.
vm_make_initrd() {
	local release path staging=$vm_dir/initrd.d
	release=$(ls "$vm_root/lib/modules" | sort -V | tail -n 1)
	vm_kernel=$vm_root/boot/vmlinuz-$release
	mkdir -p "$staging/bin" "$staging/modules"
	cp "$vm_root/usr/bin/busybox" "$staging/bin/busybox"
	cp "$top/util/vm/initrd_init" "$staging/init"
	chroot "$vm_root" modprobe -C /dev/null -S "$release" \
		--show-depends -a $vm_modules |
		awk '$1 == "insmod" && !seen[$2]++ {print $2}' |
		while read -r path; do
			chroot "$vm_root" xz -dc "$path" \
				>"$staging/modules/$(basename "$path" .xz)"
			basename "$path" .xz >>"$staging/modules/order"
		done
	(cd "$staging" && find . | cpio --quiet -o -H newc) >"$vm_dir/initrd"
	rm -rf "$staging"
}

vm_create() {
	vm_defaults
	while [ $# -gt 0 ]; do
		vm_option "$1" "${2:-}"
		[ $vm_taken -gt 0 ] || die "no option of a machine: $1"
		[ $# -ge 2 ] || die "$1 needs a value"
		shift 2
	done
	vm_check_options
	command -v qemu-system-x86_64 >/dev/null ||
		die "install the package qemu-system-x86"
	vm_root=$("$root_sh" make) || exit $?
	# A short path: of a socket's name there are 107 characters.
	if [ -n "$vm_state" ]; then
		mkdir "$vm_state" || exit 1
		vm_dir=$vm_state
	else
		vm_dir=$(mktemp -d /var/tmp/ofi_pmem_vm.XXXXXX)
	fi
	vm_make_initrd
}

vm_address() { # vm_address NODE
	echo "192.168.77.$1"
}

# Makes the files that a machine finds in /run/vm.
vm_make_control() { # vm_make_control NODE
	local node=$1 control=$vm_dir/node$1/control assignment
	rm -rf "$control"
	mkdir -p "$control/jobs"
	echo "tree $top" >"$control/shares"
	case $PWD/ in
	"$top"/*) ;;
	*) echo "directory $PWD" >>"$control/shares" ;;
	esac
	{
		echo "export VM_NODE=$node VM_ADDRESS=$(vm_address "$node")"
		[ -z "$vm_virtio_pmem" ] || echo "export VM_VIRTIO_PMEM=yes"
		[ -z "$vm_soft_reserved" ] ||
			echo "export VM_SOFT_RESERVED=yes"
		[ "$vm_nodes" -eq 1 ] || echo "export VM_PEER=$((3 - node))" \
			"VM_PEER_ADDRESS=$(vm_address $((3 - node)))"
		for assignment in ${vm_env[@]+"${vm_env[@]}"}; do
			printf 'export %q\n' "$assignment"
		done
	} >"$control/environment"
}

vm_nvdimm_file() { # vm_nvdimm_file NODE
	if [ -z "$vm_nvdimm" ]; then
		echo "$vm_dir/node$1/nvdimm"
	elif [ "$1" -eq 1 ]; then
		echo "$vm_nvdimm"
	else
		echo "$vm_nvdimm.$1"
	fi
}

# A disk and an NVDIMM, both sparse; an NVDIMM of that size stays as it is.
vm_make_media() { # vm_make_media NODE
	local disk=$vm_dir/node$1/disk file
	file=$(vm_nvdimm_file "$1")
	rm -f "$disk"
	truncate -s 16G "$disk"
	mke2fs -q -t ext4 -O ^has_journal "$disk"
	if [ ! -e "$file" ]; then
		truncate -s "$vm_nvdimm_bytes" "$file"
	elif [ "$(stat -c %s "$file")" -ne "$vm_nvdimm_bytes" ]; then
		die "$file is not of --nvdimm-size $vm_nvdimm_size"
	fi
}

# Reserves memory as firmware does for a purpose (EFI_MEMORY_SP) that few programs
# have. The kernel must not put itself there.
vm_soft_reserved_memory() {
	[ -z "$vm_soft_reserved" ] || echo "nokaslr" \
		"memmap=$vm_soft_reserved_bytes%0x20000000-1+0xefffffff"
}

vm_add_virtio_pmem() { # vm_add_virtio_pmem NODE
	[ -n "$vm_virtio_pmem" ] || return 0
	vm_arguments+=(
		-object "memory-backend-file,id=virtio_pmem,share=on,mem-path=$(
			)$vm_dir/node$1/virtio_pmem,size=$vm_virtio_pmem_bytes"
		-device virtio-pmem-pci,memdev=virtio_pmem
	)
}

# Sets vm_arguments: the machine itself.
vm_describe() { # vm_describe NODE
	local node=$1 state=$vm_dir/node$1 tag directory
	local persistence=
	[ "$vm_domain" = none ] || persistence=,nvdimm-persistence=$vm_domain
	vm_arguments=(
		-accel "tcg,thread=multi" -machine "q35,nvdimm=on$persistence"
		-cpu max -smp "$vm_smp"
		-m "$((vm_memory_bytes / 1048576))M,slots=2,maxmem=$(((
			vm_memory_bytes + vm_nvdimm_bytes +
			vm_virtio_pmem_bytes) / 1048576 + 4096))M"
		-display none -monitor none -no-reboot -nic none
		-serial "file:$state/console"
		-kernel "$vm_kernel" -initrd "$vm_dir/initrd" -append
		"console=ttyS0 loglevel=4 panic=-1 mitigations=off net.ifnames=0 $(
			vm_soft_reserved_memory)"
		-object "memory-backend-file,id=nvdimm,share=on,mem-path=$(
			vm_nvdimm_file "$node"),size=$vm_nvdimm_bytes"
		-device nvdimm,memdev=nvdimm
		-drive "if=virtio,format=raw,cache=unsafe,file=$state/disk"
		-device virtio-serial-pci
		-chardev "pipe,id=bell,path=$state/bell"
		-device virtserialport,chardev=bell,nr=1
	)
	vm_add_virtio_pmem "$node"
	vm_share root "$vm_root" ,readonly=on
	vm_share control "$state/control"
	while read -r tag directory; do
		vm_share "$tag" "$directory"
	done <"$state/control/shares"
	[ "$vm_nodes" -eq 1 ] || vm_connect "$node"
}

vm_share() { # vm_share TAG DIRECTORY [OPTIONS]
	vm_arguments+=(-virtfs "local,mount_tag=$1,path=${2//,/,,}$(
		),multidevs=remap,security_model=none${3:-}")
}

# Datagrams need no connection: a node that is off just receives nothing.
vm_connect() { # vm_connect NODE
	local peer=$((3 - $1))
	vm_arguments+=(
		-netdev "dgram,id=wire,local.type=unix,local.path=$vm_dir/wire$1$(
			),remote.type=unix,remote.path=$vm_dir/wire$peer"
		-device "virtio-net-pci,netdev=wire,mac=52:54:00:00:00:0$1"
	)
	[ -z "$vm_capture" ] || [ "$1" -ne 1 ] || vm_arguments+=(
		-object "filter-dump,id=capture,netdev=wire,file=$vm_capture")
}

vm_start() { # vm_start NODE
	local state=$vm_dir/node$1
	! vm_alive "$1" || die "node $1 runs already"
	mkdir -p "$state"
	vm_make_control "$1"
	vm_make_media "$1"
	rm -f "$state"/bell.*
	mkfifo "$state/bell.in" "$state/bell.out"
	vm_describe "$1"
	setpriv --pdeathsig KILL qemu-system-x86_64 "${vm_arguments[@]}" \
		>"$state/qemu" 2>&1 </dev/null &
	echo $! >"$state/pid"
}

vm_pid() { # vm_pid NODE
	cat "$vm_dir/node$1/pid" 2>/dev/null
}

vm_alive() { # vm_alive NODE
	local pid
	pid=$(vm_pid "$1") && kill -0 "$pid" 2>/dev/null
}

# With more than one thread QEMU's emulation can run into a breakpoint by which
# the kernel patches its own code after that is gone: "Oops: int3" and a panic,
# before anything of ours runs.
vm_emulation_failed() { # vm_emulation_failed NODE
	grep -q "Oops: int3" "$vm_dir/node$1/console"
}

vm_wait() { # vm_wait NODE
	local state=$vm_dir/node$1 end=$((SECONDS + vm_boot_timeout))
	until [ -e "$state/control/ready" ]; do
		if vm_alive "$1" && [ $SECONDS -lt $end ]; then
			sleep 0.1
		elif [ $SECONDS -lt $end ] && vm_emulation_failed "$1"; then
			echo "node $1 panicked while booting, by an error of" \
				"QEMU's; it boots again"
			vm_start "$1"
		else
			echo "node $1 did not boot; the end of its console:"
			tail -n 20 "$state/qemu" "$state/console"
			return 1
		fi >&2
	done
}

# Takes a number that no other command of this boot has; prints it.
vm_new_job() { # vm_new_job NODE
	local number=1
	until mkdir "$vm_dir/node$1/control/jobs/$number" 2>/dev/null; do
		number=$((number + 1))
	done
	echo $number
}

vm_run() { # vm_run NODE COMMAND...
	local state=$vm_dir/node$1 node=$1 pid number job waiter
	shift
	vm_alive "$node" || return $vm_lost
	pid=$(vm_pid "$node")
	number=$(vm_new_job "$node")
	job=$state/control/jobs/$number
	printf 'cd %q && exec %s\n' "$PWD" "$(printf '%q ' "$@")" >"$job/command"
	: >"$job/output"
	echo "run $number" 1<>"$state/bell.in"
	(while [ ! -e "$job/status" ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.05
	done) &
	waiter=$!
	# Ends when the waiter has, after one more look at the file. In the
	# background, for signals to end the caller at once.
	tail -q -s 0.05 -c +1 --pid=$waiter -f "$job/output" &
	wait $!
	return "$(cat "$job/status" 2>/dev/null || echo $vm_lost)"
}

# Its first line says that it is ready, its second that it has ended.
vm_serve() { # vm_serve NODE PORT LOG
	local line
	exec 8< <(vm_run "$1" env FI_PROVIDER_PATH="$root_build/.libs" \
		"$root_build/util/fi_pmem/fi_pmem" serve /dev/dax0.0 \
		--bind "$(vm_address "$1")" --port "$2" \
		-p "verbs;ofi_pmem" 2>"$3")
	read -r -t 60 line <&8 && [[ $line == serving* ]]
}

vm_reap() { # vm_reap NODE
	local pid
	pid=$(vm_pid "$1") || return 0
	while kill -0 "$pid" 2>/dev/null; do
		wait "$pid" 2>/dev/null || sleep 0.05
	done
	rm -f "$vm_dir/node$1/pid"
}

vm_kill() { # vm_kill NODE
	local pid
	pid=$(vm_pid "$1") || return 0
	# The shell need not say that it was killed.
	{
		kill -KILL "$pid"
		vm_reap "$1"
	} 2>/dev/null
}

vm_stop() { # vm_stop NODE
	local end=$((SECONDS + 30))
	vm_alive "$1" || return 0
	echo stop 1<>"$vm_dir/node$1/bell.in"
	while vm_alive "$1" && [ $SECONDS -lt $end ]; do sleep 0.1; done
	vm_kill "$1"
}

vm_remove() {
	[ -d "${vm_dir:-}" ] || return 0
	vm_kill 1
	vm_kill 2
	rm -rf "$vm_dir"
	vm_dir=
}
