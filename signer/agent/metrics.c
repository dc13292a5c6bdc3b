/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "signer/agent/log_head.h"
#include "signer/agent/stats.h"
#include "signer/agent/turns.h"
#include "signer/agent/watch.h"

/* Words for refusals are the agent's own; what is more than that many is "other". */
#define CODES_MAX 96u
#define STATUS_MAX 600u

/* What became of a request for a signature. */
enum result { SIGNED, REFUSED, FAILED, RESULTS };

static const char *const result_names[RESULTS] = {"signed", "refused", "failed"};

struct key_counts {
	char *name;
	uint64_t n[RESULTS];
};

struct code_count {
	char code[sizeof(((struct ms_error *)NULL)->code)];
	uint64_t n;
};

struct ms_metrics {
	struct key_counts *keys;
	size_t n_keys;
	struct code_count codes[CODES_MAX];
	size_t n_codes;
	uint64_t other_codes, status[STATUS_MAX];
	struct ms_histogram sign;
};

int ms_metrics_new(struct ms_metrics **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void ms_metrics_free(struct ms_metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_keys; i++)
		free(m->keys[i].name);
	free(m->keys);
	free(m);
}

/* ------------------------------------------------------------------ counting */

bool ms_rc_is_refusal(int rc)
{
	switch (-rc) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case EEXIST:
	case EFBIG:
	case EINVAL:
	case EBADMSG:
	case ENOEXEC:
	case ENODATA:
	case ENOPKG:
		return true;
	default:
		return false;
	}
}

static struct key_counts *counts_of(struct ms_metrics *m, const char *key)
{
	struct key_counts *k;

	for (size_t i = 0; i < m->n_keys; i++)
		if (strcmp(m->keys[i].name, key) == 0)
			return &m->keys[i];
	k = reallocarray(m->keys, m->n_keys + 1, sizeof(*k));
	if (!k)
		return NULL;
	m->keys = k;
	k += m->n_keys;
	*k = (struct key_counts){.name = strdup(key)};
	if (!k->name)
		return NULL;
	m->n_keys++;
	return k;
}

void ms_metrics_refusal(struct ms_metrics *m, const char *code)
{
	struct code_count *c;

	for (size_t i = 0; i < m->n_codes; i++)
		if (strcmp(m->codes[i].code, code) == 0) {
			m->codes[i].n++;
			return;
		}
	if (m->n_codes == CODES_MAX) {
		m->other_codes++;
		return;
	}
	c = &m->codes[m->n_codes++];
	snprintf(c->code, sizeof(c->code), "%s", code);
	c->n = 1;
}

void ms_metrics_signing(struct ms_metrics *m, const char *key, int rc, const char *code,
			uint64_t us)
{
	struct key_counts *k = counts_of(m, key);
	enum result res = rc == 0 ? SIGNED : ms_rc_is_refusal(rc) ? REFUSED : FAILED;

	if (k)
		k->n[res]++;
	if (res == REFUSED)
		ms_metrics_refusal(m, code && code[0] ? code : "internal");
	ms_stats_took(&m->sign, us);
}

void ms_metrics_answer(struct ms_metrics *m, int status)
{
	if (status > 0 && (unsigned int)status < STATUS_MAX)
		m->status[status]++;
}

/* ------------------------------------------------------------------ printing */

/** struct out - where one metric's samples go; @name is the metric's */
struct out {
	struct ms_front *f;
	struct ms_buf *b;
	const char *name;
};

static void sample(struct out *o, uint64_t v)
{
	ms_buf_printf(o->b, "%s %" PRIu64 "\n", o->name, v);
}

/* Names of keys, codes and the like have no character that would need an escape. */
static void labelled(struct out *o, const char *label, const char *value, uint64_t v)
{
	ms_buf_printf(o->b, "%s{%s=\"%s\"} %" PRIu64 "\n", o->name, label, value, v);
}

