/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

/*
 * One-sided operations on a window in ordinary memory: put, get, accumulate,
 * fetch-and-op and compare-and-swap, under each kind of synchronisation.
 */

#include "mpi_check.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

static const size_t sizes[] = {1, 8, 100, 4096, 4097, 65536, 1048577};
static const size_t slice = 1048577;
enum { counters = 200, turns = 20 };

/* Every rank has in its window a slice for every rank. */
static void put_and_fence(MPI_Win win, const unsigned char *window,
			  unsigned char *data, size_t bytes, int round)
{
	int rank = mpi_rank(), size = mpi_size();

	fill(data, bytes, rank, round);
	MPI_Win_fence(0, win);
	for (int to = 0; to < size; to++)
		MPI_Put(data, (int)bytes, MPI_BYTE, to, (MPI_Aint)slice * rank,
			(int)bytes, MPI_BYTE, win);
	MPI_Win_fence(0, win);
	for (int from = 0; from < size; from++)
		CHECK(matches(window + slice * from, bytes, from, round));
	MPI_Barrier(MPI_COMM_WORLD);
}

static void put_and_get(MPI_Win win, unsigned char *data, size_t bytes,
			int round)
{
	int rank = mpi_rank(), size = mpi_size();

	MPI_Win_lock_all(0, win);
	for (int i = 1; i < size; i++) {
		int to = (rank + i) % size;

		fill(data, bytes, rank + i, round);
		MPI_Put(data, (int)bytes, MPI_BYTE, to, (MPI_Aint)slice * rank,
			(int)bytes, MPI_BYTE, win);
		MPI_Win_flush(to, win);
		memset(data, 0, bytes);
		MPI_Get(data, (int)bytes, MPI_BYTE, to, (MPI_Aint)slice * rank,
			(int)bytes, MPI_BYTE, win);
		MPI_Win_flush(to, win);
		CHECK(matches(data, bytes, rank + i, round));
	}
	MPI_Win_unlock_all(win);
	MPI_Barrier(MPI_COMM_WORLD);
}

/*
 * Puts every second of 1000 words of the next rank, under general active
 * target.
 */
static void put_strided(MPI_Win win, const unsigned char *window)
{
	int rank = mpi_rank(), size = mpi_size();
	int next = (rank + 1) % size, previous = (rank + size - 1) % size;
	int32_t words[1000], seen[2000];
	MPI_Group world, to, from;
	MPI_Datatype every_second;

	MPI_Type_vector(1000, 1, 2, MPI_INT32_T, &every_second);
	MPI_Type_commit(&every_second);
	MPI_Comm_group(MPI_COMM_WORLD, &world);
	MPI_Group_incl(world, 1, &next, &to);
	MPI_Group_incl(world, 1, &previous, &from);
	for (int i = 0; i < 1000; i++)
		words[i] = 1000000 * (rank + 1) + i;
	MPI_Win_post(from, 0, win);
	MPI_Win_start(to, 0, win);
	MPI_Put(words, 1000, MPI_INT32_T, next, 0, 1, every_second, win);
	MPI_Win_complete(win);
	MPI_Win_wait(win);
	memcpy(seen, window, sizeof(seen) - sizeof(seen[0]));
	for (int i = 0; i < 1000; i++)
		CHECK(seen[2 * i] == 1000000 * (previous + 1) + i);
	MPI_Group_free(&world);
	MPI_Group_free(&to);
	MPI_Group_free(&from);
	MPI_Type_free(&every_second);
	MPI_Barrier(MPI_COMM_WORLD);
}

static void accumulate(MPI_Win win, int64_t *window, int count)
{
	int rank = mpi_rank(), size = mpi_size();
	int64_t *ours = allocate(count * sizeof(*ours));
	int64_t *before = allocate(count * sizeof(*before));

	memset(window, 0, count * sizeof(*window));
	for (int i = 0; i < count; i++)
		ours[i] = i + rank;
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Win_lock_all(0, win);
	for (int to = 0; to < size; to++)
		MPI_Accumulate(ours, count, MPI_INT64_T, to, 0, count,
			       MPI_INT64_T, MPI_SUM, win);
	MPI_Win_flush_all(win);
	MPI_Get_accumulate(ours, count, MPI_INT64_T, before, count, MPI_INT64_T,
			   rank, 0, count, MPI_INT64_T, MPI_NO_OP, win);
	MPI_Win_unlock_all(win);
	for (int i = 0; i < count; i++)
		CHECK(before[i] >= ours[i]);
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Win_lock(MPI_LOCK_SHARED, rank, 0, win);
	for (int i = 0; i < count; i++)
		CHECK(window[i] == (int64_t)i * size + size * (size - 1) / 2);
	MPI_Win_unlock(rank, win);
	free(ours);
	free(before);
	MPI_Barrier(MPI_COMM_WORLD);
}

