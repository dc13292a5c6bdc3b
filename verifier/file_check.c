/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/file_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "lib/file_digest.h"
#include "lib/fsverity.h"
#include "lib/ima_sig.h"
#include "lib/trailer.h"
#include "verifier/policy.h"

/* What precedes a message in the end of a file, to see whether that is signed, too. */
#define TAIL_MARGIN 4096u
#define TAIL_MAX (MS_MESSAGE_MAX + MS_TRAILER_LEN + TAIL_MARGIN)

/**
 * struct subject - the file while its signatures are checked
 * @st: as it was first seen
 * @len: how much of it the signature at hand covers
 * @verity: the hash of the Merkle tree; MS_HASH_NONE: the bytes themselves are signed
 * @rc, @err: reading it has failed
 */
struct subject {
	const struct ms_question *q;
	struct ms_caches *caches;
	const char *path;
	int fd;
	struct stat st;
	uint64_t len;
	enum ms_hash verity;
	int rc;
	struct ms_error err;
};

const char *ms_file_sig_name(enum ms_file_sig s)
{
	static const char *const names[MS_FILE_SIGS] = {
		[MS_FILE_SIG_DETACHED] = "detached",
		[MS_FILE_SIG_FSVERITY] = "fsverity",
		[MS_FILE_SIG_IMA] = "ima",
		[MS_FILE_SIG_XATTR] = "ima-xattr",
		[MS_FILE_SIG_APPENDED] = "ima-appended",
	};

	return names[s];
}

void ms_file_results_clear(struct ms_file_results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].source);
		ms_result_clear(&r->v[i].r);
	}
	r->n = 0;
}

/* ---------------------------------------------------------------------- digests */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int digest_bytes(struct subject *s, enum ms_hash h, uint8_t *ret)
{
	struct stat st = s->st;
	int r = s->verity ? ms_file_fsverity(s->fd, h, ret, &st, &s->err)
			  : ms_file_digest_start(s->fd, h, s->len, ret, &st, &s->err);

	if (r == 0 && !same_file(&st, &s->st))
		r = ms_error_set(&s->err, -EAGAIN, "changed",
				 "it changed while it was being read");
	if (r < 0 && r != -ENOPKG)
		s->rc = r;
	return r;
}

/* What a signature with hash @h is of. */
static int digest(void *arg, enum ms_hash h, uint8_t *ret)
{
	struct subject *s = arg;
	uint8_t formatted[MS_FSVERITY_FORMATTED_MAX], d[MS_DIGEST_MAX];
	size_t len;
	int r = digest_bytes(s, s->verity ? s->verity : h, s->verity ? d : ret);

	if (r < 0 || !s->verity)
		return r;
	r = ms_fsverity_format(s->verity, d, formatted, &len);
	return r < 0 ? r : ms_digest(h, formatted, len, ret);
}

/* Lists name a file by its digest, with what is appended to it or without. */
static void look_for_revoked(struct subject *s, struct ms_evidence *ev)
{
	const struct ms_revocations *list = s->q->revocations;
	const uint64_t lens[] = {s->len, (uint64_t)s->st.st_size}, len = s->len;
	const enum ms_hash verity = s->verity;
	uint8_t d[MS_DIGEST_MAX];

	s->verity = MS_HASH_NONE;
	for (unsigned int h = 1; list && h < 32; h++) {
		for (size_t i = 0; list->hashes & 1u << h && i < 2; i++) {
			s->len = lens[i];
			if ((i == 1 && lens[1] == lens[0]) || ev->revoked_digest ||
			    digest_bytes(s, (enum ms_hash)h, d) < 0)
				continue;
			ev->revoked_digest = ms_revocations_digest(list, (enum ms_hash)h,
								   d, s->q->now);
		}
	}
	s->len = len;
	s->verity = verity;
}

/* --------------------------------------------------------------------- judging */

static int cannot_read(struct ms_result *r, int rc, const struct ms_error *err)
{
	enum ms_finding_code code = rc == -EFBIG    ? MS_FINDING_TOO_LARGE
				    : rc == -EAGAIN ? MS_FINDING_CHANGED
						    : MS_FINDING_UNREADABLE;

	rc = ms_result_add(r, code, "%s", err->msg[0] ? err->msg : ms_strerror(rc));
	ms_result_settle(r, false);
	return rc;
}

