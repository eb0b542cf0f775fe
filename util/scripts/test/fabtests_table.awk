# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Reads what fabtests.sh collected, "provider|column|attempt|result|
# seconds|name|why|count", and judges it. With what=suspects: "provider|name" of
# each test that must be run again, with regressions of those among them that pass
# alone, and with failing=failing only of what failed, not of what the provider
# cannot run; else the table, and the summary.

{
	test = $1 "|" $6
	cell = test "|" $2
	if (!(test in provider)) {
		order[++tests] = test
		provider[test] = $1
		name[test] = $6
	}
	runs[cell]++
	passes[cell] += ($4 == "Pass" || $4 == "Ordinary")
	ordinary[cell] += ($4 == "Ordinary")
	hangs[cell] += ($4 == "Hang")
	if (!(cell in first))
		first[cell] = $4
	if ($4 != "Pass" && $7 != "")
		why[cell] = $7
	if ($8 != "")
		count[cell] = " " $8
}

function cell_of(test, column) {
	return test "|" column
}

function always(cell) {
	return runs[cell] > 0 && passes[cell] == runs[cell]
}

# A test that passes alone, or has not been tried alone, must pass over ofi_pmem, and
# none may hang only there.
function regressed(test, column,    inner, cell) {
	inner = cell_of(test, "inner")
	cell = cell_of(test, column)
	if (always(cell) || first[cell] == "Excluded")
		return 0
	if (always(inner) || !runs[inner])
		return 1
	if (passes[inner])
		return !passes[cell]
	return hangs[cell] && !hangs[inner]
}

function regression(test) {
	return regressed(test, "layered") || regressed(test, "persistent")
}

function fails(test,    i) {
	for (i = 1; i <= columns; i++)
		if (first[cell_of(test, column[i])] ~ /Fail|Hang/)
			return 1
	return 0
}

function suspect(test) {
	return first[cell_of(test, "inner")] ~ /Fail|Hang/ || regression(test)
}

function verdict(test, column,    cell, text) {
	cell = cell_of(test, column)
	if (!runs[cell])
		return "missing"
	if (always(cell))
		return (ordinary[cell] ? "pass, ordinary" : "pass") count[cell]
	if (passes[cell])
		return "pass " passes[cell] "/" runs[cell]
	text["Pass"] = "pass"
	text["Fail"] = hangs[cell] ? "hang" : "fail"
	text["Hang"] = "hang"
	text["Notrun"] = "not run"
	text["Excluded"] = "excluded"
	return text[first[cell]] count[cell]
}

# Why a test did not pass everywhere, in its own words.
function reason(test,    inner, cell, i, text) {
	inner = cell_of(test, "inner")
	if (passes[inner] && !always(inner))
		text = "flaky alone"
	for (i = 1; i <= columns; i++) {
		cell = cell_of(test, column[i])
		if (why[cell] != "")
			return text (text == "" ? "" : ": ") why[cell]
	}
	return text
}

function table(    i, j, test, row) {
	print "| provider | test | alone | layered | persistent | why |"
	print "| --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= tests; i++) {
		test = order[i]
		row = "| " provider[test] " | " name[test]
		for (j = 1; j <= columns; j++)
			row = row " | " verdict(test, column[j])
		print row " | " reason(test) " |"
	}
}

function summary(    i, j, test, cell) {
	for (i = 1; i <= tests; i++) {
		test = order[i]
		if (passes[cell_of(test, "inner")] &&
		    !always(cell_of(test, "inner")))
			print "flaky alone: " provider[test] ": " name[test]
		for (j = 2; j <= columns; j++) {
			cell = cell_of(test, column[j])
			if (regressed(test, column[j])) {
				failed++
				print "REGRESSION: " provider[test] ";ofi_pmem, " \
					column[j] ": " name[test]
			} else if (passes[cell])
				passed++
			else
				skipped++
		}
	}
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}

BEGIN {
	columns = split("inner layered persistent", column, " ")
}

END {
	if (what == "suspects" || what == "regressions") {
		for (i = 1; i <= tests; i++)
			if ((regression(order[i]) ||
			     (what == "suspects" && suspect(order[i]))) &&
			    (failing == "" || fails(order[i])))
				print order[i]
	} else if (what == "table") {
		table()
	} else {
		summary()
	}
}
