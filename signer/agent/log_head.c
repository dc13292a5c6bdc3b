/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/log_head.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <syslog.h>
#include <time.h>

#include "lib/secmem.h"
#include "signer/agent/front.h"
#include "signer/agent/log.h"
#include "signer/agent/watch.h"

#define RETRY_MS 2000	  /* while TPM or key process are away */
#define ON_DEMAND_MS 2000 /* between checkpoints that clients ask for */
#define START_MS 50	  /* until the key process is there */
#define SOON_MS 20

struct waiter {
	struct waiter *next;
	ms_log_head_fn *fn;
	void *arg;
};

/**
 * struct ms_log_head - the state
 * @last, @note: the newest checkpoint; @note_len 0: there is none
 * @asked: what the key process has been asked to sign
 * @asking: an answer is awaited
 * @checked: the store has been held against @last and the counter
 * @alarms: raised since the last checkpoint, a bit each
 */
struct ms_log_head {
	struct ms_front *f;
	struct event *timer;
	struct ms_checkpoint last, asked;
	char note[MS_CHECKPOINT_MAX], vkey[MS_VKEY_MAX];
	size_t note_len;
	uint64_t unsigned_records;
	int64_t made_ms, made_s;
	bool asking, checked;
	unsigned int alarms;
	int rc;
	struct ms_error err;
	struct waiter *waiters;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void again_in(struct ms_log_head *h, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(h->timer, &tv);
}

static void tell_waiters(struct ms_log_head *h)
{
	struct waiter *w = h->waiters;

	h->waiters = NULL;
	while (w) {
		struct waiter *next = w->next;

		w->fn(w->arg, h->rc, &h->err);
		free(w);
		w = next;
	}
}

/* One try is over. Whatever failed, the counter is looked at before the next. */
static void finish(struct ms_log_head *h, int rc)
{
	bool news = rc < 0 && rc != h->rc;

	h->asking = false;
	h->rc = rc;
	if (rc == 0)
		memset(&h->err, 0, sizeof(h->err));
	else
		h->checked = false;
	if (news && rc != -EAGAIN)
		ms_log(LOG_WARNING, "no checkpoint of the audit log: %s", h->err.msg);
	if (rc == -EAGAIN && strcmp(h->err.code, "not-ready") == 0)
		again_in(h, START_MS);
	else if (rc == -EAGAIN || rc == -ENODEV || rc == -ETIMEDOUT)
		again_in(h, RETRY_MS);
	else
		again_in(h, (int64_t)h->f->config->log_interval_s * 1000);
	tell_waiters(h);
}

/* ------------------------------------------------------------- a checkpoint */

static int check_note(struct ms_log_head *h, const struct ms_ipc_note *n,
		      struct ms_checkpoint *ret)
{
	char name[MS_ORIGIN_MAX];
	struct ms_checkpoint c;
	EVP_PKEY *key = NULL;
	int r;

	r = ms_note_vkey_parse(n->vkey, strlen(n->vkey), name, &key);
	if (r == 0)
		r = ms_checkpoint_verify(n->note, strlen(n->note), key, &c);
	EVP_PKEY_free(key);
	if (r == 0 && (c.size != h->asked.size || !c.has_counter ||
		       !ms_equal(c.root, h->asked.root, sizeof(c.root))))
		r = -EBADMSG;
	if (r < 0)
		return ms_error_set(&h->err, r, "log-key",
				    "the key process signed another checkpoint than it "
				    "was asked for");
	*ret = c;
	return 0;
}

static int keep_note(struct ms_log_head *h, const struct ms_ipc_note *n)
{
	size_t len = strlen(n->note);
	struct ms_checkpoint c;
	int r = check_note(h, n, &c);

	if (r == 0)
		r = ms_store_checkpoint_put(h->f->store, &c, n->note, len, &h->err);
	if (r < 0)
		return r;
	h->last = c;
	memcpy(h->note, n->note, len);
	h->note_len = len;
	h->made_ms = now_ms();
	h->made_s = time(NULL);
	h->alarms = 0;
	return 0;
}

static void on_signed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct ms_log_head *h = arg;
	int r;

	if (!m || m->op != MS_IPC_NOTE) {
		h->err = m ? m->done.err : *err;
		finish(h, -EAGAIN);
	} else if (m->note.rc < 0) {
		h->err = m->note.err;
		finish(h, m->note.rc);
	} else {
		r = keep_note(h, &m->note);
		finish(h, r);
	}
}

