/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /v1/builds: opening, approving, closing. A change is decided, recorded together with
 * the build's new row, and only then it holds. One change of a build at a time: who comes
 * meanwhile waits.
 */
#include <errno.h>
#include <syslog.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/escape.h"
#include "signer/agent/build_manifest.h"
#include "signer/agent/duration.h"
#include "signer/agent/log.h"
#include "signer/agent/store_change.h"
#include "signer/agent/web.h"

#define BODY_MAX 65536u

struct ms_build_waiter {
	struct ms_build_waiter *next;
	struct ms_web *w;
	void (*handler)(struct ms_web *w);
};

/**
 * struct change - a change of a build on its way
 * @w: who asked; NULL: nobody, it lapsed
 * @manifest, @list: what is stored with it, or NULL
 * @b: @is_new: owned, and not among the front's builds yet
 */
struct change {
	struct ms_front *front;
	struct ms_web *w;
	struct ms_build *b;
	bool is_new;
	struct ms_build_life next;
	const char *event;
	struct ms_manifest manifest;
	char *list;
	int rc;
	struct ms_error err;
};

/* ------------------------------------------------------------------ refusing */

/* Refusals are on record too; the record need not be waited for. */
static void refuse(struct ms_web *w, const char *action, int rc,
		   const struct ms_error *err)
{
	json_t *fields =
		json_pack("{s:s, s:s, s:s, s:o}", "user", w->who.user, "action", action,
			  "code", err->code, "reason", ms_web_text(err->msg));

	ms_identity_put_proof(&w->who, fields);
	if (fields && w->key[0])
		json_object_set_new(fields, "build", json_string(w->key));
	(void)!ms_audit_put(w->front->audit, "refuse", "", w->who.id, w->id, fields, NULL,
			    NULL);
	ms_web_problem(w, rc, err);
}

struct ms_build *ms_api_build_of(struct ms_web *w)
{
	struct ms_build *b = ms_builds_find(w->front->builds, w->key);
	struct ms_error err = {0};

	if (b && ms_build_may_see(w->front->config, b, &w->who))
		return b;
	ms_error_set(&err, -ENOENT, "no-such-build",
		     "there is no build %s that %s may see: 'modseal build list' shows "
		     "them",
		     w->key, w->who.id);
	ms_web_problem(w, -ENOENT, &err);
	return NULL;
}

/* ------------------------------------------------------------------ changing */

static bool wait_turn(struct ms_web *w, struct ms_build *b,
		      void (*handler)(struct ms_web *w))
{
	struct ms_build_waiter *n, **p = &b->waiters;
	struct ms_error err = {0};

	if (!b->busy)
		return false;
	n = calloc(1, sizeof(*n));
	if (!n) {
		ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		ms_web_problem(w, -ENOMEM, &err);
		return true;
	}
	n->w = w;
	n->handler = handler;
	while (*p)
		p = &(*p)->next;
	*p = n;
	return true;
}

static void next_turn(struct ms_build *b)
{
	struct ms_build_waiter *n;

	b->busy = false;
	/* The first of them may make it busy again; then the others wait on. */
	while (!b->busy && (n = b->waiters)) {
		b->waiters = n->next;
		n->handler(n->w);
		free(n);
	}
}

static void finish(struct change *c)
{
	struct ms_build *b = c->b;
	struct ms_web *w = c->w;
	bool waits = b->life.state == MS_BUILD_PENDING;

	if (w && c->rc < 0)
		ms_web_problem(w, c->rc, &c->err);
	else if (w)
		ms_web_json(w, c->is_new ? 201 : (waits ? 202 : 200),
			    ms_build_json(b, &b->life));
	if (c->is_new && c->rc < 0)
		ms_build_free(b);
	else
		next_turn(b);
	free(c->manifest.data);
	free(c->list);
	free(c);
}

static void commit(struct change *c);

