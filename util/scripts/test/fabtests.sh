#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Compares the standard fabtests on inner providers with the same tests on
# ofi_pmem over them, in the root of util/scripts/env/trixie.sh.
#
#   util/scripts/test/fabtests.sh [--prov PROVIDER]... [--set SET] [--jobs N]
#                                 [--alone-later]
#
#   --prov PROVIDER  inner provider; default: tcp and tcp;ofi_rxm. One on verbs is
#                    tested in a machine of util/vm, with Soft-RoCE
#   --set SET        the test set of runfabtests.sh; default: quick
#   --jobs N         runs of the suite at the same time; default: 6, of standard 1
#   --alone-later    alone, run only what did not pass over it
#
# Each provider is run three times: alone, with ofi_pmem over it, and with
# ofi_pmem making every region persistent and every write a commit. The table
# goes to build/fabtests/SET.md, the output of every test to files beside it.
#
# Fails if a test that passes alone does not pass over ofi_pmem. What fails is
# run again, alone as well, to tell what we break from what is flaky anyway.
# Exits with 75, and says so, if a download or the root failed: then no test ran.
# Ends with a line "N passed, N failed, N skipped".

set -euo pipefail
. "$(dirname "$0")/../../vm/machine.sh"

prefix=$root_fabtests
configs=$top/fabtests/test_configs/ofi_pmem
timeout=240 # seconds; a busy machine takes half of it for the longest
rounds=
retries=2
most_flaky=20 # tests; of more, those that fail alone are not run again
columns="inner layered persistent"
first_columns=$columns
providers=()
set=quick
default_jobs=6
jobs=

while [ $# -gt 0 ]; do
	[ "$1" != --help ] || usage 0
	[ "$1" != --alone-later ] || {
		first_columns="layered persistent"
		shift
		continue
	}
	[ $# -ge 2 ] || usage 2
	case $1 in
	--prov) providers+=("$2") ;;
	--set) set=$2 ;;
	--jobs) jobs=$2 ;;
	*) usage 2 ;;
	esac
	shift 2
done
# Long ones: 1000 rounds of each atomic operation, all of ubertest in one test,
# and multinode, where 1000 rounds of three processes would take hours. What spins
# for so long gets in the way of all that runs beside it.
case $set in
standard) timeout=600 default_jobs=1 ;;
complex) timeout=900 ;;
multinode) rounds="-I 5" ;;
esac
jobs=${jobs:-$default_jobs}
[ ${#providers[@]} -gt 0 ] || providers=("tcp" "tcp;ofi_rxm")
out=$top/build/fabtests/$set

# The provider under test in a column, and the environment that makes it so.
provider_of() { # provider_of PROVIDER COLUMN
	case $2 in
	inner) echo "$1" ;;
	*) echo "$1;ofi_pmem" ;;
	esac
}

environment_of() { # environment_of COLUMN
	echo "FI_UNIVERSE_SIZE=64 IPATH_NO_BACKTRACE=1 HFI_NO_BACKTRACE=1"
	[ "$1" = inner ] || echo "FI_PROVIDER_PATH=$root_build/.libs"
	[ "$1" != persistent ] || echo "FI_OFI_PMEM_REGIONS=all" \
		"FI_OFI_PMEM_COMMIT=all FI_LOG_LEVEL=warn FI_LOG_PROV=ofi_pmem"
}

# Says what ubertest does on an inner provider, and over it.
ubertest_of() { # ubertest_of PROVIDER
	echo "$configs/${1##*;}.test"
}

# The tests that are not run on an inner provider at all, and those that are not
# run in one column, with the reasons.
excludes_of() { # excludes_of PROVIDER COLUMN
	cat "$configs/${1##*;}.exclude" "$configs/$2.exclude" 2>/dev/null || true
}

in_machine() { # in_machine PROVIDER
	case $1 in verbs*) ;; *) return 1 ;; esac
}

address_of() { # address_of PROVIDER
	if in_machine "$1"; then vm_address 1; else echo 127.0.0.1; fi
}

