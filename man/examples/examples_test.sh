#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The programs of fi_pmem_examples(7): what they say is durable survives the
# power failure of their target.
. "${srcdir:-$(dirname "$0")/../..}/util/fi_pmem/test/tool.sh"
export FI_OFI_PMEM_BACKEND=powerfail

listens() { # PORT
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		grep -q "$(printf ':%04X .*:0000 0A ' "$1")"
}

free_port() {
	port=$((20000 + RANDOM % 10000))
	while listens $port; do
		port=$((port + 1))
	done
}

start_target() { # PROGRAM
	free_port
	rm -f "$dir/stdin"
	mkfifo "$dir/stdin"
	"$program" target 127.0.0.1 $port $key "$dir/greeting" \
		<>"$dir/stdin" >"$dir/target" 2>&1 &
	target=$!
	pids="$pids $target"
	until listens $port; do
		kill -0 $target 2>/dev/null || return
		sleep 0.05 # between looks
	done
}

ends() { # CODE: the target, after its Enter
	echo >"$dir/stdin"
	wait $target
	[ $? -eq "$1" ]
}

greeting() { # up to the first byte of 0
	local text
	IFS= read -r -d '' text <"$dir/greeting"
	printf %s "$text"
}

head -c 32 /dev/urandom >"$dir/key"
head -c 32 /dev/urandom >"$dir/other"
for name in hello_msg hello_rdm sealed_msg; do
	program=./man/examples/$name
	key=
	[ $name != sealed_msg ] || key=$dir/key
	text="Hello from $name"
	start_target
	$LIMIT "$program" initiator 127.0.0.1 $port $key "$text" \
		>"$dir/out" 2>"$dir/err"
	check "$name says that it is durable" \
		grep -qx "durable at 127.0.0.1: $text" "$dir/out"
	kill -KILL $target
	wait $target 2>/dev/null
	check "$name: so it is" test "$(greeting)" = "$text"

	start_target
	$LIMIT "$program" initiator 127.0.0.1 $port $key again >"$dir/out" 2>&1
	check "$name: the target ends when it is told to" ends 0
	check "$name: the file has the new text" test "$(greeting)" = again

	if [ $name = sealed_msg ]; then
		start_target
		$LIMIT "$program" initiator 127.0.0.1 $port "$dir/other" none \
			>"$dir/out" 2>"$dir/err"
		check "$name: another key is refused" says "Key was rejected"
		check "$name: and nothing is written" \
			test "$(greeting)" = again
		check "$name: the target ends" ends 0
	fi
	if [ $name = hello_msg ]; then
		$LIMIT "$program" initiator 127.0.0.1 $port none \
			>"$dir/out" 2>"$dir/err"
		check "$name: nothing is durable without a target" \
			test $? -eq 1 -a ! -s "$dir/out"
	fi
done
check "hello_msg has at most 100 lines" \
	test "$(wc -l <"${srcdir:-.}/man/examples/hello_msg.c")" -le 100
finish
