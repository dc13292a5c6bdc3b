/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/file.h"
#include "lib/limits.h"
#include "lib/pkcs7.h"
#include "lib/trailer.h"
#include "signer/client/signers.h"
#include "signer/client/talk.h"

void ms_signer_clear(struct ms_signer *s)
{
	ms_cert_free(s->cert);
	s->cert = NULL;
}

/* The message that is made for this signature: is it this one? */
static bool same_message(const struct ms_cert *cert, bool keyid, bool embed,
			 const struct ms_pkcs7_signer *si, const uint8_t *msg, size_t len)
{
	_cleanup_buf_ struct ms_buf made = MS_BUF_INIT(MS_MESSAGE_MAX);
	const struct ms_pkcs7_request req = {.cert = cert,
					     .use_keyid = keyid,
					     .embed = embed,
					     .hash = si->hash,
					     .sig = si->sig,
					     .sig_len = si->sig_len};

	return ms_pkcs7_build(&req, &made) == 0 && made.len == len &&
	       memcmp(made.data, msg, len) == 0;
}

/* A leaf's name is "build ID for RELEASE". */
static bool is_of_build(const struct ms_cert *leaf, const char *build)
{
	static const char prefix[] = "build ";
	const char *id = leaf->subject_cn + sizeof(prefix) - 1;
	size_t len = strlen(build);

	return strncmp(leaf->subject_cn, prefix, sizeof(prefix) - 1) == 0 &&
	       strncmp(id, build, len) == 0 && id[len] == ' ';
}

/* The certificate in the message, if the key has issued it, for the build that it shall
 * be of. */
static struct ms_cert *leaf_of(const struct ms_signer *s, const struct ms_pkcs7 *p7)
{
	_cleanup_cert_ struct ms_cert *leaf = NULL;

	if (p7->n_certs != 1 ||
	    ms_cert_parse(p7->certs[0].der, p7->certs[0].len, &leaf) < 0)
		return NULL;
	if (leaf->issuer_len != s->cert->subject_len ||
	    memcmp(leaf->issuer, s->cert->subject, leaf->issuer_len) != 0 ||
	    ms_cert_signed_by(leaf, s->cert->pkey) < 0)
		return NULL;
	if (s->build && !is_of_build(leaf, s->build))
		return NULL;
	return TAKE_PTR(leaf);
}

static bool hash_fits(const struct ms_signer *s, enum ms_hash hash)
{
	return s->hash == MS_HASH_NONE ? hash != MS_HASH_NONE && ms_hash_may_sign(hash)
				       : hash == s->hash;
}

bool ms_signer_made(const struct ms_signer *s, const uint8_t *msg, size_t msg_len,
		    const uint8_t *payload, size_t len)
{
	_cleanup_cert_ struct ms_cert *leaf = NULL;
	const struct ms_cert *cert = s->cert;
	const struct ms_pkcs7_signer *si;
	uint8_t digest[MS_DIGEST_MAX];
	struct ms_pkcs7 p7;
	bool keyid;

	if (ms_pkcs7_parse(msg, msg_len, &p7) < 0 || p7.n_signers != 1)
		return false;
	si = &p7.signers[0];
	keyid = si->skid != NULL;
	if (!hash_fits(s, si->hash) || (s->strict_sid && keyid != s->keyid))
		return false;
	if (s->issues && (!s->either || p7.n_certs))
		cert = leaf = leaf_of(s, &p7);
	return cert && cert->pkey && same_message(cert, keyid, leaf, si, msg, msg_len) &&
	       ms_digest(si->hash, payload, len, digest) == 0 &&
	       ms_key_verify_digest(cert->pkey, si->hash, digest, si->sig, si->sig_len) ==
		       0;
}

enum ms_signed ms_signers_find(const struct ms_signer *s, size_t n, const uint8_t *mod,
			       size_t len, size_t *ret)
{
	struct ms_trailer t;
	size_t payload;
	int r = ms_trailer_parse(mod, len, &t);

	if (r == -ENODATA)
		return MS_SIGNED_NOT;
	if (r < 0 || ms_trailer_payload_len(mod, len, &payload) < 0 ||
	    payload != t.payload_len)
		return MS_SIGNED_ELSE;
	for (size_t i = 0; i < n; i++) {
		if (ms_signer_made(&s[i], t.msg, t.msg_len, mod, payload)) {
			*ret = i;
			return MS_SIGNED_BY;
		}
	}
	return MS_SIGNED_ELSE;
}

int ms_signers_load(const char *path, struct ms_signer *v, size_t max, size_t *ret_n,
		    struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_cert_list list = {0};
	int r = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, err);

	if (r < 0)
		return r;
	r = ms_cert_list_parse(f.data, f.len, &list);
	if (r < 0)
		return ms_error_set(err, r, "bad-certificate",
				    "holds no certificate that could be read");
	if (list.n > max) {
		r = ms_error_set(err, -EFBIG, "too-many-certificates",
				 "holds too many certificates: at most %zu", max);
		ms_cert_list_clear(&list);
		return r;
	}
	for (size_t i = 0; i < list.n; i++) {
		struct ms_cert *c = TAKE_PTR(list.v[i]);

		v[i] = (struct ms_signer){
			.cert = c, .issues = c->is_ca, .either = c->is_ca};
	}
	*ret_n = list.n;
	ms_cert_list_clear(&list);
	return 0;
}

int ms_signer_fetch(const struct ms_cli *cli, struct ms_talk *t, const char *key,
		    struct ms_signer *ret)
{
	int status = ms_talk_key_issues(cli, t, key, &ret->issues);

	return status ? status : ms_talk_key_cert(cli, t, key, &ret->cert);
}
