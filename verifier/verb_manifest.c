/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal-verify manifest FILE TREE */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/trailer.h"
#include "verifier/manifest.h"
#include "verifier/policy.h"
#include "verifier/session.h"

/**
 * struct look - a manifest while it is checked
 * @text_len: bytes of @file that were signed
 * @embedded: the signer's certificate came along: a leaf
 * @by_then: the certificates were valid when the build ended
 */
struct look {
	struct ms_file file;
	struct ms_manifest_file manifest;
	size_t text_len;
	bool embedded, by_then;
};

static int complain(const char *path, const struct ms_error *err, int status)
{
	char shown[512];

	ms_complain("%s: %s", ms_escape_str(path, shown, sizeof(shown)), err->msg);
	return status;
}

/*
 * The evidence of a module has all that is to be known about a signature: the manifest
 * with its signature is given the form of one.
 */
static int as_module(const struct look *l, const struct ms_buf *sig, struct ms_buf *out)
{
	uint8_t trailer[MS_TRAILER_LEN];

	ms_buf_put(out, l->file.data, l->text_len);
	if (sig->len > 0) {
		ms_trailer_build((uint32_t)sig->len, trailer);
		ms_buf_put(out, sig->data, sig->len);
		ms_buf_put(out, trailer, sizeof(trailer));
	}
	return ms_buf_error(out);
}

static int judge(const struct ms_options *o, const struct ms_evidence *ev, time_t now,
		 struct ms_result *ret)
{
	const struct ms_trust trust = {
		.anchors = &o->anchors, .revocations = &o->revocations, .now = now};
	int rc = ms_policy_judge(ev, &trust, ret);

	ms_result_drop(ret, MS_FINDING_NOT_A_MODULE);
	return rc;
}

static bool has_finding(const struct ms_result *r, enum ms_finding_code code)
{
	for (size_t i = 0; i < r->policy.n_findings; i++) {
		if (r->policy.findings[i].code == code)
			return true;
	}
	return false;
}

/*
 * A leaf's certificate ends with its build. The manifest says when that was, and the
 * leaf, which is in no file, signed it then; so it counts that it was valid then.
 */
static int forgive_expired_leaf(const struct ms_options *o, const struct ms_evidence *ev,
				struct look *l, struct ms_result *r)
{
	_cleanup_result_ struct ms_result then = {0};
	int rc;

	if (!l->embedded || l->manifest.ended > o->q.now)
		return 0;
	rc = judge(o, ev, l->manifest.ended, &then);
	l->by_then = rc == 0 && !has_finding(&then, MS_FINDING_EXPIRED) &&
		     !has_finding(&then, MS_FINDING_NOT_YET_VALID);
	if (l->by_then)
		ms_result_drop(r, MS_FINDING_EXPIRED);
	return rc;
}

static int keep_names(const char *path, const struct ms_evidence *ev, struct look *l,
		      struct ms_result *r)
{
	char hex[2 * MS_DIGEST_MAX + 1];

	r->path = strdup(path);
	if (!r->path || asprintf(&r->name, "manifest of build %s", l->manifest.build) < 0)
		return -ENOMEM;
	if (ev->digest_hash == MS_HASH_NONE)
		return 0;
	ms_hex(ev->digest, ms_hash_size(ev->digest_hash), hex);
	return asprintf(&r->digest, "%s:%s", ms_hash_name(ev->digest_hash), hex) < 0
		       ? -ENOMEM
		       : 0;
}

static int check_signature(const struct ms_options *o, const char *path,
			   const struct ms_buf *sig, struct ms_caches *caches,
			   struct look *l, struct ms_result *ret)
{
	_cleanup_buf_ struct ms_buf whole =
		MS_BUF_INIT(MS_MANIFEST_MAX + MS_MESSAGE_MAX + MS_TRAILER_LEN);
	_cleanup_free_ struct ms_evidence *ev = calloc(1, sizeof(*ev));
	int rc = ev ? as_module(l, sig, &whole) : -ENOMEM;

