/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shape is published in docs/schema/modseal-verify.schema.json. */
#include <errno.h>
#include <jansson.h>
#include "lib/escape.h"
#include "verifier/identity.h"
#include "verifier/kernel_profile.h"
#include "verifier/report.h"
#include "verifier/report_json.h"

/* Text from outside, escaped, so that what a program prints of it is safe as well. */
json_t *ms_json_text(const char *s)
{
	_cleanup_free_ char *buf = NULL;
	size_t size;

	if (!s)
		return json_null();
	size = 4 * strlen(s) + 4;
	buf = malloc(size);
	return buf ? json_string(ms_escape_str(s, buf, size)) : NULL;
}

/* Text of our own. */
static json_t *word(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *hex(const uint8_t *p, size_t len)
{
	char buf[2 * 64 + 1];

	if (!p || len > 64)
		return json_null();
	return json_string(ms_hex(p, len, buf));
}

static json_t *json_anchor(const struct ms_anchor *a)
{
	if (!a)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "subject",
			 ms_json_text(a->cert->subject_cn), "ski",
			 hex(a->cert->ski, a->cert->ski_len), "source",
			 ms_json_text(a->source), "origin",
			 word(ms_anchor_origin_name(a->origin)));
}

static json_t *json_signer(const struct ms_signer_result *s)
{
	static const char *const states[] = {"unchecked", "trusted", "unknown", "bad"};

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "issuer",
			 ms_json_text(s->id->issuer), "serial", word(s->id->serial),
			 "ski", word(s->ski), "algorithm", word(s->algorithm), "hash",
			 word(s->hash == MS_HASH_NONE ? NULL : ms_hash_name(s->hash)),
			 "state", word(states[s->state]), "anchor",
			 json_anchor(s->anchor));
}

static json_t *json_kernel(const struct ms_result *r)
{
	const struct ms_kernel_profile *p = r->kernel.profile;

	return json_pack("{s:o, s:o, s:o, s:o}", "profile", word(p ? p->name : NULL),
			 "enforce", word(ms_enforce_name(r->kernel.enforce)), "verdict",
			 word(ms_kernel_verdict_name(r->kernel.verdict)), "errno",
			 word(ms_errno_name(r->kernel.error)));
}

static json_t *json_finding(const struct ms_result *r, size_t i)
{
	const struct ms_finding *f = &r->policy.findings[i];

	return json_pack("{s:o, s:o, s:o, s:o}", "code", word(ms_finding_name(f->code)),
			 "severity", word(ms_severity_name(f->severity)), "detail",
			 word(f->detail), "remedy", word(ms_result_remedy(r, i)));
}

json_t *ms_json_signers(const struct ms_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_signers && list; i++)
		json_array_append_new(list, json_signer(&r->signers[i]));
	if (json_array_size(list) == r->n_signers)
		return list;
	json_decref(list);
	return NULL;
}

json_t *ms_json_findings(const struct ms_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->policy.n_findings && list; i++)
		json_array_append_new(list, json_finding(r, i));
	if (json_array_size(list) == r->policy.n_findings)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *json_module(const struct ms_result *r)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}}", "path",
			 ms_json_text(r->path), "name", ms_json_text(r->name), "build_id",
			 word(r->build_id), "vermagic", ms_json_text(r->vermagic),
			 "digest", word(r->digest), "signers", ms_json_signers(r),
			 "kernel", json_kernel(r), "policy", "verdict",
			 word(ms_policy_verdict_name(r->policy.verdict)), "findings",
			 ms_json_findings(r));
}

static int dump(json_t *j, size_t flags, FILE *out)
{
	int rc;

	if (!j)
		return -ENOMEM;
	rc = json_dumpf(j, out, flags) ? -EIO : 0;
	json_decref(j);
	return rc;
}

static bool listed(const struct ms_report *rep, const struct ms_result *r)
{
	return !rep->failed_only || r->policy.verdict != MS_POLICY_TRUSTED;
}

int ms_report_jsonl(const struct ms_report *rep, FILE *out)
{
	int rc = 0;

	for (size_t i = 0; i < rep->results->n && !rc; i++) {
		if (!listed(rep, &rep->results->v[i]))
			continue;
		rc = dump(json_module(&rep->results->v[i]), JSON_COMPACT, out);
		fputc('\n', out);
	}
	return rc;
}

int ms_report_event(const char *event, time_t when, const struct ms_result *r, FILE *out)
{
	json_t *j = json_module(r), *first;
	char date[32] = "";
	struct tm tm;
	int rc;

	if (gmtime_r(&when, &tm))
		(void)!strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	first = json_pack("{s:s, s:s}", "event", event, "time", date);
	if (!j || !first || json_object_update(first, j))
		rc = -ENOMEM;
	else
		rc = json_dumpf(first, out, JSON_COMPACT) ? -EIO : 0;
	json_decref(j);
	json_decref(first);
	if (!rc && (fputc('\n', out) == EOF || fflush(out)))
		rc = -EIO;
	return rc;
}

static json_t *json_machine(const struct ms_machine *m)
{
	if (!m)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "release", ms_json_text(m->release),
			 "sig_enforce", word(ms_known_name(m->state.sig_enforce)),
			 "lockdown", word(ms_known_name(m->state.lockdown)),
			 "secure_boot", word(ms_known_name(m->state.secure_boot)));
}

/* Written module by module, so that the whole document is never in memory. */
int ms_report_json(const struct ms_report *rep, FILE *out)
{
	const struct ms_results *r = rep->results;
	const char *sep = "\n";
	int rc = 0;

	fputs("{\"version\":1,\"machine\":", out);
	rc = dump(json_machine(rep->machine), JSON_COMPACT | JSON_ENCODE_ANY, out);
	fputs(",\"anchors\":[", out);
	for (size_t i = 0; i < rep->anchors->n && !rc; i++) {
		fputs(i ? ",\n" : "\n", out);
		rc = dump(json_anchor(&rep->anchors->v[i]), JSON_COMPACT, out);
	}
	fputs("],\n\"modules\":[", out);
	for (size_t i = 0; i < r->n && !rc; i++) {
		if (!listed(rep, &r->v[i]))
			continue;
		fputs(sep, out);
		sep = ",\n";
		rc = dump(json_module(&r->v[i]), JSON_COMPACT, out);
	}
	fprintf(out,
		"],\n\"summary\":{\"modules\":%zu,\"trusted\":%zu,\"findings\":%zu,"
		"\"unchecked\":%zu,\"exit\":%d}}\n",
		r->n, r->trusted, r->findings, r->unchecked, ms_results_exit(r));
	return rc;
}
