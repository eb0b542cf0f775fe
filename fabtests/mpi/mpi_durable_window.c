/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

/*
 * A window in a file, and a power failure.
 *
 *   mpirun ... mpi_durable_window DIRECTORY
 *
 * Each rank gives MPI_Win_create a mapping of DIRECTORY/window.<rank>, and
 * writes to DIRECTORY/expected.<rank> what that file must hold. Rank 0 writes
 * to all windows, each of the operations below to a section of its own, while
 * the others sleep. The moment MPI_Win_flush has returned it kills them with
 * SIGKILL, and itself.
 *
 *   mpi_durable_window --check DIRECTORY
 *
 * Without mpirun this reports, for each window and section, how many bytes were
 * lost.
 *
 * Nothing in here knows about libfabric or persistence.
 */

#include "mpi_check.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	section_bytes = 65536,
	section_words = section_bytes / sizeof(uint64_t),
	atomic_words = 64
};

/* The windows hold these before, so that a byte not written is seen. */
static const unsigned char old_byte = 0xee;
static const uint64_t old_word = 0xeeeeeeeeeeeeeeee;

/* Returns data for section `id` of the window of `target`, in words. */
static uint64_t word(int target, int id, int i)
{
	uint64_t value;

	fill((unsigned char *)&value, sizeof(value), target * 31 + id, i);
	return value;
}

struct place {
	MPI_Win win;
	int target;
	int id;
	MPI_Aint at; /* displacement of the section, in bytes */
	uint64_t *data;
};

static void put(const struct place *p)
{
	MPI_Put(p->data, section_words, MPI_UINT64_T, p->target, p->at,
		section_words, MPI_UINT64_T, p->win);
}

static void put_words(const struct place *p)
{
	for (int i = 0; i < section_words; i++)
		MPI_Put(&p->data[i], 1, MPI_UINT64_T, p->target,
			p->at + i * (MPI_Aint)sizeof(uint64_t), 1, MPI_UINT64_T,
			p->win);
}

/* Puts first the even words, then the odd ones. */
static void put_strided(const struct place *p)
{
	MPI_Datatype half;

	MPI_Type_vector(section_words / 2, 1, 2, MPI_UINT64_T, &half);
	MPI_Type_commit(&half);
	for (int i = 0; i < 2; i++)
		MPI_Put(&p->data[i], 1, half, p->target,
			p->at + i * (MPI_Aint)sizeof(uint64_t), 1, half,
			p->win);
	MPI_Win_flush_local(p->target, p->win);
	MPI_Type_free(&half);
}

static void put_with_request(const struct place *p)
{
	MPI_Request request;

	MPI_Rput(p->data, section_words, MPI_UINT64_T, p->target, p->at,
		 section_words, MPI_UINT64_T, p->win, &request);
	MPI_Wait(&request, MPI_STATUS_IGNORE);
}

static void replace(const struct place *p)
{
	MPI_Accumulate(p->data, section_words, MPI_UINT64_T, p->target, p->at,
		       section_words, MPI_UINT64_T, MPI_REPLACE, p->win);
}

static void sum(const struct place *p)
{
	MPI_Accumulate(p->data, section_words, MPI_UINT64_T, p->target, p->at,
		       section_words, MPI_UINT64_T, MPI_SUM, p->win);
}

static void get_and_sum(const struct place *p)
{
	static uint64_t before[section_words];

	MPI_Get_accumulate(p->data, section_words, MPI_UINT64_T, before,
			   section_words, MPI_UINT64_T, p->target, p->at,
			   section_words, MPI_UINT64_T, MPI_SUM, p->win);
}

static void fetch_and_add(const struct place *p)
{
	static uint64_t before[atomic_words];

	for (int i = 0; i < atomic_words; i++)
		MPI_Fetch_and_op(&p->data[i], &before[i], MPI_UINT64_T,
				 p->target,
				 p->at + i * (MPI_Aint)sizeof(uint64_t),
				 MPI_SUM, p->win);
}

static void compare_and_swap(const struct place *p)
{
	static uint64_t before[atomic_words];

	for (int i = 0; i < atomic_words; i++)
		MPI_Compare_and_swap(&p->data[i], &old_word, &before[i],
				     MPI_UINT64_T, p->target,
				     p->at + i * (MPI_Aint)sizeof(uint64_t),
				     p->win);
}

