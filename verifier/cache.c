/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include "lib/buf.h"
#include "lib/escape.h"
#include "verifier/cache.h"
#include "verifier/cache_entry.h"

#define MAGIC "modseal-verify cache 1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define DIGEST 32u
/* magic, context, time, number of entries and of signers, digest of all before it */
#define FRAME (MAGIC_LEN + DIGEST + 8 + 4 + 4 + DIGEST)

void ms_cache_clear(struct ms_cache *c)
{
	for (size_t i = 0; i < c->n; i++)
		ms_result_clear(&c->v[i].r);
	free(c->v);
	free(c->ids);
	free(c->data);
	*c = (struct ms_cache){.n = 0};
}

static void put_text(struct ms_buf *b, const char *s)
{
	ms_buf_put_u8(b, s != NULL);
	if (s)
		ms_buf_put_str(b, s);
}

/* A row with somebody's configuration has the name of the row still. */
static void put_profile(struct ms_buf *b, const struct ms_kernel_profile *p)
{
	put_text(b, p ? p->name : NULL);
	if (!p)
		return;
	ms_buf_put_u32(b, p->hashes_usable);
	ms_buf_put_u32(b, p->sigs_usable);
	ms_buf_put_u32(b, p->inflates);
	ms_buf_put_u8(b, p->digest_blacklist);
	ms_buf_put_u8(b, p->revocation_list);
	ms_buf_put_u8(b, p->firmware_keys);
	ms_buf_put_u8(b, p->modversions);
	put_text(b, p->release);
	ms_buf_put_u32(b, p->machine);
}

static void put_anchors(struct ms_buf *b, const struct ms_anchor *v, size_t n)
{
	ms_buf_put_u64(b, n);
	for (size_t i = 0; i < n; i++) {
		ms_buf_put_bytes(b, v[i].cert->der, v[i].cert->der_len);
		ms_buf_put_str(b, v[i].source);
		ms_buf_put_u32(b, v[i].origin);
	}
}

static void put_revocations(struct ms_buf *b, const struct ms_revocations *r)
{
	ms_buf_put_u64(b, r ? r->n : 0);
	for (size_t i = 0; r && i < r->n; i++) {
		const struct ms_revocation *e = &r->v[i];

		ms_buf_put_u32(b, e->kind);
		ms_buf_put_u32(b, e->hash);
		ms_buf_put_u64(b, (uint64_t)e->since);
		ms_buf_put_u8(b, e->heeded);
		ms_buf_put_bytes(b, e->key, e->key_len);
		ms_buf_put_bytes(b, e->issuer, e->issuer_len);
		put_text(b, e->name);
		put_text(b, e->below);
		put_text(b, e->srcversion);
		put_text(b, e->reason);
		put_text(b, e->source);
	}
}

int ms_cache_context(const struct ms_question *q, uint8_t *ret)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_CACHE_MAX);
	int rc;

	ms_buf_put_str(&b, MAGIC MS_VERSION);
	for (unsigned int c = 0; c < MS_FINDING_COUNT; c++)
		ms_buf_put_str(&b, ms_finding_name((enum ms_finding_code)c));
	put_profile(&b, q->profile);
	put_profile(&b, q->fallback);
	ms_buf_put_u8(&b, (uint8_t)q->enforce);
	ms_buf_put_u8(&b, (uint8_t)q->unpacker);
	put_anchors(&b, q->anchors->v, q->anchors->n);
	put_anchors(&b, q->anchors->revoked, q->anchors->n_revoked);
	put_revocations(&b, q->revocations);
	rc = ms_buf_error(&b);
	return rc ? rc : ms_digest(MS_HASH_SHA256, b.data, b.len, ret);
}

static bool between(time_t t, time_t from, time_t to)
{
	return t >= from && t <= to;
}

/* Has the date of anything come since the results were made? */
static bool out_of_date(const struct ms_question *q, time_t made)
{
	const struct ms_revocations *r = q->revocations;

	if (made > q->now)
		return true;
	for (size_t i = 0; i < q->anchors->n; i++)
		if (between(q->anchors->v[i].cert->not_before, made, q->now) ||
		    between(q->anchors->v[i].cert->not_after, made, q->now))
			return true;
	for (size_t i = 0; r && i < r->n; i++)
		if (between(r->v[i].since, made, q->now))
			return true;
	return false;
}

/* Everything but the entries. */
static int parse_frame(const uint8_t *data, size_t len, const struct ms_question *q,
		       const uint8_t context[32], struct ms_reader *ret, uint32_t *ret_n,
		       uint32_t *ret_signers)
{
	struct ms_reader r = MS_READER(data, len);
	uint8_t digest[MS_DIGEST_MAX];
	time_t made;

	if (len < FRAME || memcmp(data, MAGIC, MAGIC_LEN) != 0 ||
	    memcmp(data + MAGIC_LEN, context, DIGEST) != 0 ||
	    ms_digest(MS_HASH_SHA256, data, len - DIGEST, digest) ||
	    memcmp(digest, data + len - DIGEST, DIGEST) != 0)
		return -EBADMSG;
	r.left -= DIGEST;
	ms_reader_get(&r, MAGIC_LEN + DIGEST);
	made = (time_t)ms_reader_u64(&r);
	*ret_n = ms_reader_u32(&r);
	*ret_signers = ms_reader_u32(&r);
	/* An entry is not shorter than its key, nor a signer than its lengths. */
	if (out_of_date(q, made) || *ret_n > len / MS_CACHE_ENTRY_MIN ||
	    *ret_signers > len / MS_CACHE_SIGNER_MIN)
		return -EBADMSG;
	*ret = r;
	return 0;
}

