/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/limits.h"
#include "verifier/chain.h"

struct chain_maker {
	struct ms_intern_maker m;
	const struct ms_anchors *anchors;
	const struct ms_pkcs7 *msg;
};

void ms_chain_free(void *p)
{
	struct ms_chain *c = p;

	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		ms_cert_free(c->v[i].cert);
		free(c->v[i].ski);
	}
	free(c);
}

static bool same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a && b && a_len == b_len && !memcmp(a, b, a_len);
}

static bool self_issued(const struct ms_cert *c)
{
	return same(c->issuer, c->issuer_len, c->subject, c->subject_len) &&
	       (!c->akid || same(c->akid, c->akid_len, c->ski, c->ski_len));
}

static void link_cert(struct ms_chain *chain, size_t i, const struct ms_anchors *anchors)
{
	struct ms_chain_cert *cc = &chain->v[i];
	const struct ms_cert *c = cc->cert;
	const struct ms_anchor *a = NULL;

	cc->revoked = ms_anchors_revoked(anchors, c);
	while ((a = ms_anchors_by_serial(anchors, c->issuer, c->issuer_len, c->serial,
					 c->serial_len, a))) {
		/* find_asymmetric_key(): where both have a key id, it must be the same.
		 */
		if (!c->ski || same(a->cert->ski, a->cert->ski_len, c->ski, c->ski_len)) {
			cc->same = a;
			break;
		}
	}
	a = NULL;
	if (self_issued(c)) {
		cc->issuer = (int)i;
		cc->issuer_rc = ms_cert_signed_by(c, c->pkey);
		return;
	}
	if (!c->akid)
		return;
	for (size_t k = 0; k < chain->n && cc->issuer < 0; k++) {
		const struct ms_cert *up = chain->v[k].cert;

		if (k != i && up && same(up->ski, up->ski_len, c->akid, c->akid_len)) {
			cc->issuer = (int)k;
			cc->issuer_rc = ms_cert_signed_by(c, up->pkey);
		}
	}
	while ((a = ms_anchors_by_ski(anchors, c->akid, c->akid_len, a))) {
		cc->authority = a;
		cc->authority_rc = ms_cert_signed_by(c, a->cert->pkey);
		if (!cc->authority_rc)
			break;
	}
}

static int make_chain(const struct ms_intern_maker *m, void **ret)
{
	const struct chain_maker *cm = (const void *)m;
	struct ms_chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return -ENOMEM;
	chain->n = cm->msg->n_certs;
	for (size_t i = 0; i < chain->n; i++) {
		struct ms_chain_cert *cc = &chain->v[i];
		int rc = ms_cert_parse(cm->msg->certs[i].der, cm->msg->certs[i].len,
				       &cc->cert);

		cc->issuer = -1;
		if (!rc && cc->cert->ski) {
			cc->ski = malloc(2 * cc->cert->ski_len + 1);
			if (cc->ski)
				ms_hex(cc->cert->ski, cc->cert->ski_len, cc->ski);
			else
				rc = -ENOMEM;
		}
		if (rc == -ENOMEM) {
			ms_chain_free(chain);
			return rc;
		}
	}
	for (size_t i = 0; i < chain->n; i++)
		if (chain->v[i].cert)
			link_cert(chain, i, cm->anchors);
	*ret = chain;
	return 0;
}

int ms_chain_get(struct ms_intern *t, const struct ms_anchors *anchors,
		 const struct ms_pkcs7 *msg, const struct ms_chain **ret)
{
	const struct chain_maker cm = {
		.m.make = make_chain,
		.anchors = anchors,
		.msg = msg,
	};
	struct ms_buf key = MS_BUF_INIT(2 * MS_MESSAGE_MAX);
	void *chain;
	int rc;

	for (size_t i = 0; i < msg->n_certs; i++)
		ms_buf_put_bytes(&key, msg->certs[i].der, msg->certs[i].len);
	rc = ms_buf_error(&key);
	if (!rc)
		rc = ms_intern_get(t, key.data, key.len, &cm.m, &chain);
	ms_buf_clear(&key);
	if (!rc)
		*ret = chain;
	return rc;
}

int ms_chain_find(const struct ms_chain *c, const struct ms_pkcs7_signer *si)
{
	for (size_t i = 0; c && i < c->n; i++) {
		const struct ms_cert *cert = c->v[i].cert;

		if (cert &&
		    same(cert->serial, cert->serial_len, si->serial, si->serial_len) &&
		    same(cert->issuer, cert->issuer_len, si->issuer, si->issuer_len))
			return (int)i;
	}
	return -1;
}
