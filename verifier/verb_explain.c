/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "verifier/kernel_verdict.h"
#include "verifier/session.h"

static void line(const char *label, const char *value)
{
	char shown[4096];

	printf("  %-10s %s\n", label,
	       value ? ms_escape_str(value, shown, sizeof(shown)) : "not there");
}

static void explain_signer(const struct ms_signer_result *s)
{
	static const char *const states[] = {
		[MS_SIGNER_UNCHECKED] = "not checked",
		[MS_SIGNER_TRUSTED] = "good",
		[MS_SIGNER_UNKNOWN] = "leads to no anchor",
		[MS_SIGNER_BAD] = "BAD",
	};

	printf("  signature  %s, %s with %s\n", states[s->state], s->algorithm,
	       s->hash == MS_HASH_NONE ? "an unknown digest" : ms_hash_name(s->hash));
	if (s->id->issuer)
		line("  issuer", s->id->issuer);
	if (s->id->serial)
		line("  serial", s->id->serial);
	if (s->ski)
		line("  key id", s->ski);
	if (s->anchor) {
		line("  anchor", s->anchor->cert->subject_cn);
		line("  from", s->anchor->source);
	}
}

/* What each kernel does, by enforcement. */
static void explain_kernels(const struct ms_evidence *ev)
{
	const struct ms_kernel_profile *p;

	printf("  kernels    %-8s %-24s %-24s %s\n", "", "enforce", "lockdown",
	       "permissive");
	for (size_t i = 0; (p = ms_kernel_profile_at(i)); i++) {
		static const enum ms_enforce modes[] = {MS_ENFORCE, MS_LOCKDOWN,
							MS_PERMISSIVE};

		printf("             %-8s", p->name);
		for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
			int error;
			enum ms_kernel_verdict v =
				ms_kernel_judge(ev, p, modes[k], &error);
			char cell[64];

			snprintf(cell, sizeof(cell), "%s%s%s", ms_kernel_verdict_name(v),
				 error ? " " : "", error ? ms_errno_name(error) : "");
			printf(k < 2 ? " %-24s" : " %s", cell);
		}
		putchar('\n');
	}
}

static void explain(const struct ms_result *r, const struct ms_evidence *ev,
		    bool gathered)
{
	char shown[4096];

	printf("%s\n", ms_escape_str(r->path, shown, sizeof(shown)));
	line("name", r->name);
	line("vermagic", r->vermagic);
	line("build-id", r->build_id);
	line("digest", r->digest);
	for (size_t i = 0; i < r->n_signers; i++)
		explain_signer(&r->signers[i]);
	if (gathered)
		explain_kernels(ev);
	printf("  policy     %s\n", ms_policy_verdict_name(r->policy.verdict));
	for (size_t i = 0; i < r->policy.n_findings; i++) {
		const struct ms_finding *f = &r->policy.findings[i];

		printf("    %s: %s\n", ms_finding_title(f->code), f->detail);
		if (!ms_result_remedy_seen(r, i))
			printf("      do: %s\n", ms_result_remedy(r, i));
	}
}

static int explain_one(const struct ms_options *o, struct ms_checker *c, const char *path,
		       struct ms_results *sum)
{
	_cleanup_result_ struct ms_result r = {0};
	int rc;

	memset(&c->ev, 0, sizeof(c->ev));
	rc = ms_check_file(c, AT_FDCWD, path, path, &r);
	if (rc)
		return rc;
	ms_severities_apply(&o->severities, &(struct ms_results){.v = &r, .n = 1});
	explain(&r, &c->ev, c->ev.payload_len || c->ev.trailer_rc);
	sum->n++;
	sum->trusted += r.policy.verdict == MS_POLICY_TRUSTED;
	sum->findings += r.policy.verdict == MS_POLICY_FINDINGS;
	sum->unchecked += r.policy.verdict == MS_POLICY_UNCHECKED;
	return 0;
}

static bool is_folder(const char *path)
{
	char shown[4096];
	struct stat st;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return false;
	ms_complain("%s: is a folder: name a module, or check all of it with "
		    "`modseal-verify verify`",
		    ms_escape_str(path, shown, sizeof(shown)));
	return true;
}

int ms_verb_explain(struct ms_options *o)
{
	struct ms_results sum = {0};
	struct ms_caches caches;
	struct ms_checker c = {.q = &o->q, .caches = &caches};
	int status, rc = 0;

	if (!o->n_args) {
		ms_complain("nothing to explain: name a module");
		return MS_EXIT_USAGE;
	}
	status = ms_options_trust(o);
	if (status >= 0)
		return status;
	if (o->format != MS_FORMAT_TABLE)
		return ms_verb_verify(o);
	for (int i = 0; i < o->n_args; i++)
		if (is_folder(o->args[i]))
			return MS_EXIT_USAGE;
	ms_caches_init(&caches);
	for (int i = 0; i < o->n_args && !rc; i++)
		rc = explain_one(o, &c, o->args[i], &sum);
	if (!rc && (fflush(stdout) || ferror(stdout)))
		rc = -EIO;
	ms_checker_clear(&c);
	ms_caches_clear(&caches);
	return rc ? ms_session_failed(rc) : ms_results_exit(&sum);
}
