/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/sign-digests: many digests come in, each goes its own way
 * (signing.c), and the answers go out together, in order, each beside its digest.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/escape.h"
#include "signer/agent/conn.h"
#include "signer/agent/repeated.h"
#include "signer/agent/signing.h"
#include "signer/agent/web.h"

#define ITEMS_MAX 10000u
#define BODY_MAX (16u << 20)
/* Items of one call that are on their way at once: others get their turn in between. */
#define AT_ONCE 512u
#define AT_ONCE_CROWDED 32u
#define CROWDED 8192u /* questions that wait for the key process */

/**
 * struct batch - one call
 * @request: the JSON, kept because the items borrow strings from it
 * @build: id, or ""
 * @items: what became of each; NULL while it is on its way
 * @once: of its Idempotency-Key, or NULL
 * @next: the first that was not started yet; @left: items on their way
 * @starting: items are being started: one that ends at once starts no others
 */
struct batch {
	struct ms_web *w;
	json_t *request;
	json_t **items;
	const char *build;
	struct ms_once *once;
	enum ms_hash hash;
	enum ms_sign_type type;
	bool use_keyid, starting;
	size_t n, next, left;
};

static void start_items(struct batch *b);

struct item {
	struct batch *b;
	size_t i;
};

/* ------------------------------------------------------------------- answering */

static void batch_free(struct batch *b)
{
	json_decref(b->request);
	free(b->items);
	free(b);
}

static void batch_answer(struct batch *b)
{
	json_t *list, *answer;
	char *text;

	list = json_array();
	for (size_t i = 0; i < b->n; i++)
		json_array_append_new(list, b->items[i]);
	answer = json_pack("{s:o}", "items", list);
	text = answer ? json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(answer);
	if (text)
		ms_web_bytes(b->w, 200, "application/json", text, strlen(text));
	else
		ms_web_problem(b->w, -ENOMEM, &(struct ms_error){0});
	/* Without an answer to give again it still counts as done. */
	ms_once_end(b->once, text ? text : strdup(""));
	batch_free(b);
}

static json_t *json_base64(const struct ms_buf *der)
{
	_cleanup_free_ unsigned char *text = malloc(4 * ((der->len + 2) / 3) + 1);

	if (!text)
		return NULL;
	EVP_EncodeBlock(text, der->data, (int)der->len);
	return json_string((const char *)text);
}

static json_t *json_error(const struct ms_error *err)
{
	return json_pack("{s:s, s:o}", "code", err->code[0] ? err->code : "internal",
			 "detail", ms_web_text(err->msg));
}

static void item_done(struct ms_signing *s)
{
	struct item *it = s->arg;
	struct batch *b = it->b;
	char hex[2 * MS_DIGEST_MAX + 1];
	json_t *j = json_object();

	/* The answer speaks of the digest that was signed, not of the text that came in.
	 */
	json_object_set_new(j, "digest",
			    json_string(ms_hex(s->digest, ms_hash_size(s->hash), hex)));
	if (s->rc < 0)
		json_object_set_new(j, "error", json_error(&s->err));
	else
		json_object_set_new(j, "signature", json_base64(&s->message));
	b->items[it->i] = j;
	free(it);
	ms_signing_free(s);
	b->left--;
	start_items(b);
}

/* --------------------------------------------------------------------- reading */

static int get_digest(const json_t *j, enum ms_hash hash, uint8_t *ret)
{
	const char *text = json_string_value(json_object_get(j, "digest"));
	size_t n = ms_hash_size(hash), len;

	if (!text || strlen(text) != 2 * n || strchr(text, ':'))
		return -EINVAL;
	return OPENSSL_hexstr2buf_ex(ret, MS_DIGEST_MAX, &len, text, '\0') == 1 &&
			       len == n
		       ? 0
		       : -EINVAL;
}

static int get_fact(const json_t *facts, const char *name, char dst[MS_FACT_MAX])
{
	const json_t *j = json_object_get(facts, name);
	const char *text = json_string_value(j);

	if (!j || json_is_null(j))
		return 0;
	/* As with a module itself: a name is taken whole or not at all. */
	if (!text || strlen(text) >= MS_FACT_MAX)
		return -EINVAL;
	memcpy(dst, text, strlen(text) + 1);
	return 0;
}

