// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Seals, unseals, creates and signs many times over one connection, as an agent does in a
 * year, and says how much processor time that took here and how much the heap has grown.
 * A turn is an unseal and SIGNATURES signatures of a resident key; one in four seals,
 * too, one in 64 makes a resident key.
 *
 *   tpm-soak TCTI COUNT
 */
#include <malloc.h>
#include <time.h>
#include "tpm/sign.h"
#include "tpm/tpm.h"

#define SIGNATURES 38

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static double cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int signatures(struct ms_tpm *t, unsigned long i, struct ms_tpm_blob *keys,
		      struct ms_error *err)
{
	static const char *const pins[] = {NULL, "1234"};
	uint8_t digest[32] = {(uint8_t)i}, sig[MS_SIG_MAX];
	size_t len;
	int r = 0;

	if (i % 64 < 2)
		r = ms_tpm_key_create(t, MS_ALG_P256, 1u << 7, pins[i % 2], &keys[i % 2],
				      err);
	/* The first two are by the other key, so that each comes and goes. */
	for (int n = 0; r == 0 && i > 0 && n < SIGNATURES; n++)
		r = ms_tpm_sign(t, &keys[n < 2], pins[n < 2], MS_HASH_SHA256, digest, sig,
				&len, err);
	return r;
}

static int turn(struct ms_tpm *t, unsigned long i, struct ms_tpm_blob *b,
		struct ms_error *err)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};
	const char *pin = i % 2 ? "1234" : NULL;
	int r = 0;

	/* one seal (which unseals once itself) for eight unseals */
	if (i % 8 < 2)
		r = ms_tpm_seal(t, secret, 1u << 7, pin, &b[i % 2], err);
	if (r == 0)
		r = ms_tpm_unseal(t, &b[i % 2], pin, out, err);
	if (r == 0 && memcmp(out, secret, sizeof(out)) != 0)
		r = ms_error_set(err, -1, NULL, "another secret came back");
	return r;
}

int main(int argc, char **argv)
{
	unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct ms_error err = {0};
	struct ms_tpm *t = NULL;
	struct ms_tpm_blob b[2], keys[2];
	size_t heap = 0;
	double began = 0, best = 1e9;

	if (n < 16)
		return 2;
	if (ms_tpm_open(argv[1], &t, &err) < 0)
		goto fail;
	for (unsigned long i = 0; i < n + 16; i++) {
		double a = cpu();

		/* the first turns fill caches that stay */
		if (i == 16) {
			heap = mallinfo2().uordblks;
			began = a;
		}
		if (turn(t, i, b, &err) < 0)
			goto fail;
		if (i >= 16 && i % 8 >= 2 && cpu() - a < best)
			best = cpu() - a;
		if (signatures(t, i, keys, &err) < 0)
			goto fail;
	}
	printf("turns %lu\nmean_cpu_ms %.2f\nbest_unseal_cpu_ms %.2f\nheap_growth %ld\n",
	       n, (cpu() - began) * 1000 / (double)n, best * 1000,
	       (long)(mallinfo2().uordblks - heap));
	ms_tpm_close(t);
	return 0;
fail:
	fprintf(stderr, "tpm-soak: %s\n", err.msg);
	return 1;
}
