/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <syslog.h>
#include <time.h>

#include "signer/agent/ipc.h"
#include "signer/agent/log.h"
#include "signer/agent/log_head.h"

#define WINDOW_S 60u
#define EXPIRY_EVERY_S 60
#define EXPIRY_AGAIN_S 86400
#define EXPIRY_KEYS_MAX 16u /* that one alert names */

/**
 * struct log_pass - one turn through the whole log
 * @target: the checkpoint that it is held against; @tree: what has been read so far
 */
struct log_pass {
	bool running;
	struct ms_checkpoint target;
	struct ms_merkle tree;
};

struct ms_watch {
	struct ms_front *f;
	struct event *timer;
	int64_t now_s; /* monotonic */

	uint32_t refused[WINDOW_S], refused_sum;

	int64_t expiry_due_s, expiry_told_s;
	char expiry_told[1024]; /* names of the keys that were told of */

	uint64_t tpm_seen[MS_TPM_FAILURES];

	struct log_pass pass;
	int64_t log_due_s, log_checked;
	uint64_t log_alarms, told_bad;
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
	snprintf(text, sizeof(text), "%" PRIu64 " operations of the TPM failed", total);
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
	return w->log_checked;
}

/* Found by a turn through the log: on record once, told each time. */
static void found(struct ms_watch *w, uint64_t record, const char *reason)
{
	w->pass.running = false;
	if (w->told_bad != record) {
		ms_log(LOG_ALERT, "audit log: %s", reason);
		(void)!ms_audit_put(
			w->f->audit, "log-alarm", "", "", "",
			json_pack("{s:s, s:s}", "code", "self-check", "reason", reason),
			NULL, NULL);
	}
	w->told_bad = record;
	ms_watch_log_alarm(w, "self-check", reason);
}

/* The checkpoint in force, if it is there and good. */
static bool take_target(struct ms_watch *w)
{
	const char *vkey = ms_log_head_vkey(w->f->head), *note;
	char name[MS_ORIGIN_MAX];
	EVP_PKEY *key = NULL;
	size_t len = 0;
	int r;

	note = ms_log_head_note(w->f->head, &len, NULL);
	if (!note || !vkey[0] || ms_note_vkey_parse(vkey, strlen(vkey), name, &key) < 0)
		return false;
	r = ms_checkpoint_verify(note, len, key, &w->pass.target);
	EVP_PKEY_free(key);
	if (r < 0)
		found(w, UINT64_MAX,
		      "the last checkpoint is not signed by the log's key");
	return r == 0;
}

static void start_pass(struct ms_watch *w, int64_t now)
{
	memset(&w->pass, 0, sizeof(w->pass));
	w->pass.running = take_target(w);
	w->log_due_s = now + (int64_t)w->f->config->log_check_s;
}

static void end_pass(struct ms_watch *w)
{
	uint8_t root[MS_MERKLE_HASH];

	w->pass.running = false;
	if (ms_merkle_root(&w->pass.tree, root) < 0)
		return;
	if (memcmp(root, w->pass.target.root, sizeof(root)) != 0) {
		found(w, UINT64_MAX - 1,
		      "the log's entries do not give the root that its checkpoint "
		      "signed");
		return;
	}
	w->log_checked = time(NULL);
	w->told_bad = 0;
}

struct reading {
	struct ms_merkle *tree;
	uint8_t want[MS_WATCH_CHUNK][MS_MERKLE_HASH];
	uint64_t from, n, bad;
};

static int read_record(const struct ms_record *r, void *arg)
{
	uint8_t leaf[MS_MERKLE_HASH];
	struct reading *rd = arg;
	int rc = ms_merkle_leaf(r->bytes, r->len, leaf);

	if (rc == 0 && (r->seq != rd->from + rd->n ||
			memcmp(leaf, rd->want[rd->n], sizeof(leaf)) != 0)) {
		rd->bad = rd->from + rd->n;
		return -EUCLEAN;
	}
	if (rc == 0 && rd->tree)
		rc = ms_merkle_append(rd->tree, leaf);
	rd->n++;
	return rc;
}

static int read_chunk(struct ms_store *s, struct ms_merkle *tree, uint64_t from,
		      uint64_t n, uint64_t *ret_bad)
{
	struct reading rd = {.tree = tree, .from = from};
	int r = ms_store_read_hashes(s, 0, from - 1, n, rd.want);

	if (r == 0)
		r = ms_store_foreach(s, from, n, read_record, &rd, NULL);
	if (r == 0 && rd.n != n) {
		rd.bad = from + rd.n;
		r = -EUCLEAN;
	}
	if (r == -EUCLEAN)
		*ret_bad = rd.bad ? rd.bad : from;
	return r;
}

int ms_watch_log_records(struct ms_store *s, uint64_t from, uint64_t n, uint64_t *ret_bad)
{
	return read_chunk(s, NULL, from, n, ret_bad);
}

static void watch_log(struct ms_watch *w, int64_t now)
{
	uint64_t left, bad = 0;
	char text[160];
	int r;

	if (!w->f->config->log_check_s)
		return;
	if (!w->pass.running && now >= w->log_due_s)
		start_pass(w, now);
	if (!w->pass.running)
		return;
	left = w->pass.target.size - w->pass.tree.size;
	r = left ? read_chunk(w->f->store, &w->pass.tree, w->pass.tree.size + 1,
			      MS_MIN(left, MS_WATCH_CHUNK), &bad)
		 : 0;
	if (r == -EUCLEAN) {
		snprintf(text, sizeof(text),
			 "entry %" PRIu64 " is missing, or not what it was when it was "
			 "recorded: see 'modseal log verify'",
			 bad);
		found(w, bad, text);
	} else if (r < 0) {
		w->pass.running =
			false; /* cannot be read now: the store's health tells */
	} else if (w->pass.tree.size == w->pass.target.size) {
		end_pass(w);
	}
}

/* ----------------------------------------------------------------------- all */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct ms_watch *w = arg;
	int64_t now = mono_s();

	forget_refusals(w, now);
	watch_keys(w, now);
	watch_tpm(w);
	watch_log(w, now);
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
	if (!w->timer || event_add(w->timer, &second) < 0) {
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
	free(w);
}