static int get_facts(const json_t *j, struct ms_elf_facts *f)
{
	const json_t *facts = json_object_get(j, "facts");
	char build_id[MS_FACT_MAX] = "";

	if (facts && !json_is_object(facts))
		return -EINVAL;
	if (get_fact(facts, "name", f->name) < 0 ||
	    get_fact(facts, "vermagic", f->vermagic) < 0 ||
	    get_fact(facts, "srcversion", f->srcversion) < 0 ||
	    get_fact(facts, "version", f->version) < 0 ||
	    get_fact(facts, "license", f->license) < 0 ||
	    get_fact(facts, "build_id", build_id) < 0)
		return -EINVAL;
	memcpy(f->release, f->vermagic, sizeof(f->release));
	f->release[strcspn(f->release, " ")] = '\0';
	if (!build_id[0])
		return 0;
	return OPENSSL_hexstr2buf_ex(f->build_id, sizeof(f->build_id), &f->build_id_len,
				     build_id, '\0') == 1
		       ? 0
		       : -EINVAL;
}

static void start_item(struct batch *b, size_t i)
{
	enum ms_hash hash = b->hash;
	const json_t *j = json_array_get(json_object_get(b->request, "items"), i);
	const char *file = json_string_value(json_object_get(j, "name"));
	const char *path = json_string_value(json_object_get(j, "path"));
	struct item *it = calloc(1, sizeof(*it));
	struct ms_signing *s = ms_signing_new(b->w->front, item_done, it);

	if (!it || !s) {
		free(it);
		ms_signing_free(s);
		b->items[i] = json_pack("{s:{s:s, s:s}}", "error", "code", "internal",
					"detail", "out of memory");
		return;
	}
	*it = (struct item){.b = b, .i = i};
	b->left++;
	s->who = b->w->who;
	s->request_id = b->w->id;
	s->key = b->w->key;
	s->file = file ? file : "";
	/* What is too long to be recorded is no path that anybody has. */
	s->path = path && strlen(path) <= MS_MODULE_PATH_MAX ? path : "";
	s->build = b->build;
	s->type = b->type;
	s->use_keyid = b->use_keyid;
	s->hash = hash;
	if (get_digest(j, hash, s->digest) < 0) {
		s->hash = MS_HASH_NONE;
		ms_error_set(&s->err, -EINVAL, "bad-digest",
			     "digest is not the hex digits of a %s", ms_hash_name(hash));
		ms_signing_refuse(s, -EINVAL);
	} else if (get_facts(j, &s->facts) < 0) {
		ms_error_set(&s->err, -EINVAL, "bad-facts",
			     "facts is not an object of texts under %u bytes",
			     MS_FACT_MAX);
		ms_signing_refuse(s, -EINVAL);
	} else {
		ms_signing_start(s);
	}
}

static int bad_request(struct ms_error *err)
{
	return ms_error_set(
		err, -EINVAL, "bad-request",
		"the request is not {\"hash\": NAME, \"items\": [1 to %u of "
		"{\"name\", \"digest\", \"facts\"}], \"build\": ID, \"keyid\": BOOLEAN, "
		"\"type\": module, file, fsverity, ima or raw}",
		ITEMS_MAX);
}

static int read_batch(struct batch *b, const char *body, size_t len, struct ms_error *err)
{
	const char *hash = NULL, *type = "module";
	json_t *items = NULL;
	int keyid = 0;
	json_error_t je;
	char shown[32];

	if (len > BODY_MAX)
		return ms_error_set(err, -EFBIG, "too-large",
				    "the request is over %u bytes", BODY_MAX);
	b->build = "";
	b->request = json_loadb(body ? body : "", len, JSON_REJECT_DUPLICATES, &je);
	if (!b->request ||
	    json_unpack_ex(b->request, &je, JSON_STRICT, "{s:s, s:o, s?s, s?b, s?s}",
			   "hash", &hash, "items", &items, "build", &b->build, "keyid",
			   &keyid, "type", &type) < 0 ||
	    ms_sign_type_from_name(type, &b->type) < 0 || !json_is_array(items) ||
	    json_array_size(items) == 0 || json_array_size(items) > ITEMS_MAX)
		return bad_request(err);
	if (ms_hash_from_name(hash, &b->hash) < 0 || !ms_hash_may_sign(b->hash))
		return ms_error_set(
			err, -EINVAL, "hash-not-allowed",
			"hash %s is not allowed for signing: use sha256, sha384, "
			"sha512, sha3-256, sha3-384 or sha3-512",
			ms_escape_str(hash, shown, sizeof(shown)));
	b->use_keyid = keyid;
	b->n = json_array_size(items);
	b->items = calloc(b->n, sizeof(*b->items));
	return b->items ? 0 : -ENOMEM;
}

