# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The table of util/vm/latency.sh. Its input: who (raw, rpma, ours), what, bytes,
# microseconds. The order is that of the first occurrences.

function median(key, count, values, i, j, value) {
	count = split(samples[key], values, " ")
	for (i = 2; i <= count; i++) {
		value = values[i] + 0
		for (j = i - 1; j > 0 && values[j] + 0 > value; j--)
			values[j + 1] = values[j]
		values[j + 1] = value
	}
	if (count % 2)
		return values[(count + 1) / 2]
	return (values[count / 2] + values[count / 2 + 1]) / 2
}

function best(key, count, values, i, least) {
	count = split(samples[key], values, " ")
	least = values[1] + 0
	for (i = 2; i <= count; i++)
		if (values[i] + 0 < least)
			least = values[i] + 0
	return least
}

$1 == "raw" || $1 == "rpma" || $1 == "ours" {
	series = $1 " " $2
	if (!(series in known)) {
		known[series] = 1
		order[++series_count] = series
	}
	if (!($3 in known_size)) {
		known_size[$3] = 1
		sizes[++size_count] = $3
	}
	samples[series " " $3] = samples[series " " $3] " " $4
}

function row(series, size, value, raw, rpma, fast) {
	value = median(series " " size)
	raw = median("raw native " size)
	rpma = median("rpma native " size)
	fast = best(series " " size)
	printf("| %-13s | %7d | %9.1f | %6.2f | %9.2f | %9.1f | %6.2f |\n",
		series, size, value, value / raw, value / rpma, fast,
		fast / best("raw native " size))
	if (series != "ours native")
		return
	native++
	near += value / raw <= 1.10
	below += value < rpma
}

END {
	if (!size_count)
		exit 1
	printf("| %-13s | %7s | %9s | %6s | %9s | %9s | %6s |\n", "program",
		"bytes", "median us", "/ raw", "/ librpma", "best us", "/ raw")
	print "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
	for (i = 1; i <= series_count; i++)
		for (j = 1; j <= size_count; j++)
			row(order[i], sizes[j])
	print ""
	if (native)
		printf("native: at most 1.10 times raw at %d of %d sizes, " \
			"below librpma at %d\n", near, native, below)
	else
		print "native: not measured"
}