static void on_ready(void *arg, int rc, const struct ms_error *err)
{
	struct change *c = arg;
	struct ms_build *b = c->b;

	if (rc == 0) {
		b->ready = true;
		finish(c);
		return;
	}
	/* It is open by the record, but cannot sign: end it, on record. */
	ms_log(LOG_ERR, "build %s cannot sign and is closed: %s", b->id, err->msg);
	c->rc = rc;
	c->err = *err;
	c->next = b->life;
	c->next.state = MS_BUILD_CLOSED;
	c->next.ended = time(NULL);
	snprintf(c->next.reason, sizeof(c->next.reason), "%.200s", err->msg);
	c->event = "build-close";
	c->is_new = false;
	commit(c);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct change *c = arg;
	struct ms_build *b = c->b;
	enum ms_build_state was = b->life.state;

	if (rc == 0 && c->is_new) {
		rc = ms_builds_add(c->front->builds, b);
		err = &c->err;
	}
	if (rc < 0) {
		c->rc = rc;
		c->err = *err;
		b->closing = false;
		finish(c);
		return;
	}
	b->life = c->next;
	ms_build_set_deadline(b, time(NULL), ms_front_clock());
	if (b->life.state == MS_BUILD_OPEN) {
		ms_build_opened(c->front, b, on_ready, c);
		return;
	}
	if (was == MS_BUILD_OPEN)
		ms_build_ended(c->front, b);
	if (b->list && b->life.state != MS_BUILD_PENDING) {
		free(b->list->digests);
		b->list->digests = NULL;
	}
	finish(c);
}

static void commit(struct change *c)
{
	const char *who = c->w ? c->w->who.id : "", *id = c->w ? c->w->id : "";
	json_t *j = ms_build_json(c->b, &c->next), *fields;
	_cleanup_free_ char *row =
		j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	struct ms_change *changes = NULL;
	struct ms_error err = {0};
	int r = -ENOMEM;

	fields = json_pack("{s:s, s:s, s:o}", "build", c->b->id, "user",
			   c->w ? c->w->who.user : "", "details", j);
	if (c->w)
		ms_identity_put_proof(&c->w->who, fields);
	if (fields && row)
		r = ms_change_add(&changes, MS_CHANGE_BUILD, c->b->id, 0, row);
	if (r == 0 && c->manifest.data) {
		json_object_set_new(fields, "manifest", json_string(c->manifest.sha256));
		r = ms_change_add(&changes, MS_CHANGE_MANIFEST, c->b->id, 0,
				  c->manifest.data);
	}
	if (r == 0 && c->list)
		r = ms_change_add(&changes, MS_CHANGE_LIST, c->b->id, 0, c->list);
	if (r == 0) {
		r = ms_audit_put_with(c->front->audit, c->event, c->b->key, who, id,
				      fields, changes, on_recorded, c);
	} else {
		json_decref(fields);
		ms_change_free(changes);
	}
	if (r < 0) {
		ms_error_set(&err, r, NULL, "out of memory");
		on_recorded(c, r, 0, &err);
	}
}

static struct change *change_new(struct ms_front *f, struct ms_web *w, struct ms_build *b,
				 const char *event, const struct ms_build_life *next)
{
	struct change *c = calloc(1, sizeof(*c));
	struct ms_error err = {0};

	if (!c) {
		ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		if (w)
			ms_web_problem(w, -ENOMEM, &err);
		return NULL;
	}
	*c = (struct change){.front = f, .w = w, .b = b, .event = event, .next = *next};
	b->busy = true;
	return c;
}

/* ------------------------------------------------------------------- opening */

/**
 * struct wish - the body of POST /v1/builds
 */
struct wish {
	const char *key, *kernel, *series;
	json_t *list;
	bool request;
	uint64_t max;
	uint32_t lasts_s;
};

static int read_numbers(const json_t *max, const json_t *expires, struct wish *ret,
			struct ms_error *err)
{
	const char *text = json_string_value(expires);
	json_int_t n = json_integer_value(max), s = json_integer_value(expires);

	if (max && (!json_is_integer(max) || n < 1 || n > MS_BUILD_MODULES_MAX))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "max is a number of modules from 1 to %u",
				    MS_BUILD_MODULES_MAX);
	ret->max = (uint64_t)n;
	if (text && ms_duration_parse(text, &ret->lasts_s) < 0)
		ret->lasts_s = 0;
	else if (!text && s > 0 && s <= MS_BUILD_LASTS_MAX_S)
		ret->lasts_s = (uint32_t)s;
	if (expires && (ret->lasts_s == 0 || ret->lasts_s > MS_BUILD_LASTS_MAX_S))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "expires is a time such as 4h, up to 30d");
	return 0;
}

