/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Shared by the reference programs: their options, the server's memory, and the
 * measurement. Each program is a server, which only registers its memory, and a
 * client, which writes to it without any code of this project; the median of
 * the times is what our own latency is compared with.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the server's memory. A DAX device maps in multiples of this. */
#define REFERENCE_LEN (2UL << 20)
#define REFERENCE_MAX_SIZES 32

struct reference_options {
	bool serve;
	const char *path;
	const char *address;
	const char *port;
	size_t count;
	size_t warmup;
	size_t sizes[REFERENCE_MAX_SIZES];
	size_t size_count;
};

/* One operation of that many bytes, from posting to completion. */
struct reference_op {
	const char *name;
	int (*run)(void *context, size_t size);
};

/* Exits with a message if they make no sense. */
void reference_parse(int argc, char **argv, struct reference_options *options);

/* Maps options->path, REFERENCE_LEN bytes; NULL with a message. */
void *reference_map(const struct reference_options *options);

/* Says on standard output that clients may come now. */
void reference_listening(void);

/* Returns the client's buffer, or NULL after a message. */
void *reference_buffer(void);

/*
 * Runs each operation at each size, and prints a line for each: PROGRAM, the
 * operation, bytes, median microseconds. Ends at the first that fails.
 */
int reference_measure(const struct reference_options *options,
		      const char *program, const struct reference_op *ops,
		      size_t op_count, void *context);

#endif /* REFERENCE_H */
