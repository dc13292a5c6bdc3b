/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include "lib/escape.h"
#include "verifier/session.h"

static const char *date(time_t t, char *dst, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(dst, size, "%Y-%m-%d", &tm))
		snprintf(dst, size, "?");
	return dst;
}

static const char *const origins[] = {
	[MS_ANCHOR_FILE] = "",
	[MS_ANCHOR_KERNEL] = " (built into the kernel)",
	[MS_ANCHOR_DB] = " (the firmware's db)",
	[MS_ANCHOR_MOK] = " (enrolled by the machine's owner)",
};

static void print_table(const struct ms_anchor *v, size_t n, const char *state)
{
	for (size_t i = 0; i < n; i++) {
		const struct ms_cert *c = v[i].cert;
		char cn[512], source[1024], from[32], to[32], ski[129] = "none";

		if (c->ski && c->ski_len <= 64)
			ms_hex(c->ski, c->ski_len, ski);
		printf("%-8s \"%s\"\n", state,
		       ms_escape_str(c->subject_cn, cn, sizeof(cn)));
		printf("         %s, %s to %s\n", ms_alg_name(c->alg),
		       date(c->not_before, from, sizeof(from)),
		       date(c->not_after, to, sizeof(to)));
		printf("         key id %s\n", ski);
		if (c->module_only)
			printf("         for modules alone, says shim\n");
		printf("         from %s%s\n",
		       ms_escape_str(v[i].source, source, sizeof(source)),
		       origins[v[i].origin]);
	}
}

static int print_json(const struct ms_anchor *v, size_t n, bool revoked)
{
	for (size_t i = 0; i < n; i++) {
		const struct ms_cert *c = v[i].cert;
		char cn[512], source[1024], from[32], to[32], ski[129] = "";
		json_t *j;

		if (c->ski && c->ski_len <= 64)
			ms_hex(c->ski, c->ski_len, ski);
		j = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "subject",
			      ms_escape_str(c->subject_cn, cn, sizeof(cn)), "ski",
			      *ski ? ski : NULL, "algorithm", ms_alg_name(c->alg),
			      "not_before", date(c->not_before, from, sizeof(from)),
			      "not_after", date(c->not_after, to, sizeof(to)), "source",
			      ms_escape_str(v[i].source, source, sizeof(source)),
			      "origin", ms_anchor_origin_name(v[i].origin), "revoked",
			      revoked, "module_only", c->module_only);
		if (!j || json_dumpf(j, stdout, JSON_COMPACT)) {
			json_decref(j);
			return -EIO;
		}
		json_decref(j);
		putchar('\n');
	}
	return 0;
}

int ms_verb_anchors(struct ms_options *o)
{
	const struct ms_anchors *a = &o->anchors;
	int status, rc = 0;

	if (o->n_args) {
		ms_complain("anchors takes no operands: name certificates with --anchor");
		return MS_EXIT_USAGE;
	}
	status = ms_options_trust(o);
	if (status >= 0)
		return status;
	if (o->format == MS_FORMAT_TABLE) {
		print_table(a->v, a->n, "trusted");
		print_table(a->revoked, a->n_revoked, "revoked");
		printf("%zu trusted, %zu revoked\n", a->n, a->n_revoked);
	} else {
		rc = print_json(a->v, a->n, false);
		if (!rc)
			rc = print_json(a->revoked, a->n_revoked, true);
	}
	if (!rc && (fflush(stdout) || ferror(stdout)))
		rc = -EIO;
	return rc ? ms_session_failed(rc) : MS_EXIT_GOOD;
}