/* Return: 0 asked, 1 nothing to do, or a negative errno. */
static int ask_signature(struct ms_log_head *h)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHECKPOINT};
	struct timespec now;
	int r;

	r = ms_store_head(h->f->store, &h->asked.size, h->asked.root);
	if (r < 0)
		return ms_error_set(&h->err, r, "store", "cannot hash the log's head");
	if (h->note_len && h->asked.size == h->last.size)
		return 1;
	clock_gettime(CLOCK_REALTIME, &now);
	r = ms_store_checkpoint_begin(h->f->store, h->asked.size,
				      (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
				      &h->err);
	if (r < 0)
		return r;
	m.checkpoint.size = h->asked.size;
	memcpy(m.checkpoint.root, h->asked.root, sizeof(h->asked.root));
	return ms_key_link_ask(h->f->keys, &m, on_signed, h, &h->err);
}

/* ---------------------------------------------- the store against what was signed */

/* Also the alarms' codes, in this order. */
enum { ROLLBACK, OTHER_KEY, CHANGED, OTHER_COUNTER };

static void raise_alarm(struct ms_log_head *h, unsigned int which, const char *fmt, ...)
	_printf_(3, 4);

/*
 * Into the system's log and into the log itself, which the next checkpoint then signs;
 * once, however often that is tried.
 */
static void raise_alarm(struct ms_log_head *h, unsigned int which, const char *fmt, ...)
{
	static const char *const codes[] = {"rollback", "other-key", "changed",
					    "other-counter"};
	char text[256];
	va_list ap;

	if (h->alarms & 1u << which)
		return;
	h->alarms |= 1u << which;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ms_log(LOG_ALERT, "audit log: %s", text);
	ms_watch_log_alarm(h->f->watch, codes[which], text);
	(void)!ms_audit_put(h->f->audit, "log-alarm", "", "", "",
			    json_pack("{s:s, s:s}", "code", codes[which], "reason", text),
			    NULL, NULL);
}

static bool still_there(struct ms_log_head *h)
{
	uint8_t root[MS_MERKLE_HASH];
	uint64_t size = 0;

	return ms_store_head(h->f->store, &size, root) == 0 && size >= h->last.size &&
	       ms_store_root_at(h->f->store, h->last.size, root) == 0 &&
	       ms_equal(root, h->last.root, sizeof(root));
}

static bool is_signed_by(const struct ms_log_head *h, const char *vkey)
{
	char name[MS_ORIGIN_MAX];
	struct ms_checkpoint c;
	EVP_PKEY *key = NULL;
	bool good;

	if (ms_note_vkey_parse(vkey, strlen(vkey), name, &key) < 0)
		return false;
	good = ms_checkpoint_verify(h->note, h->note_len, key, &c) == 0;
	EVP_PKEY_free(key);
	return good;
}

static int check_store(struct ms_log_head *h, const struct ms_ipc_note *n)
{
	char note[MS_CHECKPOINT_MAX];
	uint64_t attempts = 0;
	size_t len;
	int r;

	r = ms_store_checkpoint_last(h->f->store, note, &len, &attempts);
	if (r < 0 && r != -ENOENT)
		return ms_error_set(&h->err, r, "store",
				    "cannot read the last checkpoint: %s",
				    ms_strerror(r));
	if (!h->note_len) {
		/* Without a checkpoint nobody can have counted up, but for who tried. */
		if (!n->fresh && n->counter > 0 && attempts == 0)
			raise_alarm(h, ROLLBACK,
				    "there is no checkpoint, but the TPM's counter is "
				    "at %" PRIu64 ": an older or empty log was put here",
				    n->counter);
		return 0;
	}
	if (!is_signed_by(h, n->vkey))
		raise_alarm(h, OTHER_KEY,
			    "the last checkpoint is not signed by this log's key: one "
			    "of the two was replaced");
	if (!still_there(h))
		raise_alarm(h, CHANGED,
			    "the %" PRIu64 " entries that the last checkpoint signed "
			    "are not in the store as they were",
			    h->last.size);
	if (n->counter > h->last.counter + attempts)
		raise_alarm(h, ROLLBACK,
			    "the last checkpoint has the counter %" PRIu64
			    ", the TPM is at %" PRIu64 ": an older log was put back",
			    h->last.counter, n->counter);
	else if (n->counter < h->last.counter)
		raise_alarm(h, OTHER_COUNTER,
			    "the TPM's counter is at %" PRIu64
			    ", below the last checkpoint's %" PRIu64
			    ": the log was made with another TPM or index",
			    n->counter, h->last.counter);
	return 0;
}

