/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/log: the audit log for those who check it. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "lib/hash.h"
#include "signer/agent/log_head.h"
#include "signer/agent/lookup.h"
#include "signer/agent/tile_path.h"
#include "signer/agent/web.h"

#define ENTRIES_MAX 1000u	   /* of one answer */
#define ENTRIES_BYTES (512u << 10) /* after which an answer ends */
#define TILE 256u
#define PROOF_MAX 65536u
#define BUNDLE_MAX (TILE * (MS_RECORD_MAX + 2u))

/* ---------------------------------------------------------------------- asking */

static bool may_read(struct ms_web *w)
{
	struct ms_error err = {0};
	json_t *fields;

	if (ms_identity_is_auditor(w->front->config, &w->who))
		return true;
	ms_error_set(&err, -EACCES, "not-auditor",
		     "%s may not read the audit log: 'auditors' in the agent's "
		     "configuration says who may",
		     w->who.id);
	fields = json_pack("{s:s, s:s, s:s}", "user", w->who.user, "code", err.code,
			   "reason", err.msg);
	ms_identity_put_proof(&w->who, fields);
	(void)!ms_audit_put(w->front->audit, "refuse", "", w->who.id, w->id, fields, NULL,
			    NULL);
	ms_web_problem(w, -EACCES, &err);
	return false;
}

static void bad_request(struct ms_web *w, const char *what)
{
	struct ms_error err = {0};

	ms_error_set(&err, -EINVAL, "bad-request", "%s", what);
	ms_web_problem(w, -EINVAL, &err);
}

static void failed(struct ms_web *w, int rc)
{
	struct ms_error err = {0};

	ms_error_set(&err, rc, "store", "cannot read the audit log: %s",
		     rc == -EUCLEAN ? "a part of it is missing or damaged"
				    : ms_strerror(rc));
	ms_web_problem(w, rc == -EUCLEAN ? -EIO : rc, &err);
}

/* ------------------------------------------------------------- beside the loop */

/**
 * struct page - a question to the store, on its way to the lookup thread and back
 * @make: fills in @out, or @rc and @err; on the thread
 * @a, @b: numbers that it needs, as is @tile
 */
struct page {
	struct ms_web *w;
	struct ms_store *store;
	void (*make)(struct page *p);
	const char *type;
	uint64_t a, b;
	struct ms_tile tile;
	struct ms_buf out;
	int rc;
	struct ms_error err;
};

static void page_make(void *arg)
{
	struct page *p = arg;

	p->make(p);
	if (p->rc == 0)
		p->rc = ms_buf_error(&p->out);
}

static void page_answer(void *arg)
{
	struct page *p = arg;

	if (p->rc < 0)
		failed(p->w, p->rc);
	else
		ms_web_bytes(p->w, 200, p->type, p->out.data, p->out.len);
	ms_buf_clear(&p->out);
	free(p);
}

static void page_start(struct ms_web *w, struct page like)
{
	struct page *p = malloc(sizeof(*p));
	struct ms_error err = {0};
	int r;

	like.w = w;
	like.store = w->front->store;
	if (p)
		*p = like;
	r = p ? ms_lookup(w->front->lookups, page_make, page_answer, p) : -ENOMEM;
	if (r == 0)
		return;
	free(p);
	ms_error_set(&err, r, r == -EAGAIN ? "busy" : NULL, "%s",
		     r == -EAGAIN ? "too many others read the audit log: try again"
				  : "out of memory");
	ms_web_problem(w, r, &err);
}

/* Canonical JSON, as ms_web_json() has it; takes over @j. */
static void page_json(struct page *p, json_t *j)
{
	_cleanup_free_ char *text =
		j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(j);
	if (text)
		ms_buf_put(&p->out, text, strlen(text));
	else
		p->rc = -ENOMEM;
}

/* A number in the query; @ret keeps its value when it is not there. */
static bool number(struct ms_web *w, const char *name, uint64_t *ret)
{
	const char *s = ms_web_param(w, name);
	uint64_t v = 0;

	if (!s)
		return true;
	for (const char *p = s; *p; p++)
		if (!isdigit((unsigned char)*p) || p - s > 18 ||
		    __builtin_mul_overflow(v, 10, &v))
			return false;
		else
			v += (uint64_t)(*p - '0');
	if (!*s)
		return false;
	*ret = v;
	return true;
}

/* ----------------------------------------------------------------- checkpoints */

static void answer_checkpoint(struct ms_web *w)
{
	struct ms_error err = {0};
	const char *note;
	size_t len = 0;

	note = ms_log_head_note(w->front->head, &len, NULL);
	if (note) {
		ms_web_bytes(w, 200, "text/plain; charset=utf-8", note, len);
		return;
	}
	if (ms_log_head_health(w->front->head, &err) == 0)
		ms_error_set(&err, -EAGAIN, "no-checkpoint",
			     "there is no checkpoint yet: try again in a moment");
	ms_web_problem(w, -EAGAIN, &err);
}

