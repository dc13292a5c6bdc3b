/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /healthz, /readyz, /v1/whoami, /v1/status: how the agent is. */
#include <errno.h>
#include <event2/event.h>
#include <time.h>

#include "lib/escape.h"
#include "signer/agent/api_keys.h"
#include "signer/agent/log_head.h"
#include "signer/agent/stats.h"
#include "signer/agent/watch.h"
#include "signer/agent/web.h"

/* A TPM that needs longer than this is not ready, whatever its deadline for real work. */
#define PROBE_WAIT_S 3

/* However many balancers ask, the TPM is asked once in so long. */
#define FRESH_US 1000000u

/** tpm_good_us - when it last answered a probe; 0: it did not, the last time */
static uint64_t tpm_good_us;

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

	tpm_good_us = rc < 0 ? 0 : ms_stats_now_us();
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

/* Which of the agent's processes run without what the kernel could give them. */
static json_t *sandbox(void)
{
	json_t *list = json_array();

	for (unsigned int p = 0; p < MS_PROCESSES; p++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:b, s:i}", "process", ms_stats_process_name(p),
				  "seccomp", (int)ms_stats()->process[p].seccomp,
				  "landlock", (int)ms_stats()->process[p].landlock));
	return list;
}

/** struct asker - somebody who waits for the same probe as others */
struct asker {
	struct asker *next;
	struct ms_web *w;
};
static struct asker *askers;
static bool probing;

static void answer_one(struct ms_web *w, int rc, const struct ms_error *tpm_err)
{
	struct ms_error err = {0};

	if (rc < 0) {
		err = *tpm_err;
		ms_web_problem(w, -EAGAIN, &err);
	} else if (ms_audit_health(w->front->audit, &err) < 0 ||
		   keys_ready(w->front, &err) < 0) {
		ms_web_problem(w, -EAGAIN, &err);
	} else {
		ms_web_json(
			w, 200,
			json_pack("{s:s, s:b}", "status", "ready", "landlock",
				  (int)ms_stats()->process[MS_PROCESS_FRONT].landlock));
	}
}

static void ready_answer(struct ms_web *w, int rc, const struct ms_error *tpm_err,
			 const struct ms_ipc_msg *m)
{
	struct asker *a = TAKE_PTR(askers);

	probing = false;
	answer_one(w, rc, tpm_err);
	while (a) {
		struct asker *next = a->next;

		answer_one(a->w, rc, tpm_err);
		free(a);
		a = next;
	}
}

void ms_api_ready(struct ms_web *w)
{
	struct asker *a;

	if (tpm_good_us && ms_stats_now_us() - tpm_good_us < FRESH_US) {
		answer_one(w, 0, NULL);
		return;
	}
	a = probing ? calloc(1, sizeof(*a)) : NULL;
	if (a) {
		*a = (struct asker){.next = askers, .w = w};
		askers = a;
		return;
	}
	probing = true;
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

static json_t *tpm_status(int rc, const struct ms_error *err, const struct ms_ipc_msg *m)
{
	char maker[64] = "", firmware[160] = "";
	json_t *failures = json_object();

	if (m && rc == 0) {
		ms_escape_str(m->tpm.manufacturer, maker, sizeof(maker));
		ms_escape_str(m->tpm.firmware, firmware, sizeof(firmware));
	}
	for (unsigned int i = 0; i < MS_TPM_FAILURES; i++)
		json_object_set_new(
			failures, ms_stats_failure_name(i),
			json_integer((json_int_t)ms_stats()->tpm_failures[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "state",
			 rc < 0 ? "unavailable" : "ok", "reason", rc < 0 ? err->msg : "",
			 "manufacturer", maker, "firmware", firmware, "failures",
			 failures);
}

static json_t *store_status(struct ms_front *f)
{
	struct ms_error err = {0};
	int rc = ms_audit_health(f->audit, &err);

	return json_pack("{s:s, s:s, s:I}", "state", rc < 0 ? "failing" : "ok", "reason",
			 err.msg, "entries", (json_int_t)ms_audit_entries(f->audit));
}

/* How the log and its checkpoints are. */
static json_t *log_status(struct ms_front *f)
{
	uint64_t entries = ms_audit_entries(f->audit);
	uint64_t alarms = ms_watch_log_alarms(f->watch);
	struct ms_checkpoint c = {.size = 0};
	struct ms_error err = {0};
	size_t len;
	bool any = ms_log_head_note(f->head, &len, &c);
	int rc = ms_log_head_health(f->head, &err);

	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "state",
			 alarms	  ? "alarm"
			 : rc < 0 ? "failing"
			 : any	  ? "ok"
				  : "none",
			 "reason", err.msg, "size", (json_int_t)c.size, "counter",
			 (json_int_t)c.counter, "uncovered",
			 (json_int_t)(entries > c.size ? entries - c.size : 0), "age",
			 (json_int_t)ms_log_head_age(f->head), "checkpoint",
			 (json_int_t)ms_log_head_made(f->head), "checked",
			 (json_int_t)ms_watch_log_checked(f->watch), "alarms",
			 (json_int_t)alarms);
}

/* What the asker should know of keys that they may know of. */
static json_t *key_warnings(const struct ms_web *w, size_t *ret_keys)
{
	struct ms_front *f = w->front;
	const struct ms_front_key *k;
	json_t *list = json_array();
	size_t i = 0;

	for (; (k = ms_key_link_at(f->keys, i)); i++) {
		json_t *j;
		const char *text;

		if (!ms_policy_may_see(f->config, &w->who, k->info.name))
			continue;
		j = ms_api_json_key(w, k);
		text = json_string_value(json_object_get(j, "warning"));
		if (k->info.state == MS_KEY_LOCKED || k->info.state == MS_KEY_BROKEN)
			text = k->info.reason;
		if (text && text[0])
			json_array_append_new(list,
					      json_pack("{s:s, s:o}", "key", k->info.name,
							"warning", ms_web_text(text)));
		json_decref(j);
	}
	*ret_keys = i;
	return list;
}

static void status_answer(struct ms_web *w, int rc, const struct ms_error *tpm_err,
			  const struct ms_ipc_msg *m)
{
	struct ms_front *f = w->front;
	size_t keys;
	json_t *warnings = key_warnings(w, &keys);

	ms_web_json(w, 200,
		    json_pack("{s:s, s:I, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:I}",
			      "version", MS_VERSION, "uptime",
			      (json_int_t)(ms_front_clock() - f->started), "tpm",
			      tpm_status(rc, tpm_err, m), "store", store_status(f), "log",
			      log_status(f), "config", f->config_sha256, "sandbox",
			      sandbox(), "warnings", warnings, "keys", (json_int_t)keys,
			      "requests", (json_int_t)f->requests, "waiting",
			      (json_int_t)ms_key_link_waiting(f->keys)));
}

void ms_api_status(struct ms_web *w)
{
	probe_tpm(w, status_answer);
}
