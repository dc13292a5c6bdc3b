/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/limits.h"
#include "verifier/builtin_certs.h"

#define RUNS_MAX 32u
/* CONFIG_SYSTEM_EXTRA_CERTIFICATE_SIZE is 4096 unless someone changed it. */
#define GAP_MAX (16384u + 64u)

/* Certificates back to back, and what follows them. */
struct run {
	size_t at, len, first_len, n;
	bool sized;	 /* followed by its length */
	bool with_first; /* and then by the length of its first certificate */
};

static uint64_t le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/*
 * Length of what looks like a certificate: SEQUENCE { SEQUENCE { [0] { INTEGER 2 },
 * INTEGER; both with two bytes of length, which is what the kernel insists on. 0 if it
 * does not.
 */
static size_t cert_len(const uint8_t *p, size_t left)
{
	static const uint8_t version3[] = {0xa0, 3, 2, 1, 2, 2};
	size_t outer, inner;

	if (left < 16 || p[0] != 0x30 || p[1] != 0x82 || p[4] != 0x30 || p[5] != 0x82 ||
	    memcmp(p + 8, version3, sizeof(version3)))
		return 0;
	outer = 4 + ((size_t)p[2] << 8 | p[3]);
	inner = 4 + ((size_t)p[6] << 8 | p[7]);
	if (outer > left || outer > MS_CERT_MAX || 4 + inner >= outer)
		return 0;
	return outer;
}

/* Looks for the sizes behind a run, past zeros only. */
static void look_behind(const uint8_t *image, size_t len, struct run *r)
{
	size_t end = r->at + r->len;

	for (size_t at = end; at + 16 <= len && at - end <= GAP_MAX; at++) {
		if (le64(image + at) == r->len) {
			r->sized = true;
			r->with_first = le64(image + at + 8) == r->first_len;
			return;
		}
		if (image[at])
			return;
	}
}

static size_t find_runs(const uint8_t *image, size_t len, struct run *runs)
{
	static const uint8_t mark[] = {0xa0, 3, 2, 1, 2, 2};
	size_t n = 0, from = 0;
	const uint8_t *p;

	while (n < RUNS_MAX && from < len &&
	       (p = memmem(image + from, len - from, mark, sizeof(mark)))) {
		size_t at = (size_t)(p - image) - 8, one;
		struct run r = {.at = at};

		from = (size_t)(p - image) + 1;
		if ((size_t)(p - image) < 8)
			continue;
		while ((one = cert_len(image + r.at + r.len, len - r.at - r.len))) {
			r.first_len = r.first_len ? r.first_len : one;
			r.len += one;
			r.n++;
		}
		if (!r.n)
			continue;
		from = r.at + r.len;
		look_behind(image, len, &r);
		if (r.sized)
			runs[n++] = r;
	}
	return n;
}

/* Does the kernel have a revocation list of its own? certs/blacklist.c says so when it
 * boots. */
static bool has_revocations(const uint8_t *image, size_t len)
{
	static const char says[] = "Loading compiled-in revocation X.509 certificates";

	return memmem(image, len, says, sizeof(says) - 1);
}

/*
 * Index of the trusted list, or -1 (none) or -2 (cannot tell). A kernel that signs its
 * own modules has the length of the first certificate behind the list. An older one, or
 * one whose modules are signed elsewhere, does not: then there must be one list only, and
 * it must not be that of the revoked.
 */
static int pick(const uint8_t *image, size_t len, const struct run *runs, size_t n)
{
	int strict = -1;

	for (size_t i = 0; i < n; i++)
		if (runs[i].with_first)
			strict = strict == -1 ? (int)i : -2;
	if (strict != -1 || !n)
		return strict;
	return n == 1 && !has_revocations(image, len) ? 0 : -2;
}

static int take(const uint8_t *image, const struct run *r, bool revoked,
		struct ms_builtin_certs *c)
{
	size_t at = r->at;

	for (size_t i = 0; i < r->n; i++) {
		size_t one = cert_len(image + at, r->at + r->len - at);

		if (c->n == MS_BUILTIN_CERTS_MAX)
			return -EFBIG;
		c->v[c->n++] = (struct ms_builtin_cert){
			.der = image + at,
			.len = one,
			.revoked = revoked,
		};
		at += one;
	}
	return 0;
}

int ms_builtin_certs_find(const uint8_t *image, size_t len, struct ms_builtin_certs *ret)
{
	struct ms_builtin_certs found = {.n = 0};
	struct run runs[RUNS_MAX];
	size_t n = find_runs(image, len, runs);
	int trusted = pick(image, len, runs, n), rc;

	if (trusted < 0)
		return trusted == -1 ? -ENODATA : -EBADMSG;
	rc = take(image, &runs[trusted], false, &found);
	/* Revoked certificates are linked behind the trusted ones. */
	for (size_t i = (size_t)trusted + 1; i < n && !rc; i++)
		rc = take(image, &runs[i], true, &found);
	if (rc)
		return rc;
	*ret = found;
	return 0;
}