static void histogram(struct out *o, const struct ms_histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < MS_STATS_BUCKETS; i++) {
		n += h->bucket[i];
		ms_buf_printf(o->b, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", o->name,
			      (double)ms_stats_bounds[i] / 1e6, n);
	}
	n += h->bucket[MS_STATS_BUCKETS];
	ms_buf_printf(o->b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", o->name, n);
	ms_buf_printf(o->b, "%s_sum %.6f\n%s_count %" PRIu64 "\n", o->name,
		      (double)h->sum_us / 1e6, o->name, n);
}

static void build_info(struct out *o)
{
	labelled(o, "version", MS_VERSION, 1);
}

static void start_time(struct out *o)
{
	sample(o, (uint64_t)(time(NULL) - (ms_front_clock() - o->f->started)));
}

static void sign_requests(struct out *o)
{
	struct ms_metrics *m = o->f->metrics;
	const struct ms_front_key *k;

	/* A key that has not been asked for yet is there with zeros. */
	for (size_t i = 0; (k = ms_key_link_at(o->f->keys, i)); i++)
		(void)!counts_of(m, k->info.name);
	for (size_t i = 0; i < m->n_keys; i++)
		for (unsigned int r = 0; r < RESULTS; r++)
			ms_buf_printf(o->b, "%s{key=\"%s\",result=\"%s\"} %" PRIu64 "\n",
				      o->name, m->keys[i].name, result_names[r],
				      m->keys[i].n[r]);
}

static void refusals(struct out *o)
{
	const struct ms_metrics *m = o->f->metrics;

	for (size_t i = 0; i < m->n_codes; i++)
		labelled(o, "code", m->codes[i].code, m->codes[i].n);
	labelled(o, "code", "other", m->other_codes);
}

static void sign_duration(struct out *o)
{
	histogram(o, &o->f->metrics->sign);
}

static void answers(struct out *o)
{
	char text[12];

	for (unsigned int i = 0; i < STATUS_MAX; i++) {
		if (!o->f->metrics->status[i])
			continue;
		snprintf(text, sizeof(text), "%u", i);
		labelled(o, "status", text, o->f->metrics->status[i]);
	}
}

static void in_flight(struct out *o)
{
	sample(o, o->f->open);
}

static void queues(struct out *o)
{
	labelled(o, "queue", "sign",
		 ms_stats()->queue_sign + ms_turns_waiting(o->f->turns));
	labelled(o, "queue", "tpm", ms_stats()->queue_tpm);
	labelled(o, "queue", "answers", ms_key_link_waiting(o->f->keys));
}

static void tpm_errors(struct out *o)
{
	for (unsigned int i = 0; i < MS_TPM_FAILURES; i++)
		labelled(o, "error", ms_stats_failure_name(i),
			 ms_stats()->tpm_failures[i]);
}

static void tpm_duration(struct out *o)
{
	histogram(o, &ms_stats()->tpm);
}

static void tpm_answered(struct out *o)
{
	sample(o, (uint64_t)ms_stats()->tpm_ok_s);
}

static void key_unsealed(struct out *o)
{
	const struct ms_front_key *k;

	for (size_t i = 0; (k = ms_key_link_at(o->f->keys, i)); i++)
		labelled(o, "key", k->info.name, k->info.state == MS_KEY_ACTIVE);
}

static void key_states(struct out *o)
{
	const struct ms_front_key *k;

	for (size_t i = 0; (k = ms_key_link_at(o->f->keys, i)); i++)
		ms_buf_printf(o->b, "%s{key=\"%s\",state=\"%s\",custody=\"%s\"} 1\n",
			      o->name, k->info.name, ms_key_state_name(k->info.state),
			      ms_custody_name(k->info.custody));
}

static void key_signatures(struct out *o)
{
	const struct ms_front_key *k;
	uint64_t count;
	int64_t last;

	for (size_t i = 0; (k = ms_key_link_at(o->f->keys, i)); i++) {
		ms_audit_key_use(o->f->audit, k->info.name, &count, &last);
		labelled(o, "key", k->info.name, count);
	}
}

