/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file that needs nothing else, for reading and for handing on. */
#include "lib/escape.h"
#include "verifier/kernel_profile.h"
#include "verifier/report.h"

static const char top[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	"<title>modseal-verify</title>\n<style>\n"
	"body{font:16px/1.4 sans-serif;margin:1em auto;max-width:70em;padding:0 .7em;"
	"color:#222;background:#fff}\n"
	"h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.6em}\n"
	".m{border-top:1px solid #ddd;padding:.5em 0;overflow-wrap:anywhere}\n"
	".m b{font-weight:600}.k,.d{color:#555;font-size:.9em}.d{display:block}\n"
	".findings>b{color:#b00020}.unchecked>b{color:#9a5b00}.trusted>b{color:#1b6e2c}\n"
	"code{font-size:.9em;overflow-wrap:anywhere}\n"
	"input{font:inherit;width:100%;box-sizing:border-box;padding:.4em;margin:.6em "
	"0}\n"
	"@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}"
	".k,.d{color:#aaa}.m{border-color:#444}.findings>b{color:#ff7b8a}"
	".unchecked>b{color:#ffbe5c}.trusted>b{color:#7bd88f}}\n"
	"</style></head><body>\n<h1>modseal-verify</h1>\n";

static const char bottom[] =
	"<script>\n"
	"document.getElementById('q').addEventListener('input',function(e){"
	"var q=e.target.value.toLowerCase();"
	"document.querySelectorAll('#modules .m').forEach(function(m){"
	"m.hidden=q&&m.textContent.toLowerCase().indexOf(q)<0})})\n"
	"</script>\n</body></html>\n";

/* Escaped for a terminal first, and then for HTML. */
static void put(const char *text, FILE *out)
{
	char shown[4 * 4096];

	if (!text)
		return;
	for (const char *p = ms_escape_str(text, shown, sizeof(shown)); *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*p, out);
			break;
		}
	}
}

/* Text that has been escaped for a terminal already must not be so twice. */
static void put_detail(const char *text, FILE *out)
{
	for (const char *p = text; *p; p++) {
		const char one[] = {*p, 0};

		if (*p == '\\')
			fputc(*p, out);
		else if ((unsigned char)*p >= 0x80)
			fputc(*p, out);
		else
			put(one, out);
	}
}

static void put_anchors(const struct ms_anchor *v, size_t n, const char *state, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "<div class=\"m\"><b>%s</b> ", state);
		put(v[i].cert->subject_cn, out);
		fprintf(out, " <span class=\"d\">%s, from <code>",
			ms_alg_name(v[i].cert->alg));
		put(v[i].source, out);
		fputs("</code></span></div>\n", out);
	}
}

static void put_kernel(const struct ms_result *r, FILE *out)
{
	const char *verdict = ms_kernel_verdict_name(r->kernel.verdict);
	const char *error = ms_errno_name(r->kernel.error);

	if (!verdict || !r->kernel.profile)
		return;
	fprintf(out, "<span class=\"d\">kernel %s, %s: %s %s</span>",
		r->kernel.profile->name, ms_enforce_name(r->kernel.enforce), verdict,
		error ? error : "");
}

static void put_module(const struct ms_result *r, FILE *out)
{
	const char *verdict = ms_policy_verdict_name(r->policy.verdict);

	fprintf(out, "<div class=\"m %s\"><b>%s</b> <code>", verdict, verdict);
	put(r->path, out);
	fputs("</code>", out);
	for (size_t i = 0; i < r->n_signers; i++) {
		const struct ms_signer_result *s = &r->signers[i];

		fprintf(out, " <span class=\"k\">%s %s ", s->algorithm,
			s->hash == MS_HASH_NONE ? "" : ms_hash_name(s->hash));
		put(s->id->issuer ? s->id->issuer : s->id->ski, out);
		fputs("</span>", out);
	}
	put_kernel(r, out);
	for (size_t i = 0; i < r->policy.n_findings; i++) {
		const struct ms_finding *f = &r->policy.findings[i];

		fprintf(out, "<span class=\"d\"><b>%s</b>: ", ms_finding_title(f->code));
		put_detail(f->detail, out);
		fprintf(out, " &rarr; ");
		put(ms_result_remedy(r, i), out);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}

static void put_modules(const struct ms_report *rep, enum ms_policy_verdict v, FILE *out)
{
	for (size_t i = 0; i < rep->results->n; i++)
		if (rep->results->v[i].policy.verdict == v)
			put_module(&rep->results->v[i], out);
}

static void put_machine(const struct ms_machine *m, FILE *out)
{
	const struct {
		const char *name;
		enum ms_known k;
	} facts[] = {{"sig_enforce", m ? m->state.sig_enforce : MS_NOT_KNOWN},
		     {"lockdown", m ? m->state.lockdown : MS_NOT_KNOWN},
		     {"Secure Boot", m ? m->state.secure_boot : MS_NOT_KNOWN}};

	if (!m)
		return;
	fputs("<p>Loaded by kernel <code>", out);
	put(m->release, out);
	fputs("</code>", out);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		fprintf(out, ", %s %s", facts[i].name,
			ms_known_name(facts[i].k) ? ms_known_name(facts[i].k)
						  : "not known");
	fputs("</p>\n", out);
}

int ms_report_html(const struct ms_report *rep, FILE *out)
{
	const struct ms_results *r = rep->results;

	fputs(top, out);
	fprintf(out,
		"<p><b>%zu</b> modules: <b>%zu</b> trusted, <b>%zu</b> with findings, "
		"<b>%zu</b> not checked</p>\n",
		r->n, r->trusted, r->findings, r->unchecked);
	put_machine(rep->machine, out);
	fputs("<h2>Anchors</h2>\n", out);
	put_anchors(rep->anchors->v, rep->anchors->n, "trusted", out);
	put_anchors(rep->anchors->revoked, rep->anchors->n_revoked, "revoked", out);
	fputs("<h2>Modules</h2>\n<input id=\"q\" type=\"search\" placeholder=\"Search\" "
	      "aria-label=\"Search\">\n<div id=\"modules\">\n",
	      out);
	put_modules(rep, MS_POLICY_FINDINGS, out);
	put_modules(rep, MS_POLICY_UNCHECKED, out);
	if (!rep->failed_only)
		put_modules(rep, MS_POLICY_TRUSTED, out);
	fputs("</div>\n", out);
	fputs(bottom, out);
	return 0;
}