void ms_api_log_checkpoint(struct ms_web *w)
{
	if (may_read(w))
		answer_checkpoint(w);
}

static void on_made(void *arg, int rc, const struct ms_error *err)
{
	struct ms_error copy = *err;

	if (rc < 0)
		ms_web_problem(arg, rc, &copy);
	else
		answer_checkpoint(arg);
}

void ms_api_log_make_checkpoint(struct ms_web *w)
{
	if (may_read(w))
		ms_log_head_make(w->front->head, on_made, w);
}

void ms_api_log_vkey(struct ms_web *w)
{
	const char *vkey = ms_log_head_vkey(w->front->head);
	char text[MS_VKEY_MAX + 1];
	struct ms_error err = {0};

	if (!may_read(w))
		return;
	if (!*vkey) {
		if (ms_log_head_health(w->front->head, &err) == 0)
			ms_error_set(&err, -EAGAIN, "not-ready",
				     "the log's key is being loaded: try again");
		ms_web_problem(w, -EAGAIN, &err);
		return;
	}
	snprintf(text, sizeof(text), "%s\n", vkey);
	ms_web_bytes(w, 200, "text/plain; charset=utf-8", text, strlen(text));
}

static void on_counter(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct ms_error copy = {0};
	struct ms_web *w = arg;
	char note[MS_CHECKPOINT_MAX];
	uint64_t attempts = 0;
	size_t len;
	int r;

	if (!m || m->op != MS_IPC_NOTE) {
		copy = m ? m->done.err : *err;
		ms_web_problem(w, -EAGAIN, &copy);
		return;
	}
	if (m->note.rc < 0) {
		copy = m->note.err;
		ms_web_problem(w, m->note.rc, &copy);
		return;
	}
	r = ms_store_checkpoint_last(w->front->store, note, &len, &attempts);
	if (r < 0 && r != -ENOENT) {
		failed(w, r);
		return;
	}
	ms_web_json(w, 200,
		    json_pack("{s:I, s:I, s:I}", "counter", (json_int_t)m->note.counter,
			      "attempts", (json_int_t)attempts, "nv_index",
			      (json_int_t)w->front->config->nv_counter));
}

void ms_api_log_counter(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_COUNTER};
	struct ms_error err = {0};
	int r;

	if (!may_read(w))
		return;
	r = ms_key_link_ask(w->front->keys, &m, on_counter, w, &err);
	if (r < 0)
		ms_web_problem(w, r, &err);
}

/* --------------------------------------------------------------------- entries */

/* What modseal wrote is JSON on one line; what somebody else put there may be anything.
 */
static bool is_plain(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20)
			return false;
	return len > 0 && p[0] == '{' && p[len - 1] == '}';
}

static int put_line(const struct ms_record *r, void *arg)
{
	struct ms_buf *out = arg;

	if (r->len > MS_RECORD_MAX)
		return -EFBIG;
	ms_buf_printf(out, "{\"seq\":%" PRIu64 ",", r->seq);
	if (is_plain(r->bytes, r->len)) {
		ms_buf_printf(out, "\"entry\":");
		ms_buf_put(out, r->bytes, r->len);
	} else {
		ms_buf_printf(out, "\"hex\":\"");
		for (size_t i = 0; i < r->len; i++)
			ms_buf_printf(out, "%02x", (unsigned char)r->bytes[i]);
		ms_buf_printf(out, "\"");
	}
	ms_buf_printf(out, "}\n");
	if (ms_buf_error(out) < 0)
		return ms_buf_error(out);
	return out->len >= ENTRIES_BYTES ? 1 : 0;
}

static void make_entries(struct page *p)
{
	int r = ms_store_foreach(p->store, p->a, p->b, put_line, &p->out, &p->err);

	p->rc = r < 0 ? r : 0;
}

void ms_api_log_entries(struct ms_web *w)
{
	uint64_t from = 1, count = ENTRIES_MAX;

	if (!may_read(w))
		return;
	if (!number(w, "from", &from) || !number(w, "count", &count) || from == 0) {
		bad_request(w, "from and count are numbers, from 1 on");
		return;
	}
	page_start(w,
		   (struct page){.make = make_entries,
				 .type = "application/jsonl",
				 .a = from,
				 .b = MS_MIN(count, ENTRIES_MAX),
				 .out = MS_BUF_INIT(ENTRIES_BYTES + 3 * MS_RECORD_MAX)});
}

/* ---------------------------------------------------------------------- proofs */

static json_t *hashes_json(uint8_t (*v)[MS_MERKLE_HASH], size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		char hex[2 * MS_MERKLE_HASH + 1];

		json_array_append_new(a, json_string(ms_hex(v[i], MS_MERKLE_HASH, hex)));
	}
	return a;
}