static void cert_expiry(struct out *o)
{
	const struct ms_front_key *k;

	for (size_t i = 0; (k = ms_key_link_at(o->f->keys, i)); i++)
		if (k->cert)
			ms_buf_printf(o->b, "%s{key=\"%s\"} %" PRId64 "\n", o->name,
				      k->info.name, (int64_t)k->cert->not_after);
}

static uint64_t count_builds(const struct ms_front *f, enum ms_build_state s)
{
	const struct ms_build *b;
	uint64_t n = 0;

	for (size_t i = 0; (b = ms_builds_at(f->builds, i)); i++)
		n += b->life.state == s;
	return n;
}

static void approvals(struct out *o)
{
	sample(o, count_builds(o->f, MS_BUILD_PENDING));
}

static void builds(struct out *o)
{
	for (unsigned int s = MS_BUILD_PENDING; s <= MS_BUILD_REJECTED; s++)
		labelled(o, "state", ms_build_state_name(s), count_builds(o->f, s));
}

static void append_errors(struct out *o)
{
	sample(o, ms_stats()->commit_failures);
}

static void commits(struct out *o)
{
	sample(o, ms_stats()->commits);
}

static void records(struct out *o)
{
	sample(o, ms_stats()->records);
}

static void commit_duration(struct out *o)
{
	histogram(o, &ms_stats()->commit);
}

static void store_ok(struct out *o)
{
	sample(o, ms_audit_health(o->f->audit, NULL) == 0);
}

static void log_entries(struct out *o)
{
	sample(o, ms_audit_entries(o->f->audit));
}

static void checkpoint_size(struct out *o)
{
	struct ms_checkpoint c = {.size = 0};
	size_t len;

	(void)ms_log_head_note(o->f->head, &len, &c);
	sample(o, c.size);
}

static void checkpoint_time(struct out *o)
{
	sample(o, (uint64_t)ms_log_head_made(o->f->head));
}

static void log_ok(struct out *o)
{
	sample(o, ms_watch_log_alarms(o->f->watch) == 0);
}

static void log_checked(struct out *o)
{
	sample(o, (uint64_t)ms_watch_log_checked(o->f->watch));
}

static void verify_failures(struct out *o)
{
	labelled(o, "reason", "signature", ms_stats()->bad_signatures);
	labelled(o, "reason", "log", ms_watch_log_alarms(o->f->watch));
}

static void process_starts(struct out *o)
{
	for (unsigned int p = MS_PROCESS_FRONT; p < MS_PROCESSES; p++)
		labelled(o, "process", ms_stats_process_name(p),
			 ms_stats()->process[p].starts);
}

static void seccomp(struct out *o)
{
	for (unsigned int p = 0; p < MS_PROCESSES; p++)
		labelled(o, "process", ms_stats_process_name(p),
			 ms_stats()->process[p].seccomp != 0);
}

static void landlock(struct out *o)
{
	for (unsigned int p = MS_PROCESS_FRONT; p < MS_PROCESSES; p++)
		labelled(o, "process", ms_stats_process_name(p),
			 (uint64_t)ms_stats()->process[p].landlock);
}

static void alerts(struct out *o)
{
	for (unsigned int k = 0; k < MS_ALERT_KINDS; k++)
		for (unsigned int f = 0; f < MS_ALERT_FATES; f++)
			ms_buf_printf(o->b, "%s{kind=\"%s\",result=\"%s\"} %" PRIu64 "\n",
				      o->name, ms_alert_name(k), ms_alert_fate_name(f),
				      ms_stats()->alerts[k][f]);
}

