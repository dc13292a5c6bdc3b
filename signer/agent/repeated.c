/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/repeated.h"

#include <errno.h>
#include <sys/queue.h>
#include <time.h>

#include "lib/hash.h"
#include "signer/agent/conn.h"

#define KEPT_MAX (64u << 20) /* bytes of answers, and of what is known of them */
#define BUCKETS 1024u

/**
 * struct ms_once - one request
 * @id: hash of identity, signing key and Idempotency-Key, in hex; as in the store
 * @body: hash of the body, in hex
 * @answer: NULL while it is being worked on
 */
struct ms_once {
	TAILQ_ENTRY(ms_once) list;
	struct ms_once *same_bucket;
	char id[65], body[65];
	char *answer;
	size_t len;
};

static TAILQ_HEAD(, ms_once) all = TAILQ_HEAD_INITIALIZER(all);
static struct ms_once *buckets[BUCKETS];
static size_t kept;

static struct ms_once **bucket_of(const char id[65])
{
	char digits[5];

	snprintf(digits, sizeof(digits), "%.4s", id);
	return &buckets[strtoul(digits, NULL, 16) % BUCKETS];
}

static struct ms_once *find(const char id[65])
{
	struct ms_once *o = *bucket_of(id);

	while (o && strcmp(o->id, id) != 0)
		o = o->same_bucket;
	return o;
}

static void remember(struct ms_once *o)
{
	struct ms_once **b = bucket_of(o->id);

	o->same_bucket = *b;
	*b = o;
	TAILQ_INSERT_TAIL(&all, o, list);
	kept += sizeof(*o);
}

static void forget(struct ms_once *o)
{
	struct ms_once **p = bucket_of(o->id);

	while (*p != o)
		p = &(*p)->same_bucket;
	*p = o->same_bucket;
	TAILQ_REMOVE(&all, o, list);
	kept -= sizeof(*o) + o->len;
	free(o->answer);
	free(o);
}

static int hash_hex(const void *p, size_t len, char ret[65])
{
	uint8_t digest[MS_DIGEST_MAX];
	int r = ms_digest(MS_HASH_SHA256, p, len, digest);

	if (r == 0)
		ms_hex(digest, 32, ret);
	return r;
}

static int find_row(const char *key, int64_t number, const char *data, void *arg)
{
	snprintf(arg, 65, "%s", data);
	return 0;
}

static int repeated(const char *code, const char *text, struct ms_error *err)
{
	return ms_error_set(err, -EEXIST, code, "%s", text);
}

static int compare(const struct ms_once *o, const struct ms_once *same,
		   const char *stored, const char **ret_answer, struct ms_error *err)
{
	const char *body = same ? same->body : stored;

	if (strcmp(body, o->body) != 0)
		return repeated("request-key-reused",
				"this Idempotency-Key was used for another request: "
				"choose a new one",
				err);
	if (same && !same->answer)
		return repeated(
			"request-in-progress",
			"the same request is being worked on: wait for its answer", err);
	if (same) {
		*ret_answer = same->answer;
		return 0;
	}
	return repeated("request-repeated",
			"this request was taken before, and its answer is not kept any "
			"more: the audit log has what was signed",
			err);
}

static struct ms_once *once_new(const struct ms_web *w, const char *key, const void *body,
				size_t len)
{
	struct ms_once *o = calloc(1, sizeof(*o));
	char text[MS_IDENTITY_MAX + MS_KEY_NAME_MAX + MS_IDEMPOTENCY_MAX + 3];
	int n = snprintf(text, sizeof(text), "%s\n%s\n%s", w->who.id, w->key, key);

	if (!o || n < 0 || hash_hex(text, (size_t)n, o->id) < 0 ||
	    hash_hex(body ? body : "", len, o->body) < 0) {
		free(o);
		return NULL;
	}
	return o;
}

int ms_once_begin(struct ms_web *w, const void *body, size_t len, struct ms_once **ret,
		  const char **ret_answer, struct ms_error *err)
{
	const char *key = ms_conn_request(w->conn)->idempotency_key;
	char stored[65] = "";
	struct ms_once *o, *same;
	int r = 0;

	*ret = NULL;
	*ret_answer = NULL;
	if (!key[0])
		return 0;
	o = once_new(w, key, body, len);
	if (!o)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	same = find(o->id);
	if (!same)
		r = ms_store_foreach_row(w->front->store, MS_CHANGE_REQUEST, o->id, 0,
					 find_row, stored, err);
	if (r == 0 && (same || stored[0])) {
		r = compare(o, same, stored, ret_answer, err);
		free(o);
		return r;
	}
	if (r < 0) {
		free(o);
		return r;
	}
	remember(o);
	*ret = o;
	return 0;
}

int ms_once_change(const struct ms_once *o, struct ms_change **ret)
{
	struct ms_change *c = NULL;
	int r = ms_change_add(&c, MS_CHANGE_REQUEST, o->id, (int64_t)time(NULL) / 60,
			      o->body);

	if (r == 0)
		*ret = c;
	return r;
}

void ms_once_end(struct ms_once *o, char *answer)
{
	struct ms_once *oldest, *next;

	if (!o) {
		free(answer);
		return;
	}
	o->answer = answer;
	o->len = answer ? strlen(answer) : 0;
	kept += o->len;
	if (!answer) {
		forget(o);
		return;
	}
	for (oldest = TAILQ_FIRST(&all); oldest && kept > KEPT_MAX; oldest = next) {
		next = TAILQ_NEXT(oldest, list);
		if (oldest->answer)
			forget(oldest);
	}
}