static int read_wish(const json_t *j, struct wish *ret, struct ms_error *err)
{
	json_t *max = NULL, *expires = NULL;
	int request = 0;
	json_error_t je;

	*ret = (struct wish){.series = ""};
	if (!j || json_unpack_ex((json_t *)(uintptr_t)j, &je, JSON_STRICT,
				 "{s:s, s:s, s?s, s?o, s?o, s?o, s?b}", "key", &ret->key,
				 "kernel", &ret->kernel, "series", &ret->series, "max",
				 &max, "expires", &expires, "list", &ret->list, "request",
				 &request) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the request is not {\"key\": NAME, \"kernel\": "
				    "RELEASE}, with \"max\", \"expires\", \"series\", "
				    "\"list\" and \"request\" at will");
	ret->request = request;
	if (request && !ret->list)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "a request without a list is for nothing");
	if (!ms_key_name_valid(ret->key))
		return ms_error_set(err, -EINVAL, "bad-name",
				    "key is not the name of a key");
	if (!ms_build_text_valid(ret->kernel, MS_FACT_MAX - 1))
		return ms_error_set(err, -EINVAL, "bad-kernel",
				    "kernel is not a kernel release such as "
				    "6.1.0-56-amd64");
	if (ret->series[0] && !ms_build_text_valid(ret->series, 64))
		return ms_error_set(err, -EINVAL, "bad-series",
				    "series is 1 to 64 of A-Z a-z 0-9 . _ + ~ : -");
	return read_numbers(max, expires, ret, err);
}

/* A build that people approve in vain helps nobody. */
static int check_key(const struct ms_front_key *key, const char *name,
		     struct ms_error *err)
{
	if (!key)
		return ms_error_set(err, -ENOENT, "no-such-key",
				    "no key %s: 'modseal key list' shows the keys", name);
	switch (key->info.state) {
	case MS_KEY_RETIRED:
	case MS_KEY_REVOKED:
		return ms_error_set(err, -EACCES,
				    key->info.state == MS_KEY_RETIRED ? "key-retired"
								      : "key-revoked",
				    "key %s signs no more: %s: use its successor", name,
				    key->info.reason);
	case MS_KEY_BROKEN:
		return ms_error_set(err, -EACCES, "key-broken",
				    "key %s cannot be used: %s", name, key->info.reason);
	case MS_KEY_LOCKED:
	case MS_KEY_ACTIVE:
	default:
		break;
	}
	if (key->cert && time(NULL) > key->cert->not_after)
		return ms_error_set(err, -EACCES, "key-expired",
				    "the certificate of key %s has expired: get a new "
				    "one, or use another key",
				    name);
	return 0;
}

static int open_build(struct ms_web *w, const struct wish *wish, struct ms_build **ret,
		      struct ms_error *err)
{
	const struct ms_rule *rule;
	int r = ms_policy_decide_build(w->front->config, &w->who, wish->key, wish->kernel,
				       &rule, err);

	if (r < 0)
		return r;
	if (!ms_key_link_loaded(w->front->keys))
		return ms_error_set(err, -EAGAIN, "not-ready",
				    "the keys are being loaded: try again");
	r = check_key(ms_key_link_find(w->front->keys, wish->key), wish->key, err);
	if (r < 0)
		return r;
	/* Each of them may have a list of 20,000 digests in memory. */
	if (ms_builds_own(w->front->builds, &w->who) >= MS_BUILDS_OWN)
		return ms_error_set(err, -EEXIST, "too-many-builds",
				    "%s has %u builds that have not ended: close some "
				    "first",
				    w->who.id, MS_BUILDS_OWN);
	*ret = ms_build_new(rule, &w->who, wish->key, wish->kernel, wish->series,
			    wish->max, wish->lasts_s, time(NULL));
	return *ret ? 0 : ms_error_set(err, -ENOMEM, NULL, "out of memory");
}

static json_t *read_body(struct ms_web *w, size_t max)
{
	const char *body;
	size_t len;

	body = (const char *)ms_web_body(w, &len);
	return body && len <= max ? json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL)
				  : NULL;
}

void ms_api_build_open(struct ms_web *w)
{
	/* Only who may open some build has a list looked at. */
	json_t *j = read_body(w, ms_policy_knows(w->front->config, &w->who)
					 ? MS_BUILD_LIST_BYTES
					 : BODY_MAX);
	_cleanup_free_ char *list = NULL;
	struct ms_build *b = NULL;
	struct ms_error err = {0};
	struct change *c;
	struct wish wish;
	int r = read_wish(j, &wish, &err);

	if (r == 0)
		r = open_build(w, &wish, &b, &err);
	if (r == 0 && wish.list)
		r = ms_build_list_read(wish.list, &b->list, &list, &err);
	if (r == 0)
		b->request = wish.request;
	json_decref(j);
	ms_web_drop_body(w);
	if (r < 0) {
		ms_build_free(b);
		refuse(w, "build-open", r, &err);
		return;
	}
	c = change_new(w->front, w, b, "build-open", &b->life);
	if (!c) {
		ms_build_free(b);
		return;
	}
	c->list = TAKE_PTR(list);
	c->is_new = true;
	commit(c);
}