static int show_digest(struct subject *s, struct ms_evidence *ev, struct ms_result *r)
{
	enum ms_hash h = s->verity ? s->verity : ev->digest_hash;
	char hex[2 * MS_DIGEST_MAX + 1];
	uint8_t d[MS_DIGEST_MAX];

	if (h == MS_HASH_NONE || digest_bytes(s, h, d) < 0)
		return 0;
	return asprintf(&r->digest, "%s:%s", ms_hash_name(h),
			ms_hex(d, ms_hash_size(h), hex)) < 0
		       ? -ENOMEM
		       : 0;
}

static int judge(struct subject *s, struct ms_evidence *ev, struct ms_result *r)
{
	const struct ms_trust trust = {.anchors = s->q->anchors,
				       .revocations = s->q->revocations,
				       .now = s->q->now};
	int rc;

	look_for_revoked(s, ev);
	rc = show_digest(s, ev, r);
	if (rc < 0)
		return rc;
	/* What was judged is not what is there now. */
	if (s->rc < 0)
		return cannot_read(r, s->rc, &s->err);
	return ms_policy_judge(ev, &trust, r);
}

static int gather(struct subject *s, const uint8_t *msg, size_t len,
		  const struct ms_pkcs7_signer *bare, struct ms_evidence *ev)
{
	const struct ms_evidence_file f = {
		.msg = msg, .msg_len = len, .bare = bare, .digest = digest, .arg = s};

	return ms_evidence_gather_file(&f, s->q->anchors, s->caches, ev);
}