/* clang-format off */
static const struct {
	const char *name, *type, *help;
	void (*print)(struct out *o);
} metrics[] = {
	{"modseal_build_info", "gauge", "The version, as a label; always 1.", build_info},
	{"modseal_start_time_seconds", "gauge", "When the front started, since 1970.",
	 start_time},
	{"modseal_sign_requests_total", "counter",
	 "Requests for a signature by key (empty: no such key) and what became of them.",
	 sign_requests},
	{"modseal_refusals_total", "counter", "Refusals by the code of the answer.",
	 refusals},
	{"modseal_sign_duration_seconds", "histogram",
	 "From the module or digest being there to its record being durable.",
	 sign_duration},
	{"modseal_http_answers_total", "counter", "Answers by HTTP status.", answers},
	{"modseal_requests_in_flight", "gauge", "Requests that are not answered yet.",
	 in_flight},
	{"modseal_queue_depth", "gauge",
	 "What waits: for a signing thread, for the TPM, for the key process's answer.",
	 queues},
	{"modseal_tpm_errors_total", "counter", "TPM operations that failed, by how.",
	 tpm_errors},
	{"modseal_tpm_duration_seconds", "histogram", "TPM operations.", tpm_duration},
	{"modseal_tpm_answered_timestamp_seconds", "gauge",
	 "When the TPM last answered, since 1970; 0: never.", tpm_answered},
	{"modseal_key_unsealed", "gauge", "1: the key can sign.", key_unsealed},
	{"modseal_key_info", "gauge", "State and custody as labels; always 1.",
	 key_states},
	{"modseal_key_signatures_total", "counter",
	 "Signatures on record, over all starts of the agent.", key_signatures},
	{"modseal_cert_expiry_timestamp_seconds", "gauge",
	 "When the key's certificate ends, since 1970.", cert_expiry},
	{"modseal_approvals_pending", "gauge", "Builds that wait for approvals.",
	 approvals},
	{"modseal_builds", "gauge", "Builds by their state.", builds},
	{"modseal_audit_append_errors_total", "counter",
	 "Transactions of the audit log that failed.", append_errors},
	{"modseal_audit_commits_total", "counter",
	 "Transactions of the audit log: each holds the records that had piled up.",
	 commits},
	{"modseal_audit_records_total", "counter", "Records in these transactions.",
	 records},
	{"modseal_audit_commit_duration_seconds", "histogram",
	 "Until a transaction was on the disk.", commit_duration},
	{"modseal_store_ok", "gauge", "1: the last transaction worked.", store_ok},
	{"modseal_log_entries", "gauge", "Entries of the audit log.", log_entries},
	{"modseal_log_checkpoint_entries", "gauge",
	 "Entries that the newest signed checkpoint covers.", checkpoint_size},
	{"modseal_log_checkpoint_timestamp_seconds", "gauge",
	 "When it was made, since 1970; 0: none since the start.", checkpoint_time},
	{"modseal_log_ok", "gauge", "1: no check of the log has found anything.", log_ok},
	{"modseal_log_checked_timestamp_seconds", "gauge",
	 "When all of the log was last checked, since 1970; 0: not since the start.",
	 log_checked},
	{"modseal_verify_failures_total", "counter",
	 "What did not verify: an own signature before its release, the own log.",
	 verify_failures},
	{"modseal_process_starts_total", "counter",
	 "Starts of a process; more than 1: it died.", process_starts},
	{"modseal_sandbox_seccomp", "gauge", "1: the process's filter is in force.",
	 seccomp},
	{"modseal_sandbox_landlock_abi", "gauge",
	 "Version of Landlock in force; 0: the kernel has none.", landlock},
	{"modseal_alerts_total", "counter", "Alerts by kind and what became of them.",
	 alerts},
};
/* clang-format on */

int ms_metrics_text(struct ms_front *f, struct ms_buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		struct out o = {.f = f, .b = out, .name = metrics[i].name};

		ms_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", o.name,
			      metrics[i].help, o.name, metrics[i].type);
		metrics[i].print(&o);
	}
	return ms_buf_error(out);
}