int ms_cache_parse(uint8_t *data, size_t len, const struct ms_question *q,
		   const uint8_t context[32], struct ms_cache *ret)
{
	struct ms_cache c = {.n = 0};
	uint32_t n, n_signers;
	struct ms_reader r;
	size_t used = 0;
	int rc = parse_frame(data, len, q, context, &r, &n, &n_signers);

	if (rc)
		return rc;
	c.v = calloc(n ? n : 1, sizeof(*c.v));
	c.ids = calloc(n_signers ? n_signers : 1, sizeof(*c.ids));
	if (!c.v || !c.ids)
		rc = -ENOMEM;
	while (!rc && c.n < n) {
		rc = ms_cache_entry_get(&r, q, c.ids, n_signers, &used, &c.v[c.n]);
		c.n++;
		if (!rc && c.n > 1 && strcmp(c.v[c.n - 2].path, c.v[c.n - 1].path) >= 0)
			rc = -EBADMSG;
	}
	if (!rc)
		rc = ms_reader_end(&r);
	if (rc) {
		ms_cache_clear(&c);
		return rc;
	}
	c.data = data;
	memcpy(c.context, context, sizeof(c.context));
	*ret = c;
	return 0;
}

static int may_trust(const struct stat *st, bool folder)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return -EPERM;
	if (st->st_mode & 022 && !(folder && st->st_mode & S_ISVTX))
		return -EPERM;
	return 0;
}

static int check_folder(const char *path, struct ms_error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	char shown[512];
	struct stat st;

	if (!copy)
		return -ENOMEM;
	ms_escape_str(path, shown, sizeof(shown));
	if (stat(dirname(copy), &st))
		return ms_error_set(err, -errno, "bad-cache",
				    "cache %s: its folder: %s: make it first", shown,
				    ms_strerror(errno));
	if (may_trust(&st, true))
		return ms_error_set(
			err, -EPERM, "bad-cache",
			"cache %s: others may write to its folder, and what it "
			"says would be trusted: use a folder of your own",
			shown);
	return 0;
}

int ms_cache_load(const char *path, const struct ms_question *q, struct ms_cache *ret,
		  struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_cache c = {.n = 0};
	char shown[512];
	struct stat st;
	int rc = check_folder(path, err);

	if (!rc)
		rc = ms_cache_context(q, c.context);
	if (rc)
		return rc;
	ms_escape_str(path, shown, sizeof(shown));
	if (lstat(path, &st)) {
		if (errno != ENOENT)
			return ms_error_set(err, -errno, "bad-cache", "cache %s: %s",
					    shown, ms_strerror(errno));
		*ret = c;
		return 0;
	}
	if (!S_ISREG(st.st_mode) || may_trust(&st, false))
		return ms_error_set(err, -EPERM, "bad-cache",
				    "cache %s: it must be a file of your own that nobody "
				    "else may write to: remove it",
				    shown);
	rc = ms_file_read(AT_FDCWD, path, MS_CACHE_MAX, 0, &f, err);
	if (rc) {
		ms_error_prefix(err, "cache %s", shown);
		return rc;
	}
	if (may_trust(&f.st, false) || f.st.st_ino != st.st_ino)
		return ms_error_set(err, -EPERM, "bad-cache",
				    "cache %s: it was replaced while it was read", shown);
	rc = ms_cache_parse(f.data, f.len, q, c.context, ret);
	if (!rc)
		f.data = NULL;
	else if (rc == -EBADMSG)
		*ret = c;
	return rc == -EBADMSG ? 0 : rc;
}

static int by_path(const void *x, const void *y)
{
	const struct ms_cache_entry *a = x, *b = y;

	return strcmp(a->path, b->path);
}

int ms_cache_take(struct ms_cache *c, const struct ms_entry *file, struct ms_result *ret)
{
	const struct ms_cache_entry key = {.path = file->path};
	struct ms_cache_entry *e;
	struct ms_file_id id;
	struct stat st;

	e = c->n ? bsearch(&key, c->v, c->n, sizeof(*c->v), by_path) : NULL;
	if (!e || !e->r.path || stat(ms_entry_open_path(file), &st) ||
	    !S_ISREG(st.st_mode))
		return -ENOENT;
	ms_file_id_set(&st, &id);
	if (memcmp(&id, &e->r.id, sizeof(id)) != 0)
		return -ENOENT;
	*ret = e->r;
	ret->cached = true;
	e->r = (struct ms_result){0};
	return 0;
}

int ms_cache_save(struct ms_cache *c, const char *path, const struct ms_question *q,
		  const struct ms_results *r, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_CACHE_MAX);
	uint8_t digest[MS_DIGEST_MAX];
	uint32_t n = 0, signers = 0;
	struct iovec iov;
	int rc;

	c->hits = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (!r->v[i].keep)
			continue;
		c->hits += r->v[i].cached;
		n++;
		signers += (uint32_t)r->v[i].n_signers;
	}
	if (c->hits == n && n == c->n)
		return 0;
	ms_buf_put(&b, MAGIC, MAGIC_LEN);
	ms_buf_put(&b, c->context, DIGEST);
	ms_buf_put_u64(&b, (uint64_t)q->now);
	ms_buf_put_u32(&b, n);
	ms_buf_put_u32(&b, signers);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].keep)
			ms_cache_entry_put(&b, q, &r->v[i]);
	rc = ms_buf_error(&b);
	if (!rc)
		rc = ms_digest(MS_HASH_SHA256, b.data, b.len, digest);
	ms_buf_put(&b, digest, DIGEST);
	if (!rc)
		rc = ms_buf_error(&b);
	if (rc)
		return ms_error_set(err, rc, NULL, "cache: %s", ms_strerror(rc));
	iov = (struct iovec){.iov_base = b.data, .iov_len = b.len};
	return ms_file_replace(path, -1, 0600, &iov, 1, false, err);
}
