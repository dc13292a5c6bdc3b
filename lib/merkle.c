/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/merkle.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "lib/hash.h"
#include "lib/secmem.h"

/* --------------------------------------------------------------------- hashes */

static int hash3(uint8_t prefix, const void *a, size_t a_len, const void *b, size_t b_len,
		 uint8_t *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx && EVP_DigestInit_ex(ctx, ms_hash_md(MS_HASH_SHA256), NULL) == 1 &&
	     EVP_DigestUpdate(ctx, &prefix, 1) == 1 &&
	     EVP_DigestUpdate(ctx, a, a_len) == 1 &&
	     (!b_len || EVP_DigestUpdate(ctx, b, b_len) == 1) &&
	     EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int ms_merkle_leaf(const void *entry, size_t len, uint8_t ret[MS_MERKLE_HASH])
{
	return hash3(0x00, entry, len, NULL, 0, ret);
}

int ms_merkle_node(const uint8_t left[MS_MERKLE_HASH],
		   const uint8_t right[MS_MERKLE_HASH], uint8_t ret[MS_MERKLE_HASH])
{
	return hash3(0x01, left, MS_MERKLE_HASH, right, MS_MERKLE_HASH, ret);
}

static bool bit(uint64_t v, unsigned int i)
{
	return v >> i & 1;
}

/* Largest power of two below @n, which is at least 2. */
static uint64_t split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* ------------------------------------------------------------------ right edge */

int ms_merkle_append_store(struct ms_merkle *m, const uint8_t leaf[MS_MERKLE_HASH],
			   ms_merkle_store_fn *store, void *arg)
{
	uint8_t h[MS_MERKLE_HASH];
	unsigned int i;
	int r = 0;

	memcpy(h, leaf, sizeof(h));
	for (i = 0; r == 0 && bit(m->size, i); i++) {
		unsigned int height = i + 1;

		r = ms_merkle_node(m->edge[i], h, h);
		if (r == 0 && store && height % MS_MERKLE_TILE == 0)
			r = store(arg, height / MS_MERKLE_TILE, m->size >> height, h);
	}
	if (r < 0)
		return r;
	memcpy(m->edge[i], h, sizeof(h));
	m->size++;
	return 0;
}

int ms_merkle_append(struct ms_merkle *m, const uint8_t leaf[MS_MERKLE_HASH])
{
	return ms_merkle_append_store(m, leaf, NULL, NULL);
}

int ms_merkle_root(const struct ms_merkle *m, uint8_t ret[MS_MERKLE_HASH])
{
	uint8_t h[MS_MERKLE_HASH];
	bool any = false;

	if (m->size == 0)
		return ms_digest(MS_HASH_SHA256, "", 0, ret) < 0 ? -EIO : 0;
	for (unsigned int i = 0; i < 64; i++) {
		if (!bit(m->size, i))
			continue;
		if (!any)
			memcpy(h, m->edge[i], sizeof(h));
		else if (ms_merkle_node(m->edge[i], h, h) < 0)
			return -EIO;
		any = true;
	}
	memcpy(ret, h, sizeof(h));
	return 0;
}

/* --------------------------------------------------------------- stored hashes */

struct tree {
	ms_merkle_read_fn *read;
	void *arg;
};

/* The complete subtree of @height over the leaves from @index << @height on. */
static int subtree(const struct tree *t, unsigned int height, uint64_t index,
		   uint8_t ret[MS_MERKLE_HASH])
{
	uint8_t h[1 << (MS_MERKLE_TILE - 1)][MS_MERKLE_HASH];
	unsigned int extra = height % MS_MERKLE_TILE;
	size_t n = (size_t)1 << extra;
	int r;

	r = t->read(t->arg, height / MS_MERKLE_TILE, index << extra, n, h);
	for (; r == 0 && n > 1; n /= 2)
		for (size_t i = 0; r == 0 && i < n / 2; i++)
			r = ms_merkle_node(h[2 * i], h[2 * i + 1], h[i]);
	if (r == 0)
		memcpy(ret, h[0], MS_MERKLE_HASH);
	return r;
}

/* MTH of the leaves [@lo, @hi), where @lo is a multiple of a power of two not below the
 * number of leaves, as all ranges that RFC 6962's recursions make are. */
static int range(const struct tree *t, uint64_t lo, uint64_t hi,
		 uint8_t ret[MS_MERKLE_HASH])
{
	uint64_t n = hi - lo, k;
	uint8_t left[MS_MERKLE_HASH], right[MS_MERKLE_HASH];
	int r;

	if ((n & (n - 1)) == 0) {
		unsigned int height = (unsigned int)__builtin_ctzll(n);

		return subtree(t, height, lo >> height, ret);
	}
	k = split(n);
	r = range(t, lo, lo + k, left);
	if (r == 0)
		r = range(t, lo + k, hi, right);
	return r < 0 ? r : ms_merkle_node(left, right, ret);
}

int ms_merkle_restore(ms_merkle_read_fn *read, void *arg, uint64_t size,
		      struct ms_merkle *ret)
{
	const struct tree t = {.read = read, .arg = arg};
	struct ms_merkle m = {.size = size};

	for (unsigned int i = 0; i < 64; i++) {
		/* Everything left of this subtree is in the larger ones. */
		uint64_t before = i < 63 ? size >> (i + 1) << (i + 1) : 0;
		int r;

		if (!bit(size, i))
			continue;
		r = subtree(&t, i, before >> i, m.edge[i]);
		if (r < 0)
			return r;
	}
	*ret = m;
	return 0;
}

/* ---------------------------------------------------------------------- proofs */

int ms_merkle_inclusion(ms_merkle_read_fn *read, void *arg, uint64_t index, uint64_t size,
			uint8_t (*ret)[MS_MERKLE_HASH], size_t *ret_n)
{
	const struct tree t = {.read = read, .arg = arg};
	uint8_t down[MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	uint64_t lo = 0, hi = size;
	size_t n = 0;

	if (index >= size)
		return -EINVAL;
	/* From the root down, the sibling of each step; the proof has them leaf first. */
	while (hi - lo > 1) {
		uint64_t mid = lo + split(hi - lo);
		bool left = index < mid;
		int r = left ? range(&t, mid, hi, down[n]) : range(&t, lo, mid, down[n]);

		if (r < 0)
			return r;
		n++;
		if (left)
			hi = mid;
		else
			lo = mid;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(ret[i], down[n - 1 - i], MS_MERKLE_HASH);
	*ret_n = n;
	return 0;
}

int ms_merkle_consistency(ms_merkle_read_fn *read, void *arg, uint64_t old, uint64_t size,
			  uint8_t (*ret)[MS_MERKLE_HASH], size_t *ret_n)
{
	const struct tree t = {.read = read, .arg = arg};
	uint8_t down[2 * MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	uint64_t lo = 0, hi = size;
	bool whole = true; /* the old tree is still a complete one of this recursion */
	size_t n = 0;
	int r;

	if (old == 0 || old > size)
		return -EINVAL;
	/* RFC 6962, 2.1.2: SUBPROOF, as a loop. */
	while (old != hi) {
		uint64_t mid = lo + split(hi - lo);

		if (old <= mid) {
			r = range(&t, mid, hi, down[n]);
			hi = mid;
		} else {
			r = range(&t, lo, mid, down[n]);
			lo = mid;
			whole = false;
		}
		if (r < 0)
			return r;
		n++;
	}
	if (!whole) {
		r = range(&t, lo, hi, down[n]);
		if (r < 0)
			return r;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(ret[i], down[n - 1 - i], MS_MERKLE_HASH);
	*ret_n = n;
	return 0;
}

/* ---------------------------------------------------------------------- checks */

int ms_merkle_check_inclusion(const uint8_t leaf[MS_MERKLE_HASH], uint64_t index,
			      uint64_t size, const uint8_t (*proof)[MS_MERKLE_HASH],
			      size_t n, const uint8_t root[MS_MERKLE_HASH])
{
	uint64_t fn = index, sn = size - 1;
	uint8_t h[MS_MERKLE_HASH];
	int r = 0;

	if (index >= size)
		return -EKEYREJECTED;
	memcpy(h, leaf, sizeof(h));
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (sn == 0)
			return -EKEYREJECTED;
		if (bit(fn, 0) || fn == sn) {
			r = ms_merkle_node(proof[i], h, h);
			while (!bit(fn, 0) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = ms_merkle_node(h, proof[i], h);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r < 0)
		return r;
	return sn == 0 && ms_equal(h, root, sizeof(h)) ? 0 : -EKEYREJECTED;
}

int ms_merkle_check_consistency(uint64_t old, uint64_t size,
				const uint8_t old_root[MS_MERKLE_HASH],
				const uint8_t root[MS_MERKLE_HASH],
				const uint8_t (*proof)[MS_MERKLE_HASH], size_t n)
{
	uint64_t fn = old - 1, sn = size - 1;
	uint8_t fr[MS_MERKLE_HASH], sr[MS_MERKLE_HASH];
	size_t i = 0;
	int r = 0;

	if (old == 0 || old > size)
		return -EKEYREJECTED;
	if (old == size)
		return n == 0 && ms_equal(old_root, root, MS_MERKLE_HASH) ? 0
									  : -EKEYREJECTED;
	while (bit(fn, 0)) {
		fn >>= 1;
		sn >>= 1;
	}
	/* A complete old tree is its own first proof node. */
	if (fn && n == 0)
		return -EKEYREJECTED;
	memcpy(fr, fn ? proof[i++] : old_root, sizeof(fr));
	memcpy(sr, fr, sizeof(sr));
	for (; r == 0 && i < n; i++) {
		if (sn == 0)
			return -EKEYREJECTED;
		if (bit(fn, 0) || fn == sn) {
			r = ms_merkle_node(proof[i], fr, fr);
			if (r == 0)
				r = ms_merkle_node(proof[i], sr, sr);
			while (!bit(fn, 0) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = ms_merkle_node(sr, proof[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r < 0)
		return r;
	return sn == 0 && ms_equal(fr, old_root, sizeof(fr)) &&
			       ms_equal(sr, root, sizeof(sr))
		       ? 0
		       : -EKEYREJECTED;
}
