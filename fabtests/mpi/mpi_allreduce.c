/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

/* Collective operations, small and large, against what they must give. */

#include "mpi_check.h"

enum { largest = 1 << 18 };

static void sums(int count, int64_t *in, int64_t *out)
{
	int rank = mpi_rank(), size = mpi_size();
	int64_t ranks = (int64_t)size * (size - 1) / 2, total = 0;

	for (int i = 0; i < count; i++)
		in[i] = (int64_t)i * size + rank;
	MPI_Allreduce(in, out, count, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
	for (int i = 0; i < count; i++) {
		CHECK(out[i] == (int64_t)i * size * size + ranks);
		total += out[i];
	}
	if (!rank)
		printf("allreduce sum of %d: %lld\n", count, (long long)total);
}

static void extremes(void)
{
	int rank = mpi_rank(), size = mpi_size();
	double in = 1.5 * (rank + 1), low, high, product;

	MPI_Allreduce(&in, &low, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
	MPI_Allreduce(&in, &high, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	MPI_Allreduce(&in, &product, 1, MPI_DOUBLE, MPI_PROD, MPI_COMM_WORLD);
	CHECK(low == 1.5);
	CHECK(high == 1.5 * size);
	if (!rank)
		printf("allreduce min %g max %g prod %g\n", low, high, product);
}

static void everyone_to_everyone(int64_t *in, int64_t *out)
{
	int rank = mpi_rank(), size = mpi_size(), share = largest / size;

	for (int i = 0; i < share * size; i++)
		in[i] = (int64_t)rank * largest + i;
	MPI_Alltoall(in, share, MPI_INT64_T, out, share, MPI_INT64_T,
		     MPI_COMM_WORLD);
	for (int i = 0; i < share * size; i++)
		CHECK(out[i] == (int64_t)(i / share) * largest + rank * share +
					i % share);
	MPI_Bcast(out, share, MPI_INT64_T, size - 1, MPI_COMM_WORLD);
	CHECK(out[0] == (size - 1) * share);
	if (!rank)
		printf("alltoall and bcast of %d: right\n", share);
}

int main(int argc, char **argv)
{
	int64_t *in, *out;

	MPI_Init(&argc, &argv);
	in = allocate(largest * sizeof(*in));
	out = allocate(largest * sizeof(*out));
	for (int count = 1; count <= largest; count *= 8)
		sums(count, in, out);
	extremes();
	everyone_to_everyone(in, out);
	free(in);
	free(out);
	MPI_Finalize();
	return 0;
}