/* --------------------------------------------------- approving, rejecting, closing */

void ms_api_build_approve(struct ms_web *w)
{
	struct ms_build *b = ms_api_build_of(w);
	struct ms_build_life next;
	struct ms_error err = {0};
	struct change *c;
	int r;

	if (!b || wait_turn(w, b, ms_api_build_approve))
		return;
	r = ms_build_approve(w->front->config, b, &w->who, time(NULL), &next, &err);
	if (r < 0) {
		refuse(w, "build-approve", r, &err);
		return;
	}
	c = change_new(w->front, w, b, "build-approve", &next);
	if (c)
		commit(c);
}

void ms_api_build_reject(struct ms_web *w)
{
	struct ms_build *b = ms_api_build_of(w);
	struct ms_build_life next;
	struct ms_error err = {0};
	const char *reason;
	struct change *c;
	json_t *j;
	int r;

	if (!b || wait_turn(w, b, ms_api_build_reject))
		return;
	j = read_body(w, BODY_MAX);
	reason = json_string_value(json_object_get(j, "reason"));
	if (reason && strlen(reason) >= sizeof(next.reason))
		r = ms_error_set(&err, -EINVAL, "bad-request",
				 "the reason is longer than %zu bytes",
				 sizeof(next.reason) - 1);
	else
		r = ms_build_reject(w->front->config, b, &w->who, time(NULL),
				    reason ? reason : "", &next, &err);
	json_decref(j);
	if (r < 0) {
		refuse(w, "build-reject", r, &err);
		return;
	}
	c = change_new(w->front, w, b, "build-reject", &next);
	if (c)
		commit(c);
}

static void on_manifest(void *arg, int rc, const struct ms_manifest *m,
			const struct ms_error *err)
{
	struct change *c = arg;

	if (rc < 0) {
		/* A build without its manifest stays open: it can be tried again. */
		on_recorded(c, rc, 0, err);
		return;
	}
	c->manifest = *m;
	commit(c);
}

static void on_idle(struct ms_build *b, void *arg)
{
	struct change *c = arg;
	bool must = c->w || time(NULL) < b->life.expires + MS_BUILD_GRACE_S / 2;

	ms_build_manifest(c->front, b, &c->next, must, on_manifest, c);
}

/* It signs no more; once nothing is on its way, the manifest is made and it ends. */
static void end_with_manifest(struct change *c)
{
	c->b->closing = true;
	if (c->b->in_flight == 0) {
		on_idle(c->b, c);
		return;
	}
	c->b->idle = on_idle;
	c->b->idle_arg = c;
}

void ms_api_build_close(struct ms_web *w)
{
	struct ms_build *b = ms_api_build_of(w);
	struct ms_build_life next;
	struct ms_error err = {0};
	struct change *c;
	int r;

	if (!b || wait_turn(w, b, ms_api_build_close))
		return;
	r = ms_build_close(w->front->config, b, &w->who, time(NULL), &next, &err);
	if (r < 0) {
		refuse(w, "build-close", r, &err);
		return;
	}
	c = change_new(w->front, w, b, "build-close", &next);
	if (c)
		end_with_manifest(c);
}

void ms_api_builds_tick(struct ms_front *f)
{
	int64_t now = time(NULL), clock = ms_front_clock();
	struct ms_build *b;

	for (size_t i = 0; (b = ms_builds_at(f->builds, i)); i++) {
		struct ms_build_life next;
		struct change *c;

		if (b->deadline == 0)
			ms_build_set_deadline(b, now, clock);
		/* A clock that was set back gives nobody more time. */
		if (b->busy ||
		    !ms_build_lapse(b, clock >= b->deadline ? b->life.expires : now,
				    &next))
			continue;
		c = change_new(f, NULL, b, "build-expire", &next);
		if (c && b->life.state == MS_BUILD_OPEN)
			end_with_manifest(c);
		else if (c)
			commit(c);
	}
}
