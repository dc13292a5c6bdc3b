/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fsverity.h"

#include <errno.h>
#include <string.h>

/* FS_VERITY_HASH_ALG_* (include/uapi/linux/fsverity.h); 0: it has no such */
static uint8_t algorithm(enum ms_hash h)
{
	return h == MS_HASH_SHA256 ? 1 : h == MS_HASH_SHA512 ? 2 : 0;
}

int ms_fsverity_format(enum ms_hash h, const uint8_t *digest,
		       uint8_t ret[MS_FSVERITY_FORMATTED_MAX], size_t *ret_len)
{
	size_t n = ms_hash_size(h);
	uint8_t *p = ret + MS_FSVERITY_MAGIC_LEN;

	if (!algorithm(h))
		return -ENOPKG;
	memcpy(ret, MS_FSVERITY_MAGIC, MS_FSVERITY_MAGIC_LEN);
	/* little-endian: no value here needs its upper byte */
	p[0] = algorithm(h);
	p[1] = 0;
	p[2] = (uint8_t)n;
	p[3] = 0;
	memcpy(p + 4, digest, n);
	*ret_len = MS_FSVERITY_HEAD_LEN + n;
	return 0;
}

int ms_fsverity_init(struct ms_fsverity *v, enum ms_hash h)
{
	if (!algorithm(h) || !ms_hash_md(h))
		return -ENOPKG;
	memset(v, 0, sizeof(*v));
	v->hash = h;
	return 0;
}

/* Hash the block of level @i, padded with zeros, into the one above it. */
static int close_block(struct ms_fsverity *v, size_t i)
{
	size_t n = ms_hash_size(v->hash);
	int r = 0;

	if (i + 1 >= MS_FSVERITY_LEVELS)
		return -EFBIG;
	/* Only when more comes: the one block of the topmost level is the root. */
	if (v->used[i + 1] == MS_FSVERITY_BLOCK)
		r = close_block(v, i + 1);
	memset(v->level[i] + v->used[i], 0, MS_FSVERITY_BLOCK - v->used[i]);
	if (r == 0)
		r = ms_digest(v->hash, v->level[i], MS_FSVERITY_BLOCK,
			      v->level[i + 1] + v->used[i + 1]);
	if (r < 0)
		return r;
	v->used[i + 1] += n;
	v->used[i] = 0;
	return 0;
}

int ms_fsverity_update(struct ms_fsverity *v, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t n;
		int r = v->used[0] == MS_FSVERITY_BLOCK ? close_block(v, 0) : 0;

		if (r < 0)
			return r;
		n = MS_MIN(len, MS_FSVERITY_BLOCK - v->used[0]);
		memcpy(v->level[0] + v->used[0], p, n);
		v->used[0] += n;
		v->size += n;
		p += n;
		len -= n;
	}
	return 0;
}

static size_t topmost(const struct ms_fsverity *v)
{
	size_t i = MS_FSVERITY_LEVELS - 1;

	while (i > 0 && v->used[i] == 0)
		i--;
	return i;
}

static int root_hash(struct ms_fsverity *v, uint8_t ret[MS_DIGEST_MAX])
{
	size_t i;

	/* Closing blocks may begin a level above the topmost. */
	for (i = 0; i < topmost(v); i++) {
		int r = close_block(v, i);

		if (r < 0)
			return r;
	}
	memset(v->level[i] + v->used[i], 0, MS_FSVERITY_BLOCK - v->used[i]);
	return ms_digest(v->hash, v->level[i], MS_FSVERITY_BLOCK, ret);
}

/* struct fsverity_descriptor */
enum at {
	AT_VERSION,
	AT_HASH,
	AT_LOG_BLOCKSIZE,
	AT_SALT_SIZE,
	AT_DATA_SIZE = 8,
	AT_ROOT_HASH = 16,
	DESCRIPTOR_LEN = 256,
};

int ms_fsverity_final(struct ms_fsverity *v, uint8_t ret[MS_DIGEST_MAX])
{
	uint8_t d[DESCRIPTOR_LEN] = {[AT_VERSION] = 1, [AT_LOG_BLOCKSIZE] = 12};
	int r;

	d[AT_HASH] = algorithm(v->hash);
	for (size_t i = 0; i < 8; i++)
		d[AT_DATA_SIZE + i] = (uint8_t)(v->size >> 8 * i);
	/* An empty file has no tree, and zeros for its root. */
	r = v->size > 0 ? root_hash(v, d + AT_ROOT_HASH) : 0;
	return r < 0 ? r : ms_digest(v->hash, d, sizeof(d), ret);
}