	if (rc == 0)
		rc = ms_evidence_gather(whole.data, whole.len, 0, &o->anchors, caches,
					ev);
	if (rc == 0)
		rc = keep_names(path, ev, l, ret);
	if (rc == 0)
		rc = judge(o, ev, o->q.now, ret);
	l->embedded = rc == 0 && ev->chain;
	return rc ? rc : forgive_expired_leaf(o, ev, l, ret);
}

/* Return: -1 to go on, else the exit status. */
static int read_manifest(const char *path, struct look *l, struct ms_buf *sig)
{
	struct ms_error err = {0};
	int rc = ms_file_read(AT_FDCWD, path, MS_MANIFEST_MAX, 0, &l->file, &err);

	if (rc == 0)
		rc = ms_manifest_split(l->file.data, l->file.len, &l->text_len, sig,
				       &err);
	if (rc == 0)
		rc = ms_manifest_parse(l->file.data, l->text_len, &l->manifest, &err);
	if (rc == 0)
		return -1;
	if (!err.msg[0])
		ms_error_set(&err, rc, NULL, "%s", ms_strerror(rc));
	return complain(path, &err, MS_EXIT_UNCHECKED);
}

/* That a leaf's module was signed before the leaf expired is what the manifest proves. */
static void forgive_modules(const struct look *l, struct ms_results *r)
{
	for (size_t i = 0; i < r->n && l->by_then; i++) {
		struct ms_result *m = &r->v[i];

		if (!has_finding(m, MS_FINDING_NOT_IN_MANIFEST) &&
		    !has_finding(m, MS_FINDING_MANIFEST_CHANGED))
			ms_result_drop(m, MS_FINDING_EXPIRED);
	}
	ms_results_count(r);
}

static int add_result(struct ms_results *r, struct ms_result *m)
{
	struct ms_result *more = realloc(r->v, (r->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	memmove(more + 1, more, r->n * sizeof(*more));
	more[0] = *m;
	*m = (struct ms_result){0};
	r->v = more;
	r->n++;
	ms_results_count(r);
	return 0;
}

static int check_tree(struct ms_options *o, struct ms_session *s, struct look *l,
		      char *tree)
{
	size_t n = 0;
	int rc = ms_filelist_add(&s->files, tree, &n);

	if (rc == 0)
		rc = ms_session_run(s, o);
	if (rc == 0)
		rc = ms_manifest_compare(&l->manifest, &s->results, tree);
	if (rc == 0)
		forgive_modules(l, &s->results);
	return rc;
}

static int check(struct ms_options *o, struct look *l, const struct ms_buf *sig)
{
	_cleanup_result_ struct ms_result own = {0};
	struct ms_session s;
	int rc, status;

	ms_session_init(&s);
	rc = check_signature(o, o->args[0], sig, &s.caches, l, &own);
	/* What somebody else may have written is nothing to hold a tree against. */
	if (rc == 0 && own.policy.verdict == MS_POLICY_TRUSTED)
		rc = check_tree(o, &s, l, o->args[1]);
	else if (rc == 0)
		ms_complain("manifest: its signature is not good, so the tree was not "
			    "compared with it");
	if (rc == 0)
		rc = add_result(&s.results, &own);
	status = rc ? ms_session_failed(rc) : ms_session_report(&s, o);
	ms_session_clear(&s);
	return status;
}

int ms_verb_manifest(struct ms_options *o)
{
	_cleanup_buf_ struct ms_buf sig = MS_BUF_INIT(2 * MS_MESSAGE_MAX);
	struct look l = {0};
	int status;

	if (o->n_args != 2) {
		ms_complain("manifest: name the manifest and the tree");
		return MS_EXIT_USAGE;
	}
	status = ms_options_trust(o);
	if (status < 0)
		status = read_manifest(o->args[0], &l, &sig);
	if (status < 0)
		status = check(o, &l, &sig);
	ms_manifest_file_clear(&l.manifest);
	ms_file_clear(&l.file);
	return status;
}