/* Somebody whom no rule is about gets one refusal and one record, not ten thousand. */
static int refuse_stranger(struct ms_web *w, struct ms_error *err)
{
	const struct ms_elf_facts facts = {0};
	const struct ms_policy_request req = {
		.who = &w->who, .key = w->key, .facts = &facts};
	const struct ms_rule *rule;
	json_t *fields;
	int r;

	if (ms_policy_may_see(w->front->config, &w->who, w->key))
		return 0;
	r = ms_policy_decide(w->front->config, &req, &rule, err);
	if (r == 0)
		return -EACCES;
	fields = json_pack("{s:s, s:s, s:s}", "user", w->who.user, "code", err->code,
			   "reason", err->msg);
	ms_identity_put_proof(&w->who, fields);
	(void)!ms_audit_put(w->front->audit, "refuse", w->key, w->who.id, w->id, fields,
			    NULL, NULL);
	return r;
}

static size_t at_once(const struct batch *b)
{
	return ms_key_link_waiting(b->w->front->keys) < CROWDED ? AT_ONCE
								: AT_ONCE_CROWDED;
}

static void start_items(struct batch *b)
{
	if (b->starting)
		return;
	b->starting = true;
	while (b->next < b->n && b->left < at_once(b))
		start_item(b, b->next++);
	b->starting = false;
	if (b->left == 0)
		batch_answer(b);
}

/* That the key is used is on the disk: now things may be signed. */
static void on_noted(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct batch *b = arg;

	if (rc == 0) {
		start_items(b);
		return;
	}
	ms_web_problem(b->w, rc, err);
	ms_once_end(b->once, NULL);
	batch_free(b);
}

static int note(struct batch *b)
{
	const struct ms_web *w = b->w;
	struct ms_change *changes = NULL;
	json_t *fields = json_pack("{s:s, s:I, s:s}", "user", w->who.user, "items",
				   (json_int_t)b->n, "idempotency_key",
				   ms_conn_request(w->conn)->idempotency_key);
	int r = fields ? ms_once_change(b->once, &changes) : -ENOMEM;

	if (r < 0) {
		json_decref(fields);
		return r;
	}
	ms_identity_put_proof(&w->who, fields);
	return ms_audit_put_with(w->front->audit, "request", w->key, w->who.id, w->id,
				 fields, changes, on_noted, b);
}

static int begin(struct batch *b, const char **ret_again, struct ms_error *err)
{
	const char *body;
	size_t len;
	int r = refuse_stranger(b->w, err);

	*ret_again = NULL;
	if (r < 0)
		return r;
	body = (const char *)ms_web_body(b->w, &len);
	r = read_batch(b, body, len, err);
	if (r == 0)
		r = ms_once_begin(b->w, body, len, &b->once, ret_again, err);
	return r;
}

void ms_api_sign_digests(struct ms_web *w)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct ms_error err = {0};
	const char *again = NULL;
	int r = -ENOMEM;

	if (b) {
		b->w = w;
		r = begin(b, &again, &err);
	}
	if (r == 0 && again && again[0]) {
		ms_web_bytes(w, 200, "application/json", again, strlen(again));
		batch_free(b);
		return;
	}
	if (r == 0 && again)
		r = ms_error_set(&err, -EEXIST, "request-repeated",
				 "this request was taken before: the audit log has what "
				 "was signed");
	ms_web_drop_body(w);
	if (r == 0 && !b->once) {
		start_items(b);
		return;
	}
	if (r == 0)
		r = note(b);
	if (r == 0)
		return;
	ms_web_problem(w, r, &err);
	if (b) {
		ms_once_end(b->once, NULL);
		batch_free(b);
	}
}
