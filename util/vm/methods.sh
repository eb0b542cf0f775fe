# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Sourced by scripts/test/verbs.sh: the durability method of /dev/dax0.0 with each
# persistence domain that a machine's firmware can report. The table is that of
# fi_pmem(7), METHODS, columns "Soft-RoCE" and, without FLUSH, "tcp".

# Domain; the method by itself, without FLUSH, and what becomes of it when forced.
methods_table="
none     auto=native off=message read=refused ack=refused message=message
mem-ctrl auto=native off=message read=refused ack=refused message=message
cpu      auto=native off=read    read=read    ack=refused message=message"

methods_port=7476

# Prints what the initiator logs about the region that a put writes to.
method_found() { # method_found CHOICE
	local choice=$1 setting=FI_OFI_PMEM_METHOD log
	case $choice in off) setting=FI_OFI_PMEM_NATIVE_FLUSH ;; esac
	log=$(vm_run 1 env FI_PROVIDER_PATH="$root_build/.libs" \
		FI_LOG_LEVEL=info FI_LOG_PROV=ofi_pmem "$setting=$choice" \
		"$root_build/util/fi_pmem/fi_pmem" put "$top/README.md" \
		"$(vm_address 1):$methods_port" -p "verbs;ofi_pmem" 2>&1) ||
		[ $? -eq 1 ] || return
	case $log in
	*"FI_OFI_PMEM_METHOD is refused"*) echo refused ;;
	*) sed -n 's/.*has durability method \([a-z]*\):.*/\1/p' <<<"$log" ;;
	esac
}

# Runs in a machine that was booted with the domain.
check_methods_of() { # check_methods_of DOMAIN
	local domain=$1 expected found
	vm_serve 1 $methods_port "$logs/methods.serve" || {
		record "domain $domain: the target serves" 1
		return
	}
	for expected in $(awk -v domain="$domain" '$1 == domain {
			$1 = ""; print }' <<<"$methods_table"); do
		found=$(method_found "${expected%=*}")
		[ "$found" = "${expected#*=}" ]
		record "domain $domain: $expected, found ${found:-nothing}" $?
	done
}

# The first is that of the machine that runs.
check_methods() { # check_methods DOMAIN...
	check_methods_of "$1"
	shift
	for vm_domain in "$@"; do
		vm_stop 1
		vm_start 1
		vm_wait 1 || {
			record "booted with domain $vm_domain" 1
			continue
		}
		check_methods_of $vm_domain
	done
}
