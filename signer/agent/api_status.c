/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /healthz, /readyz, /v1/whoami, /v1/status: how the agent is. */
#include <errno.h>
#include <event2/event.h>
#include <time.h>

#include "lib/escape.h"
#include "signer/agent/log_head.h"
#include "signer/agent/web.h"

/* A TPM that needs longer than this is not ready, whatever its deadline for real work. */
#define PROBE_WAIT_S 3

void ms_api_health(struct ms_web *w)
{
	ms_web_json(w, 200, json_pack("{s:s}", "status", "ok"));
}

/**
 * struct probe - a request that waits for the TPM's answer, at most PROBE_WAIT_S
 * @w: NULL once it has been answered
 * @asked: the key process still owes an answer
 */
struct probe {
	struct ms_web *w;
	struct event *timer;
	bool asked;
	void (*fn)(struct ms_web *w, int rc, const struct ms_error *err,
		   const struct ms_ipc_msg *m);
};

static void probe_release(struct probe *p)
{
	if (p->w || p->asked)
		return;
	event_free(p->timer);
	free(p);
}

static void probe_finish(struct probe *p, int rc, const struct ms_error *err,
			 const struct ms_ipc_msg *m)
{
	struct ms_web *w = TAKE_PTR(p->w);

	event_del(p->timer);
	if (w)
		p->fn(w, rc, err, m);
	probe_release(p);
}

static void on_probe(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct probe *p = arg;

	p->asked = false;
	if (!m)
		probe_finish(p, -EAGAIN, err, NULL);
	else if (m->op == MS_IPC_TPM)
		probe_finish(p, m->tpm.rc, &m->tpm.err, m);
	else
		probe_finish(p, m->done.rc ? m->done.rc : -EIO, &m->done.err, NULL);
}

static void on_probe_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct ms_error err = {0};
	int r = ms_error_set(
		&err, -ETIMEDOUT, "tpm-slow",
		"the TPM has not answered within %d s: is it busy, or hanging?",
		PROBE_WAIT_S);

	probe_finish(arg, r, &err, NULL);
}

static void probe_tpm(struct ms_web *w,
		      void (*fn)(struct ms_web *w, int rc, const struct ms_error *err,
				 const struct ms_ipc_msg *m))
{
	struct timeval wait = {.tv_sec = PROBE_WAIT_S};
	struct ms_ipc_msg m = {.op = MS_IPC_PROBE};
	struct probe *p = calloc(1, sizeof(*p));
	struct ms_error err = {0};
	int r;

	if (p)
		p->timer = evtimer_new(w->front->base, on_probe_timeout, p);
	if (!p || !p->timer) {
		free(p);
		r = ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		fn(w, r, &err, NULL);
		return;
	}
	p->w = w;
	p->fn = fn;
	r = ms_key_link_ask(w->front->keys, &m, on_probe, p, &err);
	if (r < 0) {
		probe_finish(p, r, &err, NULL);
		return;
	}
	p->asked = true;
	evtimer_add(p->timer, &wait);
}

/* ------------------------------------------------------------------- readyz */

static int keys_ready(struct ms_front *f, struct ms_error *err)
{
	const struct ms_front_key *k;

	if (!ms_key_link_loaded(f->keys))
		return ms_error_set(err, -EAGAIN, "not-ready",
				    "the keys are being loaded");
	for (size_t i = 0; (k = ms_key_link_at(f->keys, i)); i++)
		if (k->info.state == MS_KEY_LOCKED || k->info.state == MS_KEY_BROKEN)
			return ms_error_set(err, -EAGAIN, "key-locked",
					    "key %s is %s: %s", k->info.name,
					    ms_key_state_name(k->info.state),
					    k->info.reason);
	return 0;
}

static void ready_answer(struct ms_web *w, int rc, const struct ms_error *tpm_err,
			 const struct ms_ipc_msg *m)
{
	struct ms_error err = {0};

	if (rc < 0) {
		err = *tpm_err;
		ms_web_problem(w, -EAGAIN, &err);
	} else if (ms_audit_health(w->front->audit, &err) < 0 ||
		   keys_ready(w->front, &err) < 0) {
		ms_web_problem(w, -EAGAIN, &err);
	} else {
		ms_web_json(w, 200, json_pack("{s:s}", "status", "ready"));
	}
}

void ms_api_ready(struct ms_web *w)
{
	probe_tpm(w, ready_answer);
}

/* ----------------------------------------------------------- whoami, status */

void ms_api_whoami(struct ms_web *w)
{
	const struct ms_config *c = w->front->config;
	json_t *groups = json_array(), *j;

	for (size_t i = 0; i < c->n_groups; i++)
		if (ms_identity_in(c, &w->who, &c->groups[i].members))
			json_array_append_new(groups, json_string(c->groups[i].name));
	j = json_pack("{s:s, s:s, s:o, s:b}", "identity", w->who.id, "user",
		      strncmp(w->who.user, "user:", 5) == 0 ? w->who.user + 5
							    : w->who.user,
		      "groups", groups, "admin", ms_identity_is_admin(c, &w->who));
	ms_identity_put_proof(&w->who, j);
	ms_web_json(w, 200, j);
}

static size_t count_keys(const struct ms_front *f)
{
	size_t n = 0;

	while (ms_key_link_at(f->keys, n))
		n++;
	return n;
}

/* How the log's checkpoints are. */
static json_t *log_state(struct ms_front *f)
{
	uint64_t entries = ms_audit_entries(f->audit);
	struct ms_checkpoint c = {0};
	struct ms_error err = {0};
	size_t len;
	bool any = ms_log_head_note(f->head, &len, &c);
	int rc = ms_log_head_health(f->head, &err);

	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "state",
			 rc < 0 ? "failing" : (any ? "ok" : "none"), "reason", err.msg,
			 "size", (json_int_t)c.size, "counter", (json_int_t)c.counter,
			 "uncovered",
			 (json_int_t)(entries > c.size ? entries - c.size : 0), "age",
			 (json_int_t)ms_log_head_age(f->head));
}

static void status_answer(struct ms_web *w, int rc, const struct ms_error *tpm_err,
			  const struct ms_ipc_msg *m)
{
	struct ms_front *f = w->front;
	struct ms_error store_err = {0};
	char maker[64] = "", firmware[160] = "";
	json_t *tpm, *store;

	if (m && rc == 0) {
		ms_escape_str(m->tpm.manufacturer, maker, sizeof(maker));
		ms_escape_str(m->tpm.firmware, firmware, sizeof(firmware));
	}
	tpm = json_pack("{s:s, s:s, s:s, s:s}", "state", rc < 0 ? "unavailable" : "ok",
			"reason", rc < 0 ? tpm_err->msg : "", "manufacturer", maker,
			"firmware", firmware);
	rc = ms_audit_health(f->audit, &store_err);
	store = json_pack("{s:s, s:s, s:I}", "state", rc < 0 ? "failing" : "ok", "reason",
			  store_err.msg, "entries",
			  (json_int_t)ms_audit_entries(f->audit));
	ms_web_json(w, 200,
		    json_pack("{s:s, s:I, s:o, s:o, s:o, s:s, s:I, s:I, s:I}", "version",
			      MS_VERSION, "uptime",
			      (json_int_t)(ms_front_clock() - f->started), "tpm", tpm,
			      "store", store, "log", log_state(f), "config",
			      f->config_sha256, "keys", (json_int_t)count_keys(f),
			      "requests", (json_int_t)f->requests, "waiting",
			      (json_int_t)ms_key_link_waiting(f->keys)));
}

void ms_api_status(struct ms_web *w)
{
	probe_tpm(w, status_answer);
}
