/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log-grow DB SIZE [BATCH]: append records until the log has SIZE, BATCH (1000) at a
 * time, straight into the store; the agent is not running log-grow --append DB N: append
 * N records, one transaction each; prints records a second log-grow --prove DB N: N
 * inclusion proofs all over the log; prints the milliseconds of the slowest
 */
#include <inttypes.h>
#include <time.h>

#include "signer/agent/store.h"

#define BATCH_MAX 20000u
#define RECORD_LEN 400u

static char text[BATCH_MAX][RECORD_LEN];
static struct ms_record record[BATCH_MAX];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

_noreturn_ static void die(const struct ms_error *err)
{
	fprintf(stderr, "log-grow: %s\n", err->msg);
	exit(1);
}

static void append(struct ms_store *s, size_t n)
{
	struct ms_error err = {0};
	uint64_t at = 0;

	if (ms_store_entries(s, &at, &err) < 0)
		die(&err);
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(text[i], RECORD_LEN,
				   "{\"custody\":\"sealed\",\"digest\":\"%064" PRIx64
				   "\",\"event\":\"sign\",\"identity\":\"uid:0\","
				   "\"key\":\"dev\",\"module\":{\"name\":\"m%" PRIu64
				   "\"},\"request\":\"%032" PRIx64 "\",\"time\":"
				   "\"2026-01-01T00:00:00.000000Z\"}",
				   at + i, at + i, at + i);

		record[i] = (struct ms_record){.time_us = 1,
					       .event = "sign",
					       .key = "dev",
					       .identity = "uid:0",
					       .request_id = "",
					       .bytes = text[i],
					       .len = (size_t)len};
	}
	if (ms_store_append(s, record, n, &err) < 0)
		die(&err);
}

static void grow(struct ms_store *s, uint64_t to, size_t batch)
{
	struct ms_error err = {0};
	uint64_t at = 0;

	if (ms_store_entries(s, &at, &err) < 0)
		die(&err);
	for (; at < to; at += MS_MIN(batch, to - at))
		append(s, (size_t)MS_MIN(batch, to - at));
}

static void measure_appends(struct ms_store *s, uint64_t n)
{
	double start = now();

	for (uint64_t i = 0; i < n; i++)
		append(s, 1);
	printf("%.0f\n", (double)n / (now() - start));
}

static int by_time(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure_proofs(struct ms_store *s, uint64_t n)
{
	static uint8_t proof[MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	double *took = calloc(n ? n : 1, sizeof(*took));
	struct ms_error err = {0};
	uint64_t size = 0;
	size_t len;

	if (!took || n == 0 || ms_store_entries(s, &size, &err) < 0 || size == 0)
		die(&err);
	for (uint64_t i = 0; i < n; i++) {
		double start = now();

		/* a step that meets all corners of the log */
		if (ms_merkle_inclusion(ms_store_read_hashes, s, i * 6700417 % size, size,
					proof, &len) < 0)
			exit(1);
		took[i] = now() - start;
	}
	qsort(took, n, sizeof(*took), by_time);
	printf("%.3f %.3f\n", took[n / 2] * 1000, took[n * 99 / 100] * 1000);
	free(took);
}

int main(int argc, char **argv)
{
	struct ms_store *s = NULL;
	struct ms_error err = {0};
	bool option = argc > 1 && argv[1][0] == '-';
	uint64_t n, batch;

	if (argc < 3 + option)
		return 2;
	n = strtoull(argv[2 + option], NULL, 10);
	batch = !option && argc > 3 ? strtoull(argv[3], NULL, 10) : 1000;
	if (ms_store_open(argv[1 + option], &s, &err) < 0)
		die(&err);
	if (!option)
		grow(s, n, (size_t)MS_MIN(MS_MAX(batch, 1u), BATCH_MAX));
	else if (strcmp(argv[1], "--append") == 0)
		measure_appends(s, n);
	else
		measure_proofs(s, n);
	ms_store_close(s);
	return 0;
}
