/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <syslog.h>
#include <time.h>

#include "signer/agent/ipc.h"
#include "signer/agent/log.h"
#include "signer/agent/self_check.h"

#define WINDOW_S 60u
#define EXPIRY_EVERY_S 60
#define EXPIRY_AGAIN_S 86400
#define EXPIRY_KEYS_MAX 16u /* that one alert names */

struct ms_watch {
	struct ms_front *f;
	struct event *timer;
	int64_t now_s; /* monotonic */

	uint32_t refused[WINDOW_S], refused_sum;

	int64_t expiry_due_s, expiry_told_s;
	char expiry_told[1024]; /* names of the keys that were told of */

	uint64_t tpm_seen[MS_TPM_FAILURES];

	struct ms_self_check *check;
	uint64_t log_alarms;
};

static int64_t mono_s(void)
{
	return (int64_t)(ms_stats_now_us() / 1000000);
}

void ms_watch_alert(struct ms_front *f, enum ms_alert_kind kind, json_t *fields)
{
	struct ms_ipc_msg m = {.op = MS_IPC_ALERT};
	_cleanup_free_ char *text = fields ? json_dumps(fields, JSON_COMPACT) : NULL;
	int r = text ? 0 : -ENOMEM;

	json_decref(fields);
	if (!(f->config->alert.kinds & UINT32_C(1) << kind))
		return;
	m.alert.kind = (uint8_t)kind;
	if (r == 0 && strlen(text) >= sizeof(m.alert.text))
		r = -EFBIG;
	if (r == 0) {
		memcpy(m.alert.text, text, strlen(text) + 1);
		r = ms_ipc_send(f->ctl, &m, -1);
	}
	if (r < 0)
		ms_log(LOG_ERR, "an alert (%s) is lost: %s", ms_alert_name(kind),
		       ms_strerror(r));
}

/* ------------------------------------------------------------------ refusals */

static void alert_refused(struct ms_watch *w, const struct ms_identity *who,
			  const char *key, const char *code, const char *request_id)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "%u requests were refused within a minute, the last of them to %s: %s",
		 w->refused_sum, who->id, code);
	ms_watch_alert(w->f, MS_ALERT_REFUSED,
		       json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "message", text,
				 "count", (int)w->refused_sum, "identity", who->id, "key",
				 key, "code", code, "request", request_id));
	/* The next one takes as many again. */
	memset(w->refused, 0, sizeof(w->refused));
	w->refused_sum = 0;
}

/* What was counted a minute ago is forgotten. */
static void forget_refusals(struct ms_watch *w, int64_t now)
{
	int64_t from = MS_MAX(w->now_s, now - (int64_t)WINDOW_S);

	for (int64_t t = from + 1; t <= now; t++) {
		w->refused_sum -= w->refused[t % WINDOW_S];
		w->refused[t % WINDOW_S] = 0;
	}
	w->now_s = now;
}

void ms_watch_refused(struct ms_watch *w, const struct ms_identity *who, const char *key,
		      const char *code, const char *request_id)
{
	uint32_t limit = w->f->config->alert.refused;
	char text[400];

	forget_refusals(w, mono_s());
	w->refused[w->now_s % WINDOW_S]++;
	w->refused_sum++;
	if (limit && w->refused_sum >= limit)
		alert_refused(w, who, key, code, request_id);
	if (strcmp(code, "rule-when") != 0)
		return;
	snprintf(text, sizeof(text), "%s asked for a signature by %s outside its hours",
		 who->id, key);
	ms_watch_alert(w->f, MS_ALERT_OUTSIDE_HOURS,
		       json_pack("{s:s, s:s, s:s, s:s}", "message", text, "identity",
				 who->id, "key", key, "request", request_id));
}

/* ---------------------------------------------------------------------- keys */

static bool expires(const struct ms_watch *w, const struct ms_front_key *k, time_t now)
{
	return k->cert && k->info.state != MS_KEY_RETIRED &&
	       k->info.state != MS_KEY_REVOKED &&
	       k->cert->not_after < now + (time_t)w->f->config->alert.expiry_s;
}