# These stand for the programs in the machine: runfabtests.sh kills no more than
# the shell around a server when its client has failed, and the server keeps the
# address for the tests that follow. A server without a parent is ended first.
make_programs() {
	local program
	mkdir -p "$out/bin"
	cat >"$out/bin/start" <<-EOF
		#!/bin/sh
		ps -eo pid=,ppid=,comm= | awk '{ parent[\$1] = \$2; name[\$1] = \$3 }
			END { for (p in name)
				if (name[p] ~ /^fi_/ && (parent[p] == 1 ||
				    parent[parent[p]] == 1))
					print p }' | xargs -r kill -9
		exec $prefix/bin/"\${0##*/}" "\$@"
	EOF
	chmod +x "$out/bin/start"
	for program in "$vm_root$prefix"/bin/fi_*; do
		ln -sf start "$out/bin/${program##*/}"
	done
}

# run_suite PROVIDER COLUMN OUTPUT EXCLUDES: runfabtests.sh in its own
# namespaces, or in the machine. Its working directory is empty, so that it does
# not find the inner provider's own list of excluded tests: some of those pass.
run_suite() {
	local provider config address
	local options=(-vvv -T "$timeout" -f "$4" -t "$set" -L "$rounds")
	local where=("$root_sh" run) programs=$prefix/bin
	if in_machine "$1"; then
		where=(vm_run 1)
		programs=$out/bin
	fi
	address=$(address_of "$1")
	provider=$(provider_of "$1" "$2")
	if [ "$set" = complex ]; then
		# runfabtests.sh evaluates the name: it must have no semicolon.
		config=${3//;/-}.test
		sed "s/PROVIDER/$provider/" "$(ubertest_of "$1")" >"$config"
		options+=(-u "$config")
	fi
	"${where[@]}" env -i PATH="$PATH" HOME=/tmp $(environment_of "$2") \
		sh -c 'mkdir -p /tmp/run && cd /tmp/run && exec "$@"' - \
		$prefix/bin/runfabtests.sh -p "$programs" "${options[@]}" \
		-s $address -c $address -g $address "$provider" \
		>"$3" 2>&1 </dev/null || true
}

# results OUTPUT EXCLUDES: lines "result|seconds|name|why|count". Why it did not
# pass is the last error of its output, or the comment above what excludes it; of
# ubertest the count tells how many cases passed. Ordinary is what passed without
# persistent regions, because its hints rule them out.
results() {
	awk -v timeout=$timeout '
	function why_excluded(    i) {
		for (i = 1; i <= patterns; i++)
			if (name ~ pattern[i])
				return comment[i]
	}
	function flush() {
		if (name == "")
			return
		if (result == "Fail" && seconds >= timeout)
			result = "Hang"
		if (result == "Excluded")
			error = why_excluded()
		if (result == "Pass" && ordinary != "" && count == "") {
			result = "Ordinary"
			error = ordinary
		}
		printf "%s|%s|%s|%s|%s\n", result, seconds, name, error, count
		name = ""
	}
	FILENAME == ARGV[1] {
		if (/^#/) {
			text = text (text == "" ? "" : " ") substr($0, 3)
			next
		}
		if (NF) {
			pattern[++patterns] = $0
			comment[patterns] = text
		}
		text = ""
		next
	}
	/^- name:/ {
		flush()
		name = $0
		sub(/^- name: */, "", name)
		sub(/ -p ".*"$/, "", name)
		error = ordinary = count = ""
	}
	/persistence asked for by the environment is off/ {
		ordinary = $0
		sub(/.*environment is off: /, "not persistent: ", ordinary)
	}
	/^  result:/ { result = $2; count = $3 }
	/^  time:/ { seconds = $2 }
	/^    .*(ret=-|rror|ERR|not supported|signal)/ {
		error = $0
		sub(/^ */, "", error)
		gsub(/\|/, "/", error)
	}
	/^# ---/ { flush() }
	END { flush() }' "$2" "$1"
}

# collect PROVIDER COLUMN ATTEMPT EXCLUDES: runs the suite and adds what came
# out to the results: "provider|column|attempt|" and a line of results(). What is
# excluded from a further attempt has its result already.
collect() {
	local output="$out/$1.$2.$3"
	run_suite "$1" "$2" "$output" "$4"
	results "$output" "$4" | if [ "$3" -gt 1 ]; then
		grep -v '^Excluded' || true
	else
		cat
	fi | sed "s/^/$1|$2|$3|/" >"$output.results"
	[ -s "$output.results" ] || {
		tail -n 20 "$output"
		die "runfabtests.sh gave no result, see $output"
	}
	echo "ran: $1, $2, attempt $3: $(wc -l <"$output.results") tests"
}

# collect_all ATTEMPT COLUMN...: every provider that has work. In a shell of its
# own, whose only children they are: a machine would be waited for, too.
collect_all() (
	trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
	trap 'exit 143' TERM
	local provider column excludes running=0
	for provider in "${providers[@]}"; do
		[ "$1" -eq 1 ] || grep -q "^$provider|" "$out/suspects" ||
			continue
		for column in "${@:2}"; do
			excludes="$out/$provider.$column.excludes"
			if [ "$1" -eq 1 ]; then
				excludes_of "$provider" "$column"
			else
				all_but_suspects "$provider"
			fi >"$excludes"
			if [ $running -ge "$jobs" ]; then
				wait -n
				running=$((running - 1))
			fi
			collect "$provider" "$column" "$1" "$excludes" &
			running=$((running + 1))
		done
	done
	wait
	cat "$out"/*.results >"$out/results"
)

# A pattern for every test but the suspects. runfabtests.sh matches what it
# lists, which has placeholders for addresses.
all_but_suspects() { # all_but_suspects PROVIDER
	awk -F'|' -v provider="$1" '
	NR == FNR { if ($1 == provider) suspect[$2] = 1; next }
	$1 == provider && !($6 in suspect) && !seen[$6]++ { print $6 }' \
		"$out/suspects" "$out/results" |
		sed "s/$(address_of "$1")/[A-Z_]*/g; s/^/^/; s/\$/\$/"
}

judge() { # judge suspects|regressions|table|summary [failing]
	awk -F'|' -v what="$1" -v failing="${2:-}" \
		-f "$top/util/scripts/test/fabtests_table.awk" "$out/results"
}

too_many_fail() { # too_many_fail suspects|regressions
	[ "$(judge "$1" failing | wc -l)" -gt $most_flaky ]
}

report() {
	printf '# Standard fabtests, set %s\n\n' "$set"
	printf 'libfabric %s, %s: %s.\n\n' "$("$root_sh" run \
		fi_info --version | sed -n 's/^libfabric: //p')" \
		"$(date +%F)" "$(tail -n 1 "$out/summary")"
	judge table
}

main() {
	local attempt again=suspects
	trap 'kill $(jobs -p) 2>/dev/null || true; vm_remove' EXIT

	heading "Debian trixie root"
	"$root_sh" make
	heading "Build in $root_build"
	"$root_sh" build
	rm -rf "$out"
	mkdir -p "$out"

	if printf '%s\n' "${providers[@]}" | grep -q '^verbs'; then
		heading "Machine"
		jobs=1 # its programs use the same ports
		vm_create --memory 6G
		make_programs
		vm_start 1
		vm_wait 1
	fi

	heading "fabtests: $set"
	collect_all 1 $first_columns
	! too_many_fail $again || again=regressions
	judge $again >"$out/suspects"
	if too_many_fail $again; then
		heading "Too many did not pass to be flaky"
	elif [ -s "$out/suspects" ]; then
		heading "Again: what did not pass everywhere"
		cat "$out/suspects"
		for attempt in $(seq 2 $((1 + retries))); do
			[ -s "$out/suspects" ] || break
			collect_all "$attempt" $columns
			judge suspects >"$out/suspects"
		done
	fi

	heading "Result"
	judge summary | tee "$out/summary"
	report >"$out.md"
	grep -q ' 0 failed,' "$out/summary"
}

main
