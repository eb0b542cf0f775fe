#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# fi_pmem torture finds each planted bug within 50 runs of the simulation, by lost
# bytes or by a verified commit that fails, and without one nothing: plug-ins of which one source was changed by sed.
# SKIP_MUTANTS=yes skips it, as util/scripts/mutants.sh.
. "$(dirname "$0")/tool.sh"
[ "${SKIP_MUTANTS-no}" = yes ] && skip "SKIP_MUTANTS=yes"
source_dir=${srcdir:-.}
export MAKEFLAGS= MFLAGS= FI_OFI_PMEM_LEDGER=no

# planted FILE SED-SCRIPT: such a plug-in, in $dir/plugin.
planted() {
	rm -rf "$dir/plugin"
	mkdir "$dir/plugin"
	sed "$2" "$source_dir/$1" >"$dir/plugin/mutant.cc"
	if cmp -s "$source_dir/$1" "$dir/plugin/mutant.cc"; then
		echo "$1 has changed, and the mistake cannot be made"
		return 1
	fi
	make mutant-plugin MUTANT="$dir/plugin" CXXFLAGS='-O1 -w -fPIC' \
		>"$dir/out" 2>"$dir/err"
}

torture() { # CODE ARGUMENTS...
	local wanted=$1
	shift
	FI_PROVIDER_PATH=$dir/plugin TIME_LIMIT=600 \
		timeout 900 "$FI_PMEM" torture "$dir" -p "$PROV" --powerfail \
		--timeout 60 --json "$@" >"$dir/out" 2>"$dir/err"
	code=$?
	[ "$code" -eq "$wanted" ]
}

fails() { # a run did, and not only the tool
	! torture 0 --ops 200 --runs 50 &&
		grep -q '"event":"run",.*"ok":false' "$dir/out"
}

found() { # NAME FILE SED-SCRIPT
	check "$1: is made" planted "$2" "$3"
	check "$1: is found" fails
	echo "after $(grep -c '"event":"run"' "$dir/out") runs:" \
		"$(grep -oE '(lost|error): [^"]*' "$dir/out" | head -n 1)"
}

session=prov/pmem/src/service/session.cc
table=prov/pmem/src/service/region_table.cc
drain='/^Failure TargetRegion::begin_drain/,/^}/s/^\tint ret = .*/'
found "a flush is skipped" $table \
	'/^Failure TargetRegion::flush/,/^}/s/^\tint ret = .*/\tint ret = 0;/'
found "an acknowledgement is early" $session \
	's/bool needs_drain = .*/bool needs_drain = false;/'
found "a fence is lost" prov/pmem/src/initiator/op.cc \
	's/^\toptions = request.options();/&\n\toptions.fence = false;/'
found "an error of the medium is dropped" $table \
	"$drain"'\tstatic int calls; if (++calls % 20 == 0) return {};\n\tint ret = backend->begin_drain(commits, pending);/'

# A medium that syncs beside the service.
export FI_OFI_PMEM_POWERFAIL_SYNC_US=2000
found "a commit that is stored during a sync counts as covered" \
	prov/pmem/src/persist/device_sync.cc 's/^\tdone_ = covered;/\tdone_ = asked_;/'
found "a sync is not waited for" prov/pmem/src/service/drain.cc \
	's/return one.drain.ended();/return true;/'
unset FI_OFI_PMEM_POWERFAIL_SYNC_US

# The same medium, whose errors are reported.
check "a medium that fails: is made" planted $table \
	"$drain"'\tstatic int calls; int ret = ++calls % 20 ? backend->begin_drain(commits, pending) : -FI_EIO;/'
check "it has errors" torture 1 --keep-going --runs 5
check "and nothing is lost" grep -q '"lost_bytes":0,"wrong_reads":0,"hangs":0' \
	<(tail -n 1 "$dir/out")
finish
