/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

/*
 * Messages around a ring, from nothing to more than a rendezvous: each rank
 * sends to the next and receives from the one before.
 */

#include "mpi_check.h"

static const size_t sizes[] = {0,     1,      7,       64,     4095,
			       65536, 131073, 1048576, 4194301};
enum { rounds = 3 };

static void pass_on(size_t bytes, int round, unsigned char *out,
		    unsigned char *in)
{
	int rank = mpi_rank(), size = mpi_size();
	int next = (rank + 1) % size, previous = (rank + size - 1) % size;
	MPI_Status status;
	int count;

	fill(out, bytes, rank, round);
	MPI_Sendrecv(out, (int)bytes, MPI_BYTE, next, round, in, (int)bytes,
		     MPI_BYTE, previous, round, MPI_COMM_WORLD, &status);
	MPI_Get_count(&status, MPI_BYTE, &count);
	CHECK((size_t)count == bytes);
	CHECK(status.MPI_SOURCE == previous);
	CHECK(matches(in, bytes, previous, round));
}

/* Passes a token that every rank adds to; nobody knows who sends it. */
static void token(void)
{
	int rank = mpi_rank(), size = mpi_size(), sum = 0;

	for (int lap = 0; lap < 100; lap++) {
		if (rank || lap)
			MPI_Recv(&sum, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG,
				 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		sum += rank + 1;
		MPI_Send(&sum, 1, MPI_INT, (rank + 1) % size, lap,
			 MPI_COMM_WORLD);
	}
	if (rank)
		return;
	MPI_Recv(&sum, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
		 MPI_STATUS_IGNORE);
	CHECK(sum == 100 * size * (size + 1) / 2);
	printf("token %d\n", sum);
}

int main(int argc, char **argv)
{
	const int count = sizeof(sizes) / sizeof(sizes[0]);
	size_t largest = sizes[count - 1];
	unsigned char *in, *out;

	MPI_Init(&argc, &argv);
	in = allocate(largest);
	out = allocate(largest);
	for (int i = 0; i < count; i++) {
		for (int round = 0; round < rounds; round++)
			pass_on(sizes[i], round, out, in);
		if (!mpi_rank())
			printf("ring of %d, %zu bytes: right\n", mpi_size(),
			       sizes[i]);
	}
	token();
	free(in);
	free(out);
	MPI_Finalize();
	return 0;
}