/* Somebody's signature is good for what was tried. */
static bool is_good(const struct ms_evidence *ev)
{
	for (size_t i = 0; ev->checked && i < ev->msg.n_signers; i++) {
		const struct ms_signer_evidence *se = &ev->signers[i];

		if ((se->anchor && se->anchor_rc == 0) ||
		    (se->cert >= 0 && se->cert_rc == 0))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ the formats */

/* A message does not say whether it is about the file or its fs-verity digest. */
static int check_cms(struct subject *s, const uint8_t *msg, size_t len,
		     enum ms_file_sig first, struct ms_file_result *f)
{
	static const enum ms_hash detached[] = {MS_HASH_NONE, MS_HASH_SHA256,
						MS_HASH_SHA512};
	static const enum ms_hash verity[] = {MS_HASH_SHA256, MS_HASH_SHA512,
					      MS_HASH_NONE};
	const enum ms_hash *tries = first == MS_FILE_SIG_FSVERITY ? verity : detached;
	struct ms_evidence *ev = malloc(sizeof(*ev));
	int rc = ev ? 0 : -ENOMEM;
	size_t i;

	s->len = (uint64_t)s->st.st_size;
	for (i = 0; i < 3 && rc == 0; i++) {
		s->verity = tries[i];
		rc = gather(s, msg, len, NULL, ev);
		if (rc < 0 || is_good(ev) || s->rc < 0)
			break;
	}
	if (rc == 0 && i == 3) {
		s->verity = tries[0];
		rc = gather(s, msg, len, NULL, ev);
	}
	f->sig = s->verity ? MS_FILE_SIG_FSVERITY : MS_FILE_SIG_DETACHED;
	if (rc == 0)
		rc = judge(s, ev, &f->r);
	s->verity = MS_HASH_NONE;
	free(ev);
	return rc;
}

/* A SEQUENCE is ECDSA's, anything else is taken for RSA's. */
static void guess_algorithm(struct ms_pkcs7_signer *si)
{
	static const uint8_t rsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				      0xf7, 0x0d, 0x01, 0x01, 0x01};
	static const uint8_t ecdsa[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
					0xce, 0x3d, 0x04, 0x03, 0x02};
	bool is_ecdsa = si->sig_len < 256 && si->sig[0] == 0x30;

	si->sig_oid = is_ecdsa ? ecdsa : rsa;
	si->sig_oid_len = is_ecdsa ? sizeof(ecdsa) : sizeof(rsa);
}

/* Four bytes may name several certificates: one whose key fits is the signer's. */
static int gather_ima(struct subject *s, const struct ms_ima_sig *sig, uint8_t keyid[4],
		      struct ms_evidence *ev)
{
	struct ms_pkcs7_signer si = {.hash = sig->hash,
				     .sig = sig->sig,
				     .sig_len = sig->sig_len,
				     .skid = keyid,
				     .skid_len = 4};
	bool any = false;
	uint32_t id;
	int rc = 0;

	guess_algorithm(&si);
	ms_put_be32(keyid, sig->keyid);
	for (size_t i = 0; i < s->q->anchors->n && rc == 0; i++) {
		const struct ms_cert *c = s->q->anchors->v[i].cert;

		if (ms_ima_keyid(c, &id) < 0 || id != sig->keyid)
			continue;
		any = true;
		si.skid = NULL;
		si.issuer = c->issuer;
		si.issuer_len = c->issuer_len;
		si.serial = c->serial;
		si.serial_len = c->serial_len;
		rc = gather(s, NULL, 0, &si, ev);
		if (rc < 0 || is_good(ev))
			break;
	}
	return any ? rc : gather(s, NULL, 0, &si, ev);
}

static int check_ima(struct subject *s, const uint8_t *p, size_t len,
		     struct ms_file_result *f)
{
	struct ms_evidence *ev;
	struct ms_ima_sig sig;
	uint8_t keyid[4];
	int rc = ms_ima_sig_parse(p, len, &sig);

	if (rc < 0) {
		rc = ms_result_add(&f->r,
				   rc == -ENOPKG ? MS_FINDING_UNKNOWN_SIGNATURE_TYPE
						 : MS_FINDING_MALFORMED_SIGNATURE,
				   rc == -ENOPKG ? "it is no signature of IMA's version 2"
						 : "IMA's signature is damaged");
		ms_result_settle(&f->r, false);
		return rc;
	}
	ev = malloc(sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	s->len = (uint64_t)s->st.st_size;
	rc = gather_ima(s, &sig, keyid, ev);
	if (rc == 0)
		rc = judge(s, ev, &f->r);
	free(ev);
	return rc;
}

/* ------------------------------------------------------ where signatures are found */

static struct ms_file_result *add(struct subject *s, struct ms_file_results *ret,
				  enum ms_file_sig sig, const char *source)
{
	struct ms_file_result *f = &ret->v[ret->n++];

	*f = (struct ms_file_result){.sig = sig};
	f->source = source ? strdup(source) : NULL;
	f->r.path = strdup(s->path);
	return f->r.path && (!source || f->source) ? f : NULL;
}

static int check_bytes(struct subject *s, const uint8_t *p, size_t len,
		       struct ms_file_result *f)
{
	if (len > 0 && p[0] == 0x03) {
		f->sig = MS_FILE_SIG_IMA;
		return check_ima(s, p, len, f);
	}
	return check_cms(s, p, len, f->sig, f);
}

/* @must: it was named, so it has to be there */
static int look_beside(struct subject *s, enum ms_file_sig sig, const char *path,
		       bool must, struct ms_file_results *ret)
{
	_cleanup_file_ struct ms_file file = {0};
	struct ms_error err = {0};
	struct ms_file_result *f;
	int rc = ms_file_read(AT_FDCWD, path, MS_MESSAGE_MAX, 0, &file, &err);

	if (rc == -ENOENT && !must)
		return 0;
	f = add(s, ret, sig, path);
	if (!f)
		return -ENOMEM;
	if (rc < 0) {
		ms_error_prefix(&err, "the signature");
		return cannot_read(&f->r, rc, &err);
	}
	return check_bytes(s, file.data, file.len, f);
}

static int look_at_xattr(struct subject *s, struct ms_file_results *ret)
{
	uint8_t p[MS_IMA_SIG_MAX + 1] = {0};
	ssize_t n = fgetxattr(s->fd, "security.ima", p, sizeof(p));
	struct ms_file_result *f;

	/* It is a digest (IMA_XATTR_DIGEST, _NG), or there are no attributes here. What
	 * else there is is a signature, of a kind that is known or not. */
	if (n < 0 ? errno != ERANGE : n == 0 || p[0] == 0x01 || p[0] == 0x04)
		return 0;
	f = add(s, ret, MS_FILE_SIG_XATTR, NULL);
	return f ? check_ima(s, p, n < 0 ? 1 : (size_t)n, f) : -ENOMEM;
}

static int check_appended(struct subject *s, const uint8_t *tail, size_t len,
			  const struct ms_trailer *t, struct ms_file_result *f)
{
	struct ms_evidence *ev = malloc(sizeof(*ev));
	struct ms_trailer inner;
	int rc = ev ? 0 : -ENOMEM;

	s->len = (uint64_t)s->st.st_size - (len - t->payload_len);
	if (rc == 0)
		rc = gather(s, t->msg, t->msg_len, NULL, ev);
	if (rc == 0) {
		ev->nested = ms_trailer_parse(tail, t->payload_len, &inner) != -ENODATA;
		rc = judge(s, ev, &f->r);
	}
	free(ev);
	return rc;
}

static int look_at_end(struct subject *s, struct ms_file_results *ret)
{
	size_t len = (size_t)MS_MIN((uint64_t)s->st.st_size, (uint64_t)TAIL_MAX);
	_cleanup_free_ uint8_t *tail = malloc(len + 1);
	struct ms_file_result *f;
	struct ms_trailer t;
	int rc;

	if (!tail)
		return -ENOMEM;
	if (pread(s->fd, tail, len, s->st.st_size - (off_t)len) != (ssize_t)len)
		return 0; /* the digests will not come out right either */
	rc = ms_trailer_parse(tail, len, &t);
	if (rc == -ENODATA)
		return 0;
	f = add(s, ret, MS_FILE_SIG_APPENDED, NULL);
	if (!f)
		return -ENOMEM;
	if (rc == 0)
		return check_appended(s, tail, len, &t, f);
	rc = ms_result_add(&f->r,
			   rc == -ENOPKG ? MS_FINDING_UNKNOWN_SIGNATURE_TYPE
					 : MS_FINDING_MALFORMED_SIGNATURE,
			   rc == -ENOPKG ? "the appended signature is not PKCS#7"
					 : "the signature's trailer is damaged");
	ms_result_settle(&f->r, false);
	return rc;
}

static int look_everywhere(struct subject *s, struct ms_file_results *ret)
{
	static const struct {
		enum ms_file_sig sig;
		const char *ending;
	} beside[] = {{MS_FILE_SIG_DETACHED, ".p7s"}, {MS_FILE_SIG_FSVERITY, ".sig"}};
	char name[MS_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(beside) && rc == 0; i++) {
		if (snprintf(name, sizeof(name), "%s%s", s->path, beside[i].ending) <
		    (int)sizeof(name))
			rc = look_beside(s, beside[i].sig, name, false, ret);
	}
	if (rc == 0)
		rc = look_at_xattr(s, ret);
	return rc ? rc : look_at_end(s, ret);
}

static int no_signature(struct subject *s, struct ms_file_results *ret)
{
	struct ms_file_result *f = add(s, ret, MS_FILE_SIG_NONE, NULL);
	struct ms_evidence *ev = calloc(1, sizeof(*ev));
	int rc = f && ev ? 0 : -ENOMEM;

	if (rc == 0) {
		ev->is_file = true;
		ev->trailer_rc = -ENODATA;
		/* As where there is debugging: nothing has stripped it off. */
		ev->facts.has_debug = true;
		s->len = (uint64_t)s->st.st_size;
		rc = judge(s, ev, &f->r);
	}
	free(ev);
	return rc;
}

int ms_file_check(const struct ms_question *q, struct ms_caches *caches, const char *path,
		  const char *signature, struct ms_file_results *ret)
{
	_cleanup_close_ int fd = -1;
	struct subject s = {.q = q, .caches = caches, .path = path};
	int rc = ms_file_open(AT_FDCWD, path, &fd, &s.err);

	ret->n = 0;
	s.fd = fd;
	if (rc == 0)
		rc = ms_file_stat(fd, SIZE_MAX, &s.st, &s.err);
	if (rc < 0) {
		struct ms_file_result *f = add(&s, ret, MS_FILE_SIG_NONE, NULL);

		return f ? cannot_read(&f->r, rc, &s.err) : -ENOMEM;
	}
	rc = signature ? look_beside(&s, MS_FILE_SIG_DETACHED, signature, true, ret)
		       : look_everywhere(&s, ret);
	return rc == 0 && ret->n == 0 ? no_signature(&s, ret) : rc;
}