static json_t *expiring_keys(struct ms_watch *w, char *names, size_t size)
{
	json_t *list = json_array();
	const struct ms_front_key *k;
	time_t now = time(NULL);
	size_t len = 0;

	names[0] = '\0';
	for (size_t i = 0; (k = ms_key_link_at(w->f->keys, i)); i++) {
		if (!expires(w, k, now) || json_array_size(list) == EXPIRY_KEYS_MAX)
			continue;
		json_array_append_new(list,
				      json_pack("{s:s, s:I}", "name", k->info.name,
						"seconds_left",
						(json_int_t)(k->cert->not_after - now)));
		len += (size_t)snprintf(names + len, size - len, "%s%s", len ? " " : "",
					k->info.name);
		if (len >= size)
			break;
	}
	return list;
}

static void watch_keys(struct ms_watch *w, int64_t now)
{
	char names[sizeof(w->expiry_told)], text[400];
	json_t *list;

	if (now < w->expiry_due_s || !w->f->config->alert.expiry_s ||
	    !ms_key_link_loaded(w->f->keys))
		return;
	w->expiry_due_s = now + EXPIRY_EVERY_S;
	list = expiring_keys(w, names, sizeof(names));
	if (json_array_size(list) == 0 || (strcmp(names, w->expiry_told) == 0 &&
					   now < w->expiry_told_s + EXPIRY_AGAIN_S)) {
		json_decref(list);
		return;
	}
	memcpy(w->expiry_told, names, sizeof(names));
	w->expiry_told_s = now;
	snprintf(text, sizeof(text),
		 "certificates of keys have expired or are about to: %.150s", names);
	ms_watch_alert(w->f, MS_ALERT_KEY_EXPIRY,
		       json_pack("{s:s, s:o}", "message", text, "keys", list));
}

/* ----------------------------------------------------------------------- TPM */

static void watch_tpm(struct ms_watch *w)
{
	json_t *failures = json_object();
	uint64_t total = 0;
	char text[128];

	for (unsigned int i = 0; i < MS_TPM_FAILURES; i++) {
		uint64_t n = ms_stats()->tpm_failures[i], more = n - w->tpm_seen[i];

		w->tpm_seen[i] = n;
		if (!more || i == MS_TPM_AUTH)
			continue;
		total += more;
		json_object_set_new(failures, ms_stats_failure_name(i),
				    json_integer((json_int_t)more));
	}
	if (!total) {
		json_decref(failures);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 " operation%s of the TPM failed", total,
		 total == 1 ? "" : "s");
	ms_watch_alert(w->f, MS_ALERT_TPM,
		       json_pack("{s:s, s:o}", "message", text, "failures", failures));
}

/* ----------------------------------------------------------------------- log */

void ms_watch_log_alarm(struct ms_watch *w, const char *code, const char *reason)
{
	w->log_alarms++;
	ms_watch_alert(w->f, MS_ALERT_LOG,
		       json_pack("{s:s, s:s}", "message", reason, "code", code));
}

uint64_t ms_watch_log_alarms(const struct ms_watch *w)
{
	return w->log_alarms;
}

int64_t ms_watch_log_checked(const struct ms_watch *w)
{
	return ms_self_check_passed(w->check);
}

/* ----------------------------------------------------------------------- all */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct ms_watch *w = arg;
	int64_t now = mono_s();

	forget_refusals(w, now);
	watch_keys(w, now);
	watch_tpm(w);
	ms_self_check_tick(w->check, now);
}

int ms_watch_new(struct ms_front *f, struct ms_watch **ret)
{
	struct timeval second = {.tv_sec = 1};
	struct ms_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->f = f;
	w->now_s = mono_s();
	/* What failed before this front was there has been told, or is of the start. */
	for (unsigned int i = 0; i < MS_TPM_FAILURES; i++)
		w->tpm_seen[i] = ms_stats()->tpm_failures[i];
	w->timer = event_new(f->base, -1, EV_PERSIST, on_tick, w);
	if (!w->timer || event_add(w->timer, &second) < 0 ||
	    ms_self_check_new(f, &w->check) < 0) {
		ms_watch_free(w);
		return -ENOMEM;
	}
	*ret = w;
	return 0;
}

void ms_watch_free(struct ms_watch *w)
{
	if (!w)
		return;
	if (w->timer)
		event_free(w->timer);
	ms_self_check_free(w->check);
	free(w);
}
