# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Sourced by util/vm/power_cuts.sh: the power is cut while a log is appended to.
#
# A line is the number of the cut and its own, over and over: nothing that an
# earlier cut left, and no piece of another line, can be taken for it. From
# where append began follows at which position each line must be.
#
#   $out/whole          all that the log can have: lines "POSITION BYTES TEXT"
#   $out/NAME.records   what a dump shows, likewise
#   $out/left.PLACE     what the last cut left in a place, likewise; not there
#                       if that did not count, or failed: one fault is reported once

log_orders=(target initiator lazy)
log_shortest=$((256 << 10)) # bytes; of four places, each twice the one before

log_space_of='function space_of(bytes) {return 32 + 8 * int((bytes + 7) / 8)}'

log_forget() {
	rm -f "$out"/left.*
}

# More lines than can be appended, a few bytes long to 8 KiB.
log_lines() { # log_lines NUMBER
	awk -v cut="$1" -v seed="$seed$1" -v bytes=$stream 'BEGIN {
		srand(seed)
		while (bytes > 0) {
			shortest = line = cut " " ++number
			wanted = int(exp(9 * rand()))
			while (length(line) < wanted)
				line = line " " line
			if (wanted > length(shortest))
				line = substr(line, 1, wanted)
			print line
			bytes -= length(line)
		}
	}'
}

# Those of standard input that are appended to a log from BEGIN on, up to END.
log_at_positions() { # log_at_positions BEGIN END
	awk -v at="$1" -v end="$2" "$log_space_of"'
	at >= end {exit}
	{
		print at, length($0), $0
		at += space_of(length($0))
	}'
}

# Prints where the records end; fails if one begins elsewhere than the last ended.
log_end_of() { # log_end_of RECORDS HEAD
	awk -v at="$2" "$log_space_of"'
	$1 != at {
		gap = 1
		exit
	}
	{at += space_of($2)}
	END {
		print at
		exit gap
	}' "$1"
}

# Lines of a file are all there in the other, one after the other.
log_is_part() { # log_is_part PART WHOLE
	local first
	first=$(grep -nxF -m 1 -e "$(head -n 1 "$1")" "$2") &&
		tail -n "+${first%%:*}" "$2" |
		cmp -s -n "$(stat -c %s "$1")" "$1" -
}

log_client() { # log_client NAME COMMAND ARGUMENTS...
	local name=$1 command=$2
	shift 2
	client "$name" log "$command" "$peer" "$@" --offset "$offset" \
		--length "$length" --timeout 20 --stall 20
}

log_dump() { # log_dump NAME
	log_client "$1" dump &&
		jq -r 'select(.event == "record") |
			"\(.position) \(.bytes) \(.text)"' "$out/$1" \
			>"$out/$1.records"
}

# A dump shows a part of what was appended, from the head to what was
# acknowledged or more. Sets end, of the last record.
log_shows_all() { # log_shows_all NAME
	local head
	head=$(number "$1" head)
	end=$(log_end_of "$out/$1.records" "$head") &&
		[ "$end" -ge "$acknowledged" ] &&
		log_is_part "$out/$1.records" "$out/whole"
}

# make_room() retires an eighth of the log, and the rest of one record.
log_retired_little() { # log_retired_little NAME
	local head used capacity
	head=$(number "$1" head)
	used=$(($(number "$1" pointer) - head))
	capacity=$(number "$1" capacity)
	[ "$head" -eq 0 ] || [ $used -ge $((capacity * 3 / 4)) ]
}

log_and_cut() {
	local depth new begin how=(--drop-oldest)
	random place 0 3
	random depth 1 32
	random new 0 3
	order=${log_orders[$1 % 3]}
	offset=$((place * stream))
	length=$((log_shortest << place))
	log_lines "$1" >"$out/input"
	if [ "$new" -eq 0 ] || [ ! -e "$out/left.$place" ]; then
		how+=(--create)
		: >"$out/whole"
	else
		cp "$out/left.$place" "$out/whole"
	fi
	rm -f "$out/left.$place"
	how+=(--order "$order" --depth "$depth")
	cut_during log_client log append "$out/input" "${how[@]}"
	begin=$(number log begin)
	acknowledged=$(number log durable_to)
	durable=$((acknowledged - begin))
	log_at_positions "$begin" "$(number log end)" <"$out/input" \
		>>"$out/whole"
	echo "cut $1: --length $length ${how[*]}:" \
		"acknowledged $begin to $acknowledged"
}

# Checks the log as the cut left it, before anybody writes.
log_check_found() { # log_check_found NUMBER
	local end=
	log_dump found && log_shows_all found
	record "cut $1: all acknowledged is found, and whole, up to $end" $?
	# Records that lazy acknowledges may be behind the pointer.
	[ "$order" = lazy ] && return
	[ "$(number found pointer)" -ge "$acknowledged" ]
	record "cut $1: and the pointer is behind it" $?
}

log_check_recovered() { # log_check_recovered NUMBER
	local end=
	log_client recovery append /dev/null && log_dump recovered &&
		log_shows_all recovered
	record "cut $1: it is there after recovery, up to $end" $?
	[ "$(number recovered pointer)" = "$end" ]
	record "cut $1: and the pointer is behind the last record" $?
	cmp -s "$out/found.records" "$out/recovered.records"
	record "cut $1: recovery changed nothing of what was found" $?
	log_retired_little recovered
	record "cut $1: no more than the oldest records are retired" $?
}

log_check() {
	local before=$failed
	log_check_found "$1"
	log_check_recovered "$1"
	[ "$failed" -gt "$before" ] ||
		mv "$out/recovered.records" "$out/left.$place"
}