/* Nobody gets a number twice, and none is left out. */
static void fetch_and_add(MPI_Win win, int64_t *window)
{
	int size = mpi_size();
	int64_t one = 1, fetched, sum = 0, total, last = -1;

	window[0] = 0;
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Win_lock_all(0, win);
	for (int i = 0; i < counters; i++) {
		MPI_Fetch_and_op(&one, &fetched, MPI_INT64_T, 0, 0, MPI_SUM,
				 win);
		MPI_Win_flush(0, win);
		CHECK(fetched > last);
		last = fetched;
		sum += fetched;
	}
	MPI_Win_unlock_all(win);
	MPI_Allreduce(&sum, &total, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
	one = (int64_t)counters * size;
	CHECK(total == one * (one - 1) / 2);
	if (!mpi_rank())
		printf("fetch and add: %lld\n", (long long)total);
}

/*
 * Twice as long each time, 1 to 512 us. An accumulate takes a lock of Open
 * MPI's own, which is not fair: ranks that try without a pause, one of them on
 * its own window, would keep it from the rank that wants to let go.
 */
static void back_off(int attempt)
{
	struct timespec pause = {0, 1000L << (attempt < 9 ? attempt : 9)};

	nanosleep(&pause, NULL);
}

/* A spin lock in word 1 of the last rank guards a counter in its word 2. */
static void compare_and_swap(MPI_Win win, int64_t *window)
{
	int size = mpi_size(), at = size - 1;
	int64_t ours = mpi_rank() + 1, nobody = 0, seen, value;

	window[1] = window[2] = 0;
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Win_lock_all(0, win);
	for (int i = 0; i < turns; i++) {
		for (int attempt = 0;; attempt++) {
			MPI_Compare_and_swap(&ours, &nobody, &seen, MPI_INT64_T,
					     at, 1, win);
			MPI_Win_flush(at, win);
			if (!seen)
				break;
			back_off(attempt);
		}
		MPI_Get(&value, 1, MPI_INT64_T, at, 2, 1, MPI_INT64_T, win);
		MPI_Win_flush(at, win);
		value++;
		MPI_Put(&value, 1, MPI_INT64_T, at, 2, 1, MPI_INT64_T, win);
		MPI_Win_flush(at, win);
		MPI_Accumulate(&nobody, 1, MPI_INT64_T, at, 1, 1, MPI_INT64_T,
			       MPI_REPLACE, win);
		MPI_Win_flush(at, win);
	}
	MPI_Win_unlock_all(win);
	MPI_Barrier(MPI_COMM_WORLD);
	if (mpi_rank() == at)
		CHECK(window[2] == (int64_t)size * turns);
}

/* The same counter, guarded by the window's own lock. */
static void exclusive_lock(MPI_Win win, int64_t *window)
{
	int size = mpi_size();
	int64_t value;

	window[3] = 0;
	MPI_Barrier(MPI_COMM_WORLD);
	for (int i = 0; i < turns; i++) {
		MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win);
		MPI_Get(&value, 1, MPI_INT64_T, 0, 3, 1, MPI_INT64_T, win);
		MPI_Win_flush(0, win);
		value++;
		MPI_Put(&value, 1, MPI_INT64_T, 0, 3, 1, MPI_INT64_T, win);
		MPI_Win_unlock(0, win);
	}
	MPI_Barrier(MPI_COMM_WORLD);
	if (!mpi_rank())
		CHECK(window[3] == (int64_t)size * turns);
}

static void bytes(void)
{
	const int count = sizeof(sizes) / sizeof(sizes[0]);
	size_t length = slice * mpi_size();
	unsigned char *window = allocate(length), *data = allocate(slice);
	MPI_Win win;

	MPI_Win_create(window, (MPI_Aint)length, 1, MPI_INFO_NULL,
		       MPI_COMM_WORLD, &win);
	for (int i = 0; i < count; i++) {
		put_and_fence(win, window, data, sizes[i], i);
		put_and_get(win, data, sizes[i], i);
		if (!mpi_rank())
			printf("put and get of %zu bytes: right\n", sizes[i]);
	}
	put_strided(win, window);
	MPI_Win_free(&win);
	free(window);
	free(data);
}

/* Memory that really goes when it is freed, and its registrations with it. */
static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* Puts on their way to one window while another one comes, is used and goes. */
static void windows_come_and_go(void)
{
	int rank = mpi_rank(), size = mpi_size();
	int next = (rank + 1) % size, previous = (rank + size - 1) % size;
	unsigned char *window = allocate(slice), *data = allocate(slice);
	MPI_Win win, other;

	MPI_Win_create(window, (MPI_Aint)slice, 1, MPI_INFO_NULL,
		       MPI_COMM_WORLD, &win);
	MPI_Win_lock_all(0, win);
	for (int round = 0; round < turns; round++) {
		unsigned char *memory = map(slice);

		MPI_Win_create(memory, (MPI_Aint)slice, 1, MPI_INFO_NULL,
			       MPI_COMM_WORLD, &other);
		fill(data, slice, rank, round);
		MPI_Win_fence(0, other);
		MPI_Put(data, 4096, MPI_BYTE, next, 0, 4096, MPI_BYTE, other);
		MPI_Win_fence(0, other);
		CHECK(matches(memory, 4096, previous, round));
		MPI_Win_free(&other);
		munmap(memory, slice);
		MPI_Put(data, (int)slice, MPI_BYTE, next, 0, (int)slice,
			MPI_BYTE, win);
		MPI_Win_flush_all(win);
		MPI_Barrier(MPI_COMM_WORLD);
		CHECK(matches(window, slice, previous, round));
		MPI_Barrier(MPI_COMM_WORLD);
	}
	MPI_Win_unlock_all(win);
	MPI_Win_free(&win);
	free(window);
	free(data);
}

static void words(void)
{
	const int largest = 20000;
	int64_t *window = allocate(largest * sizeof(*window));
	MPI_Win win;

	MPI_Win_create(window, largest * sizeof(*window), sizeof(*window),
		       MPI_INFO_NULL, MPI_COMM_WORLD, &win);
	for (int count = 1; count <= largest; count *= 20)
		accumulate(win, window, count);
	fetch_and_add(win, window);
	compare_and_swap(win, window);
	exclusive_lock(win, window);
	MPI_Win_free(&win);
	free(window);
}

int main(int argc, char **argv)
{
	MPI_Init(&argc, &argv);
	bytes();
	windows_come_and_go();
	words();
	if (!mpi_rank())
		printf("rma on %d ranks: right\n", mpi_size());
	MPI_Finalize();
	return 0;
}
