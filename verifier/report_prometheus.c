/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For node_exporter's textfile collector (Prometheus text format 0.0.4). */
#include "lib/escape.h"
#include "verifier/report.h"

/* A label's value: backslash and quote are escaped once more than for a terminal. */
static void print_label(const char *text, FILE *out)
{
	char shown[1024];

	for (const char *p = ms_escape_str(text, shown, sizeof(shown)); *p; p++) {
		if (*p == '\\' || *p == '"')
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void head(const char *name, const char *help, FILE *out)
{
	fprintf(out, "# HELP modseal_verify_%s %s\n# TYPE modseal_verify_%s gauge\n",
		name, help, name);
}

static size_t count(const struct ms_results *r, enum ms_finding_code code)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->v[i].policy.n_findings; k++)
			n += r->v[i].policy.findings[k].code == code;
	return n;
}

static void print_kernel(const struct ms_results *r, FILE *out)
{
	static const enum ms_kernel_verdict verdicts[] = {
		MS_KERNEL_LOADS, MS_KERNEL_TAINTS, MS_KERNEL_REFUSED};

	head("kernel_modules", "Modules by what the kernel would do with them.", out);
	for (size_t k = 0; k < ARRAY_SIZE(verdicts); k++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n; i++)
			n += r->v[i].kernel.verdict == verdicts[k];
		fprintf(out, "modseal_verify_kernel_modules{verdict=\"%s\"} %zu\n",
			ms_kernel_verdict_name(verdicts[k]), n);
	}
}

/* What is not known has no sample. */
static void print_machine(const struct ms_machine *m, FILE *out)
{
	const struct {
		const char *name;
		enum ms_known k;
	} facts[] = {{"sig_enforce", m->state.sig_enforce},
		     {"lockdown", m->state.lockdown},
		     {"secure_boot", m->state.secure_boot}};

	head("machine", "How the kernel that runs treats modules: 1 is on.", out);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (facts[i].k != MS_NOT_KNOWN)
			fprintf(out, "modseal_verify_machine{setting=\"%s\"} %d\n",
				facts[i].name, facts[i].k == MS_YES);
}

int ms_report_prometheus(const struct ms_report *rep, FILE *out)
{
	const struct ms_results *r = rep->results;

	head("modules", "Modules by the policy's verdict.", out);
	fprintf(out, "modseal_verify_modules{verdict=\"trusted\"} %zu\n", r->trusted);
	fprintf(out, "modseal_verify_modules{verdict=\"findings\"} %zu\n", r->findings);
	fprintf(out, "modseal_verify_modules{verdict=\"unchecked\"} %zu\n", r->unchecked);
	print_kernel(r, out);
	if (rep->machine)
		print_machine(rep->machine, out);
	head("findings", "Findings by code.", out);
	for (int c = MS_FINDING_NONE + 1; c < MS_FINDING_COUNT; c++)
		fprintf(out, "modseal_verify_findings{code=\"%s\"} %zu\n",
			ms_finding_name((enum ms_finding_code)c),
			count(r, (enum ms_finding_code)c));
	head("anchor_expiry_timestamp_seconds", "When a trusted certificate expires.",
	     out);
	for (size_t i = 0; i < rep->anchors->n; i++) {
		const struct ms_anchor *a = &rep->anchors->v[i];
		char ski[129] = "";

		if (a->cert->ski && a->cert->ski_len <= 64)
			ms_hex(a->cert->ski, a->cert->ski_len, ski);
		fputs("modseal_verify_anchor_expiry_timestamp_seconds{subject=\"", out);
		print_label(a->cert->subject_cn, out);
		fprintf(out, "\",ski=\"%s\",number=\"%zu\"} %lld\n", ski, i,
			(long long)a->cert->not_after);
	}
	head("exit_status", "Exit status of the run.", out);
	fprintf(out, "modseal_verify_exit_status %d\n", ms_results_exit(r));
	head("last_run_timestamp_seconds", "When the run ended.", out);
	fprintf(out, "modseal_verify_last_run_timestamp_seconds %lld\n",
		(long long)time(NULL));
	return 0;
}