static const struct {
	const char *name;
	void (*write)(const struct place *);
	int words;
	int adds;
} sections[] = {
	{"put", put, section_words, 0},
	{"put of single words", put_words, section_words, 0},
	{"put of a strided type", put_strided, section_words, 0},
	{"put with request", put_with_request, section_words, 0},
	{"accumulate, replace", replace, section_words, 0},
	{"accumulate, sum", sum, section_words, 1},
	{"get and accumulate", get_and_sum, section_words, 1},
	{"fetch and op", fetch_and_add, atomic_words, 1},
	{"compare and swap", compare_and_swap, atomic_words, 0},
};

enum {
	count = sizeof(sections) / sizeof(sections[0]),
	window_bytes = count * section_bytes
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_file(const char *directory, const char *name, int rank,
		     int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.%d", directory, name, rank);
	fd = open(path, flags, 0600);
	if (fd < 0 && (flags & O_CREAT))
		fail(path);
	return fd;
}

static void write_file(int fd, const unsigned char *data)
{
	if (write(fd, data, window_bytes) != window_bytes)
		fail("write");
}

/* The window of `rank`, once rank 0 has written to it. */
static void write_expected(const char *directory, int rank)
{
	unsigned char *image = malloc(window_bytes);
	int fd = open_file(directory, "expected", rank, O_RDWR | O_CREAT);

	memset(image, old_byte, window_bytes);
	for (int id = 0; id < count; id++) {
		uint64_t *words = (uint64_t *)(image + id * section_bytes);

		for (int i = 0; i < sections[id].words; i++)
			words[i] = word(rank, id, i) +
				   (sections[id].adds ? old_word : 0);
	}
	write_file(fd, image);
	close(fd);
	free(image);
}

static void *map_window(const char *directory, int rank)
{
	unsigned char *old = malloc(window_bytes);
	int fd = open_file(directory, "window", rank, O_RDWR | O_CREAT);
	void *window;

	memset(old, old_byte, window_bytes);
	write_file(fd, old);
	free(old);
	window = mmap(NULL, window_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (window == MAP_FAILED)
		fail("mmap");
	close(fd);
	return window;
}

static void write_window(MPI_Win win, int target, uint64_t *data)
{
	for (int id = 0; id < count; id++) {
		struct place p = {win, target, id, id * section_bytes,
				  data + id * section_words};

		for (int i = 0; i < sections[id].words; i++)
			p.data[i] = word(target, id, i);
		sections[id].write(&p);
	}
}

static void run(const char *directory)
{
	int rank = mpi_rank(), size = mpi_size();
	pid_t ours = getpid(), *pids = allocate(size * sizeof(*pids));
	void *window = map_window(directory, rank);
	uint64_t **data = allocate(size * sizeof(*data));
	MPI_Win win;

	write_expected(directory, rank);
	MPI_Allgather(&ours, sizeof(ours), MPI_BYTE, pids, sizeof(ours),
		      MPI_BYTE, MPI_COMM_WORLD);
	MPI_Win_create(window, window_bytes, 1, MPI_INFO_NULL, MPI_COMM_WORLD,
		       &win);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank) {
		for (;;)
			pause();
	}
	MPI_Win_lock_all(0, win);
	for (int target = 0; target < size; target++) {
		data[target] = allocate(window_bytes);
		write_window(win, target, data[target]);
	}
	for (int target = 0; target < size; target++)
		MPI_Win_flush(target, win);
	for (int target = size - 1; target >= 0; target--)
		kill(pids[target], SIGKILL);
}

/* The number of bytes lost, -1 if there is no such rank. */
static int check_window(const char *directory, int rank)
{
	unsigned char seen[section_bytes], expected[section_bytes];
	int seen_fd = open_file(directory, "window", rank, O_RDONLY);
	int expected_fd = open_file(directory, "expected", rank, O_RDONLY);
	int total = 0;

	if (seen_fd < 0 || expected_fd < 0)
		return -1;
	for (int id = 0; id < count; id++) {
		int lost = 0, written = sections[id].words * 8;

		if (read(seen_fd, seen, section_bytes) != section_bytes ||
		    read(expected_fd, expected, section_bytes) != section_bytes)
			fail("read");
		for (int i = 0; i < written; i++)
			lost += seen[i] != expected[i];
		printf("window %d: %s: %d of %d bytes lost\n", rank,
		       sections[id].name, lost, written);
		total += lost;
	}
	close(seen_fd);
	close(expected_fd);
	return total;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--check")) {
		int rank = 0;

		while (check_window(argv[2], rank) >= 0)
			rank++;
		return !rank;
	}
	MPI_Init(&argc, &argv);
	CHECK(argc == 2);
	run(argv[1]);
	return 1;
}
