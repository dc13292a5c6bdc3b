/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal-verify file */
#include <errno.h>

#include "lib/escape.h"
#include "verifier/file_check.h"
#include "verifier/report_json.h"
#include "verifier/session.h"

/**
 * struct file - one of the command line
 * @verdict: the worst of its signatures'
 */
struct file {
	const char *path;
	struct ms_file_results sigs;
	enum ms_policy_verdict verdict;
};

static void settle(const struct ms_options *o, struct file *f, struct ms_results *sum)
{
	f->verdict = MS_POLICY_TRUSTED;
	for (size_t i = 0; i < f->sigs.n; i++) {
		struct ms_result *r = &f->sigs.v[i].r;

		ms_severities_apply(&o->severities, &(struct ms_results){.v = r, .n = 1});
		if (r->policy.verdict == MS_POLICY_UNCHECKED)
			f->verdict = MS_POLICY_UNCHECKED;
		else if (r->policy.verdict == MS_POLICY_FINDINGS &&
			 f->verdict == MS_POLICY_TRUSTED)
			f->verdict = MS_POLICY_FINDINGS;
	}
	sum->n++;
	sum->trusted += f->verdict == MS_POLICY_TRUSTED;
	sum->findings += f->verdict == MS_POLICY_FINDINGS;
	sum->unchecked += f->verdict == MS_POLICY_UNCHECKED;
}

/* ------------------------------------------------------------------------ for people */

static void print_signature(const struct ms_file_result *s)
{
	const struct ms_result *r = &s->r;
	bool ok = r->policy.verdict == MS_POLICY_TRUSTED;
	const char *name = ms_file_sig_name(s->sig);
	char shown[4 * MS_PATH_MAX];

	printf("%s %s",
	       ok					 ? "ok"
	       : r->policy.verdict == MS_POLICY_FINDINGS ? "x "
							 : "? ",
	       ms_escape_str(r->path, shown, sizeof(shown)));
	if (name)
		printf("  %s", name);
	if (ok && r->n_signers && r->signers[0].anchor)
		printf("  %s %s  \"%s\"", r->signers[0].algorithm,
		       ms_hash_name(r->signers[0].hash),
		       ms_escape_str(r->signers[0].anchor->cert->subject_cn, shown,
				     sizeof(shown)));
	for (size_t i = 0; i < r->policy.n_findings; i++)
		printf("%s%s", i ? ", " : "  ",
		       ms_finding_title(r->policy.findings[i].code));
	printf("\n");
	if (s->source && !ok)
		printf("     in:     %s\n",
		       ms_escape_str(s->source, shown, sizeof(shown)));
	for (size_t i = 0; i < r->policy.n_findings; i++)
		printf("     why:    %s\n", r->policy.findings[i].detail);
}

static void print_files(const struct ms_options *o, const struct file *f,
			const struct ms_results *sum)
{
	static const char *const words[] = {"GOOD", "BAD", "", "INCOMPLETE"};

	for (size_t i = 0; i < sum->n; i++) {
		if (o->failed_only && f[i].verdict == MS_POLICY_TRUSTED)
			continue;
		for (size_t k = 0; k < f[i].sigs.n; k++)
			print_signature(&f[i].sigs.v[k]);
	}
	printf("%s  %zu file%s: %zu trusted, %zu with findings, %zu not checked  "
	       "(%zu anchor%s)\n",
	       words[ms_results_exit(sum)], sum->n, sum->n == 1 ? "" : "s", sum->trusted,
	       sum->findings, sum->unchecked, o->anchors.n, o->anchors.n == 1 ? "" : "s");
}

/* ---------------------------------------------------------------------- for programs */

static json_t *json_signature(const struct ms_file_result *s)
{
	const char *name = ms_file_sig_name(s->sig);

	return json_pack("{s:s?, s:o, s:s?, s:o, s:s, s:o}", "format", name, "source",
			 ms_json_text(s->source), "digest", s->r.digest, "signers",
			 ms_json_signers(&s->r), "verdict",
			 ms_policy_verdict_name(s->r.policy.verdict), "findings",
			 ms_json_findings(&s->r));
}

static json_t *json_file(const struct file *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->sigs.n && list; i++)
		json_array_append_new(list, json_signature(&f->sigs.v[i]));
	if (json_array_size(list) != f->sigs.n) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o, s:s, s:o}", "path", ms_json_text(f->path), "verdict",
			 ms_policy_verdict_name(f->verdict), "signatures", list);
}

static int print_json(const struct ms_options *o, const struct file *f,
		      const struct ms_results *sum)
{
	json_t *list = json_array(), *j;
	int rc;

	for (size_t i = 0; i < sum->n; i++)
		if (!o->failed_only || f[i].verdict != MS_POLICY_TRUSTED)
			json_array_append_new(list, json_file(&f[i]));
	j = json_pack("{s:i, s:o, s:{s:I, s:I, s:I, s:I, s:i}}", "version", 1, "files",
		      list, "summary", "files", (json_int_t)sum->n, "trusted",
		      (json_int_t)sum->trusted, "findings", (json_int_t)sum->findings,
		      "unchecked", (json_int_t)sum->unchecked, "exit",
		      ms_results_exit(sum));
	rc = !j ? -ENOMEM : json_dumpf(j, stdout, JSON_INDENT(1)) ? -EIO : 0;
	json_decref(j);
	putchar('\n');
	return rc;
}

/* ----------------------------------------------------------------------- the verb */

static int run(const struct ms_options *o, struct file *f, struct ms_results *sum)
{
	struct ms_caches caches;
	int rc = 0;

	ms_caches_init(&caches);
	for (int i = 0; i < o->n_args && !rc; i++) {
		f[i].path = o->args[i];
		rc = ms_file_check(&o->q, &caches, o->args[i], o->signature, &f[i].sigs);
		if (!rc)
			settle(o, &f[i], sum);
	}
	if (!rc && o->format == MS_FORMAT_JSON && !o->quiet)
		rc = print_json(o, f, sum);
	else if (!rc && !o->quiet)
		print_files(o, f, sum);
	ms_caches_clear(&caches);
	return rc ? ms_session_failed(rc) : ms_session_expired(o, ms_results_exit(sum));
}

int ms_verb_file(struct ms_options *o)
{
	struct ms_results sum = {0};
	struct file *f;
	int status;

	if (!o->n_args) {
		ms_complain("nothing to verify: name a file");
		return MS_EXIT_USAGE;
	}
	if (o->signature && o->n_args > 1) {
		ms_complain("--signature is for one file");
		return MS_EXIT_USAGE;
	}
	if (o->format != MS_FORMAT_TABLE && o->format != MS_FORMAT_JSON) {
		ms_complain("file: --format is table or json");
		return MS_EXIT_USAGE;
	}
	status = ms_options_trust(o);
	if (status >= 0)
		return status;
	f = calloc((size_t)o->n_args, sizeof(*f));
	status = f ? run(o, f, &sum) : ms_session_failed(-ENOMEM);
	for (int i = 0; f && i < o->n_args; i++)
		ms_file_results_clear(&f[i].sigs);
	free(f);
	return status;
}
