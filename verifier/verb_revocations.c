/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include "lib/escape.h"
#include "verifier/identity.h"
#include "verifier/kernel_tree.h"
#include "verifier/session.h"

static const char *const kinds[] = {
	[MS_REVOKES_NOTHING] = "nothing",  [MS_REVOKES_SERIAL] = "serial",
	[MS_REVOKES_CERT] = "certificate", [MS_REVOKES_TBS] = "tbs",
	[MS_REVOKES_KEY] = "key",	   [MS_REVOKES_DIGEST] = "digest",
	[MS_REVOKES_VERSION] = "version",
};

static const char *kernel_words(enum ms_heeded h)
{
	static const char *const words[] = {
		"no kernel reads this list",
		"kernels ignore this form",
		"kernels heed it for certificates inside the signature only",
		"kernels with CONFIG_SYSTEM_REVOCATION_LIST heed it (Debian's lack it)",
		"kernels up to 6.12 heed it, 7.2 does not",
	};

	return words[h];
}

static const char *when(time_t t, char *dst, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(dst, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(dst, size, "?");
	return dst;
}

/* "sha256:<hex>", or what else the entry is known by; escaped. */
static const char *what(const struct ms_revocation *e, char *dst, size_t size)
{
	char hex[2 * 64 + 1] = "", name[256];

	if (e->kind == MS_REVOKES_VERSION)
		return ms_escape_str(e->name, dst, size);
	if (e->key && e->key_len <= 64)
		ms_hex(e->key, e->key_len, hex);
	if (e->kind == MS_REVOKES_TBS || e->kind == MS_REVOKES_DIGEST)
		snprintf(dst, size, "%s:%s", ms_hash_name(e->hash), hex);
	else if (e->kind == MS_REVOKES_SERIAL) {
		_cleanup_free_ char *issuer = ms_name_text(e->issuer, e->issuer_len);

		/* Tag and length of the serial do not interest. */
		snprintf(dst, size, "%s of \"%s\"", strlen(hex) > 4 ? hex + 4 : hex,
			 ms_escape_str(issuer ? issuer : "", name, sizeof(name)));
	} else {
		snprintf(dst, size, "%s", hex);
	}
	return dst;
}

static void print_table(const struct ms_revocation *e, time_t now)
{
	char shown[1024], date[32];

	printf("%-11s %s\n", kinds[e->kind], what(e, shown, sizeof(shown)));
	if (e->below)
		printf("            versions below %s\n",
		       ms_escape_str(e->below, shown, sizeof(shown)));
	if (e->srcversion)
		printf("            srcversion %s\n",
		       ms_escape_str(e->srcversion, shown, sizeof(shown)));
	if (e->reason)
		printf("            because: %s\n",
		       ms_escape_str(e->reason, shown, sizeof(shown)));
	if (e->since)
		printf("            %s %s\n", e->since > now ? "not before" : "since",
		       when(e->since, date, sizeof(date)));
	printf("            from %s; %s\n",
	       ms_escape_str(e->source, shown, sizeof(shown)), kernel_words(e->heeded));
}

static json_t *text(const char *s)
{
	_cleanup_free_ char *buf = NULL;
	size_t size = s ? 4 * strlen(s) + 4 : 0;

	if (!s)
		return json_null();
	buf = malloc(size);
	return buf ? json_string(ms_escape_str(s, buf, size)) : NULL;
}

static int print_json(const struct ms_revocation *e, time_t now)
{
	char shown[1024], date[32];
	json_t *j;
	int rc;

	j = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?, s:b, s:o, s:s}", "kind",
		      kinds[e->kind], "what", what(e, shown, sizeof(shown)), "below",
		      text(e->below), "srcversion", text(e->srcversion), "reason",
		      text(e->reason), "since",
		      e->since ? when(e->since, date, sizeof(date)) : NULL, "in_effect",
		      e->since <= now, "source", text(e->source), "kernel",
		      ms_heeded_name(e->heeded));
	if (!j)
		return -ENOMEM;
	rc = json_dumpf(j, stdout, JSON_COMPACT) ? -EIO : 0;
	json_decref(j);
	putchar('\n');
	return rc;
}

/* What a kernel image revokes itself. */
static int print_builtin(const struct ms_anchor *a, bool table)
{
	uint8_t digest[MS_DIGEST_MAX];
	struct ms_revocation e = {
		.kind = MS_REVOKES_CERT,
		.key = digest,
		.key_len = 32,
		.source = a->source,
		.reason = a->cert->subject_cn,
		.heeded = MS_HEEDED_IF_CONFIGURED,
	};

	if (ms_digest(MS_HASH_SHA256, a->cert->der, a->cert->der_len, digest))
		return -ENOPKG;
	if (!table)
		return print_json(&e, 0);
	print_table(&e, 0);
	return 0;
}

int ms_verb_revocations(struct ms_options *o)
{
	const struct ms_revocations *r = &o->revocations;
	bool table = o->format == MS_FORMAT_TABLE;
	char shown[512];
	int status, rc = 0;

	if (o->n_args) {
		ms_complain(
			"revocations takes no operands: name lists with --revocations");
		return MS_EXIT_USAGE;
	}
	status = ms_options_revocations(o);
	if (status >= 0)
		return status;
	for (size_t i = 0; i < r->n && !rc; i++) {
		if (table)
			print_table(&r->v[i], o->q.now);
		else
			rc = print_json(&r->v[i], o->q.now);
	}
	for (size_t i = 0; i < o->anchors.n_revoked && !rc; i++)
		rc = print_builtin(&o->anchors.revoked[i], table);
	if (table)
		printf("%zu revoked\n", r->n + o->anchors.n_revoked);
	if (!rc && (fflush(stdout) || ferror(stdout)))
		rc = -EIO;
	if (rc)
		return ms_session_failed(rc);
	if (!r->expired)
		return MS_EXIT_GOOD;
	ms_complain("revocation list %s has expired: get a newer one",
		    ms_escape_str(r->expired, shown, sizeof(shown)));
	return MS_EXIT_FINDINGS;
}