/* The tree size that a proof is for: what was asked, else the last checkpoint's. */
static bool proof_size(struct ms_web *w, const char *name, uint64_t *ret)
{
	struct ms_checkpoint c;
	uint64_t size = 0, now = 0;
	struct ms_error err;
	size_t len;

	if (ms_log_head_note(w->front->head, &len, &c))
		size = c.size;
	return number(w, name, &size) && size > 0 &&
	       ms_store_entries(w->front->store, &now, &err) == 0 &&
	       ((*ret = size) <= now);
}

/* @a: entry, @b: size. */
static void make_proof(struct page *p)
{
	uint8_t proof[MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	uint8_t leaf[1][MS_MERKLE_HASH], root[1][MS_MERKLE_HASH];
	size_t n = 0;

	p->rc = ms_merkle_inclusion(ms_store_read_hashes, p->store, p->a - 1, p->b, proof,
				    &n);
	if (p->rc == 0)
		p->rc = ms_store_read_hashes(p->store, 0, p->a - 1, 1, leaf);
	if (p->rc == 0)
		p->rc = ms_store_root_at(p->store, p->b, root[0]);
	if (p->rc == 0)
		page_json(p, json_pack("{s:I, s:I, s:o, s:o, s:o}", "entry",
				       (json_int_t)p->a, "size", (json_int_t)p->b, "leaf",
				       hashes_json(leaf, 1), "root", hashes_json(root, 1),
				       "hashes", hashes_json(proof, n)));
}

void ms_api_log_proof(struct ms_web *w)
{
	uint64_t entry = 0, size = 0;

	if (!may_read(w))
		return;
	if (!number(w, "entry", &entry) || !proof_size(w, "size", &size) || entry == 0 ||
	    entry > size) {
		bad_request(w, "entry is a number from 1 to size, and size at most that "
			       "of the log");
		return;
	}
	page_start(w, (struct page){.make = make_proof,
				    .type = "application/json",
				    .a = entry,
				    .b = size,
				    .out = MS_BUF_INIT(PROOF_MAX)});
}

/* @a: from, @b: to. */
static void make_consistency(struct page *p)
{
	uint8_t proof[2 * MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	size_t n = 0;

	p->rc = ms_merkle_consistency(ms_store_read_hashes, p->store, p->a, p->b, proof,
				      &n);
	if (p->rc == 0)
		page_json(p,
			  json_pack("{s:I, s:I, s:o}", "from", (json_int_t)p->a, "to",
				    (json_int_t)p->b, "hashes", hashes_json(proof, n)));
}

void ms_api_log_consistency(struct ms_web *w)
{
	uint64_t from = 0, to = 0;

	if (!may_read(w))
		return;
	if (!number(w, "from", &from) || !proof_size(w, "to", &to) || from == 0 ||
	    from > to) {
		bad_request(w, "from and to are sizes of the log, from not above to");
		return;
	}
	page_start(w, (struct page){.make = make_consistency,
				    .type = "application/json",
				    .a = from,
				    .b = to,
				    .out = MS_BUF_INIT(PROOF_MAX)});
}

/* ----------------------------------------------------------------------- tiles */

static int put_bundled(const struct ms_record *r, void *arg)
{
	struct ms_buf *out = arg;

	if (r->len > MS_RECORD_MAX)
		return -EFBIG;
	ms_buf_put_u16(out, (uint16_t)r->len);
	ms_buf_put(out, r->bytes, r->len);
	return ms_buf_error(out);
}

static void make_bundle(struct page *p)
{
	p->rc = ms_store_foreach(p->store, p->tile.index * TILE + 1, p->tile.width,
				 put_bundled, &p->out, &p->err);
}

static void make_hashes(struct page *p)
{
	uint8_t h[TILE][MS_MERKLE_HASH];

	p->rc = ms_store_read_hashes(p->store, p->tile.level, p->tile.index * TILE,
				     p->tile.width, h);
	if (p->rc == 0)
		ms_buf_put(&p->out, h, p->tile.width * sizeof(h[0]));
}

void ms_api_log_tile(struct ms_web *w)
{
	const char *path = ms_web_path(w) + strlen("/v1/log/tile/");
	struct ms_error err = {0};
	uint64_t size = 0, last;
	struct ms_tile t;

	if (!may_read(w))
		return;
	if (ms_tile_path_parse(path, &t) < 0) {
		bad_request(w, "this is no path of a tile: see C2SP tlog-tiles");
		return;
	}
	/* Below 10^18 / 256 the product cannot overflow; the log is never so long. */
	last = t.index > UINT64_MAX / TILE - 1 ? UINT64_MAX : t.index * TILE + t.width;
	if (ms_store_entries(w->front->store, &size, &err) < 0 ||
	    last > size >> (MS_MERKLE_TILE * t.level)) {
		ms_error_set(&err, -ENOENT, "no-tile", "the log has no such tile yet");
		ms_web_problem(w, -ENOENT, &err);
		return;
	}
	page_start(w, (struct page){.make = t.entries ? make_bundle : make_hashes,
				    .type = "application/octet-stream",
				    .tile = t,
				    .out = MS_BUF_INIT(BUNDLE_MAX)});
}
