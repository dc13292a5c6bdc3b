/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/escape.h"
#include "verifier/kernel_profile.h"
#include "verifier/report.h"

#define SHOWN_MAX (4u * 4096u)

struct paint {
	const char *bad, *unsure, *good, *off;
};

static const struct paint plain = {"", "", "", ""};
static const struct paint colours = {"\033[31m", "\033[33m", "\033[32m", "\033[0m"};

/* Two findings of one kind have one title. */
static bool title_seen(const struct ms_result *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (r->policy.findings[k].code == r->policy.findings[i].code)
			return true;
	return false;
}

static void print_titles(const struct ms_result *r, FILE *out)
{
	const char *sep = "";

	for (size_t i = 0; i < r->policy.n_findings; i++) {
		if (title_seen(r, i))
			continue;
		fprintf(out, "%s%s", sep, ms_finding_title(r->policy.findings[i].code));
		sep = ", ";
	}
}

static void print_kernel(const struct ms_result *r, FILE *out)
{
	const char *error = ms_errno_name(r->kernel.error);

	switch (r->kernel.verdict) {
	case MS_KERNEL_LOADS:
		fprintf(out, "loads");
		break;
	case MS_KERNEL_TAINTS:
		fprintf(out, "loads with taint E");
		break;
	case MS_KERNEL_REFUSED:
		fprintf(out, "refused, %s", error ? error : "error");
		break;
	case MS_KERNEL_UNCHECKED:
		fprintf(out, "not known");
		break;
	}
}

static void print_one(const struct ms_report *rep, const struct ms_result *r,
		      const struct paint *p, FILE *out)
{
	bool ok = r->policy.verdict == MS_POLICY_TRUSTED;
	bool unsure = r->policy.verdict == MS_POLICY_UNCHECKED;
	char shown[SHOWN_MAX];

	fprintf(out, "%s%s%s %s",
		ok	 ? p->good
		: unsure ? p->unsure
			 : p->bad,
		ok	 ? "ok"
		: unsure ? "? "
			 : "x ",
		p->off, ms_escape_str(r->path, shown, sizeof(shown)));
	if (ok && r->n_signers && r->signers[0].anchor)
		fprintf(out, "  %s %s  \"%s\"", r->signers[0].algorithm,
			ms_hash_name(r->signers[0].hash),
			ms_escape_str(r->signers[0].anchor->cert->subject_cn, shown,
				      sizeof(shown)));
	else if (!ok)
		fputs("  ", out);
	if (r->policy.n_findings && ok)
		fputs("  ", out);
	print_titles(r, out);
	fputc('\n', out);
	for (size_t i = 0; i < r->policy.n_findings; i++)
		fprintf(out, "     why:    %s\n", r->policy.findings[i].detail);
	if (!ok && r->kernel.profile) {
		fprintf(out, "     kernel: %s, %s: ", r->kernel.profile->name,
			ms_enforce_name(r->kernel.enforce));
		print_kernel(r, out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < r->policy.n_findings; i++)
		if (!ms_result_remedy_seen(r, i))
			fprintf(out, "     do:     %s\n", ms_result_remedy(r, i));
}

static void print_verdict(const struct ms_report *rep, enum ms_policy_verdict v,
			  const struct paint *p, FILE *out)
{
	for (size_t i = 0; i < rep->results->n; i++)
		if (rep->results->v[i].policy.verdict == v)
			print_one(rep, &rep->results->v[i], p, out);
}

int ms_report_text(const struct ms_report *rep, FILE *out)
{
	const struct ms_results *r = rep->results;
	const struct paint *p = rep->color ? &colours : &plain;
	int status = ms_results_exit(r);

	print_verdict(rep, MS_POLICY_FINDINGS, p, out);
	print_verdict(rep, MS_POLICY_UNCHECKED, p, out);
	if (rep->all && !rep->failed_only)
		print_verdict(rep, MS_POLICY_TRUSTED, p, out);
	fprintf(out,
		"%s%s%s  %zu module%s: %zu trusted, %zu with findings, %zu not checked  "
		"(%zu anchor%s)\n",
		status == 0   ? p->good
		: status == 1 ? p->bad
			      : p->unsure,
		status == 0   ? "GOOD"
		: status == 1 ? "BAD"
			      : "INCOMPLETE",
		p->off, r->n, r->n == 1 ? "" : "s", r->trusted, r->findings, r->unchecked,
		rep->anchors->n, rep->anchors->n == 1 ? "" : "s");
	return 0;
}
