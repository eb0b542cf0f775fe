/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Options, memory, and the median. */

#include "reference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void usage(const char *program)
{
	fprintf(stderr,
		"usage: %s -s [-p PORT] -f PATH ADDRESS      server\n"
		"       %s [-p PORT] [-n COUNT] [-w COUNT] [-S SIZES] ADDRESS\n"
		"  -f PATH   the memory: a DAX device, whose contents are "
		"lost\n"
		"  -n COUNT  operations of each kind and size (200)\n"
		"  -w COUNT  of these, before measuring (20)\n"
		"  -S SIZES  bytes, as 8,4096\n"
		"  -p PORT   (7471)\n",
		program, program);
	exit(EXIT_FAILURE);
}

/* All of `text` up to `end` is a number from 1 to limit; else 0. */
static size_t parse_number(const char *text, char **end, size_t limit)
{
	unsigned long long value;

	errno = 0;
	value = strtoull(text, end, 10);
	if (errno || *end == text || *text == '-' || value > limit)
		return 0;
	return (size_t)value;
}

static bool parse_count(const char *text, size_t *count)
{
	char *end;

	*count = parse_number(text, &end, 1000000);
	return *count && !*end;
}

static bool parse_sizes(const char *text, struct reference_options *options)
{
	char *end;
	size_t size;

	options->size_count = 0;
	do {
		size = parse_number(text, &end, REFERENCE_LEN);
		if (!size || options->size_count == REFERENCE_MAX_SIZES)
			return false;
		options->sizes[options->size_count++] = size;
		text = end + 1;
	} while (*end == ',');
	return !*end;
}

static bool parse_option(int option, struct reference_options *options)
{
	switch (option) {
	case 's':
		options->serve = true;
		return true;
	case 'f':
		options->path = optarg;
		return true;
	case 'p':
		options->port = optarg;
		return true;
	case 'n':
		return parse_count(optarg, &options->count);
	case 'w':
		return parse_count(optarg, &options->warmup);
	case 'S':
		return parse_sizes(optarg, options);
	default:
		return false;
	}
}

void reference_parse(int argc, char **argv, struct reference_options *options)
{
	int option;

	*options = (struct reference_options){
		.port = "7471",
		.count = 200,
		.warmup = 20,
	};
	parse_sizes("8,64,512,4096,16384,65536", options);
	while ((option = getopt(argc, argv, "sf:p:n:w:S:")) != -1) {
		if (!parse_option(option, options))
			usage(argv[0]);
	}
	if (optind + 1 != argc || options->serve != !!options->path)
		usage(argv[0]);
	options->address = argv[optind];
}

void *reference_map(const struct reference_options *options)
{
	void *memory;
	int fd;

	fd = open(options->path, O_RDWR);
	if (fd < 0) {
		perror(options->path);
		return NULL;
	}
	memory = mmap(NULL, REFERENCE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (memory == MAP_FAILED)
		perror(options->path);
	close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

void reference_listening(void)
{
	puts("listening");
	fflush(stdout);
}

void *reference_buffer(void)
{
	void *buffer = aligned_alloc(4096, REFERENCE_LEN);

	if (!buffer) {
		perror("the client's buffer");
		return NULL;
	}
	memset(buffer, 0x5a, REFERENCE_LEN);
	return buffer;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* Fills `samples` with nanoseconds. */
static int sample(const struct reference_options *options,
		  const struct reference_op *op, size_t size, void *context,
		  uint64_t *samples)
{
	uint64_t began;
	size_t i;
	int ret;

	for (i = 0; i < options->warmup; i++) {
		ret = op->run(context, size);
		if (ret)
			return ret;
	}
	for (i = 0; i < options->count; i++) {
		began = now_ns();
		ret = op->run(context, size);
		samples[i] = now_ns() - began;
		if (ret)
			return ret;
	}
	return 0;
}

int reference_measure(const struct reference_options *options,
		      const char *program, const struct reference_op *ops,
		      size_t op_count, void *context)
{
	size_t count = options->count, i, at_size;
	uint64_t *samples = calloc(count, sizeof(*samples));
	int ret = samples ? 0 : ENOMEM;

	/* Sizes outside: what is compared at one is measured together. */
	for (i = 0; !ret && i < options->size_count * op_count; i++) {
		at_size = options->sizes[i / op_count];
		ret = sample(options, &ops[i % op_count], at_size, context,
			     samples);
		if (ret)
			break;
		qsort(samples, count, sizeof(*samples), compare);
		printf("%s %s %zu %.2f\n", program, ops[i % op_count].name,
		       at_size, (double)samples[count / 2] / 1000);
	}
	free(samples);
	return ret;
}
