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

function row(series, size, value, raw, rpma) {
	value = median(series " " size)
	raw = median("raw native " size)
	rpma = median("rpma native " size)
	printf("| %-13s | %7d | %10.1f | %9.2f | %11.2f |\n", series, size,
		value, value / raw, value / rpma)
	if (series != "ours native")
		return
	native++
	near += value / raw <= 1.10
	below += value < rpma
}

END {
	if (!size_count)
		exit 1
	printf("| %-13s | %7s | %10s | %9s | %11s |\n", "program", "bytes",
		"us", "/ raw", "/ librpma")
	print "| --- | ---: | ---: | ---: | ---: |"
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
