/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

/*
 * Shared by the MPI programs. They check their own results: a wrong one is
 * reported on stderr and ends all ranks. What rank 0 prints on stdout depends
 * only on the number of ranks, so that it can be compared from one provider to
 * another.
 */

#ifndef MPI_CHECK_H
#define MPI_CHECK_H

#include <mpi.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline int mpi_rank(void)
{
	int rank;

	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	return rank;
}

static inline int mpi_size(void)
{
	int size;

	MPI_Comm_size(MPI_COMM_WORLD, &size);
	return size;
}

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "rank %d: %s:%d: wrong: %s\n",         \
				mpi_rank(), __FILE__, __LINE__, #condition);   \
			MPI_Abort(MPI_COMM_WORLD, 1);                          \
		}                                                              \
	} while (0)

static inline void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	CHECK(memory);
	return memory;
}

/* Returns a byte that depends on who wrote it, when, and where. */
static inline unsigned char pattern(int writer, int round, size_t position)
{
	uint64_t mixed = (uint64_t)position * 2654435761u +
			 (uint64_t)writer * 40503u + (uint64_t)round * 97u;

	return (unsigned char)(mixed ^ (mixed >> 13) ^ (mixed >> 29));
}

static inline void fill(unsigned char *data, size_t bytes, int writer,
			int round)
{
	for (size_t i = 0; i < bytes; i++)
		data[i] = pattern(writer, round, i);
}

static inline int matches(const unsigned char *data, size_t bytes, int writer,
			  int round)
{
	for (size_t i = 0; i < bytes; i++) {
		if (data[i] != pattern(writer, round, i))
			return 0;
	}
	return 1;
}

#endif /* MPI_CHECK_H */