static void on_counter(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct ms_log_head *h = arg;
	int r;

	if (!m || m->op != MS_IPC_NOTE) {
		h->err = m ? m->done.err : *err;
		finish(h, -EAGAIN);
		return;
	}
	r = m->note.rc;
	if (r < 0)
		h->err = m->note.err;
	else
		r = check_store(h, &m->note);
	if (r < 0) {
		finish(h, r);
		return;
	}
	memcpy(h->vkey, m->note.vkey, sizeof(h->vkey));
	h->checked = true;
	h->asking = false;
	again_in(h, SOON_MS);
}

static int ask_counter(struct ms_log_head *h)
{
	struct ms_ipc_msg m = {.op = MS_IPC_COUNTER};

	return ms_key_link_ask(h->f->keys, &m, on_counter, h, &h->err);
}

/* --------------------------------------------------------------------- driving */

static void step(struct ms_log_head *h)
{
	int r;

	if (h->asking)
		return;
	h->asking = true;
	r = h->checked ? ask_signature(h) : ask_counter(h);
	if (r != 0)
		finish(h, r < 0 ? r : 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	step(arg);
}

void ms_log_head_make(struct ms_log_head *h, ms_log_head_fn *fn, void *arg)
{
	struct ms_error err = {0};
	struct waiter *w;
	int r;

	if (!h->asking && h->made_ms && now_ms() - h->made_ms < ON_DEMAND_MS &&
	    !h->f->stopping) {
		r = ms_error_set(&err, -EAGAIN, "too-soon",
				 "the last checkpoint was made a moment ago: each one "
				 "wears the TPM's counter: try again in two seconds");
		fn(arg, r, &err);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		r = ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		fn(arg, r, &err);
		return;
	}
	*w = (struct waiter){.next = h->waiters, .fn = fn, .arg = arg};
	h->waiters = w;
	step(h);
}

/* -------------------------------------------------------------------- the rest */

static int read_last(struct ms_log_head *h, struct ms_error *err)
{
	uint64_t attempts, size = 0;
	size_t covered;
	int r;

	r = ms_store_checkpoint_last(h->f->store, h->note, &h->note_len, &attempts);
	if (r == 0)
		r = ms_checkpoint_parse(h->note, h->note_len, &h->last, &covered);
	if (r < 0)
		h->note_len = 0;
	/* A damaged one is as none: the counter tells that there was one. */
	if (r < 0 && r != -ENOENT && r != -EBADMSG && r != -EUCLEAN)
		return ms_error_set(err, r, "store",
				    "cannot read the last checkpoint: %s",
				    ms_strerror(r));
	r = ms_store_entries(h->f->store, &size, err);
	if (r == 0 && size > h->last.size)
		h->unsigned_records = size - h->last.size;
	return r;
}

int ms_log_head_new(struct ms_front *f, struct ms_log_head **ret, struct ms_error *err)
{
	struct ms_log_head *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	h->f = f;
	r = read_last(h, err);
	if (r == 0) {
		h->timer = evtimer_new(f->base, on_timer, h);
		r = h->timer ? 0 : ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	if (r < 0) {
		free(h);
		return r;
	}
	again_in(h, SOON_MS);
	*ret = h;
	return 0;
}

const char *ms_log_head_note(const struct ms_log_head *h, size_t *ret_len,
			     struct ms_checkpoint *ret)
{
	if (!h->note_len)
		return NULL;
	*ret_len = h->note_len;
	if (ret)
		*ret = h->last;
	return h->note;
}

const char *ms_log_head_vkey(const struct ms_log_head *h)
{
	return h->vkey;
}

int64_t ms_log_head_age(const struct ms_log_head *h)
{
	return h->made_ms ? (now_ms() - h->made_ms) / 1000 : -1;
}

uint64_t ms_log_head_unsigned(const struct ms_log_head *h)
{
	return h->unsigned_records;
}

int64_t ms_log_head_made(const struct ms_log_head *h)
{
	return h->made_s;
}

int ms_log_head_health(const struct ms_log_head *h, struct ms_error *err)
{
	if (h->rc < 0)
		*err = h->err;
	return h->rc;
}
