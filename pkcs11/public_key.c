/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/public_key.h"
#include <errno.h>
#include "lib/der.h"

/* rsaEncryption and id-ecPublicKey with tag and length (RFC 3279, 2.3.1; 5480, 2.1.1). */
static const uint8_t rsa_oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				  0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t ec_oid[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

/* Named curves (RFC 5480, 2.1.1.1) and the bytes of a coordinate. */
static const struct curve {
	enum ms_alg alg;
	uint8_t width, len;
	const char *oid;
} curves[] = {
	{MS_ALG_P256, 32, 10, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"},
	{MS_ALG_P384, 48, 7, "\x06\x05\x2b\x81\x04\x00\x22"},
	{MS_ALG_P521, 66, 7, "\x06\x05\x2b\x81\x04\x00\x23"},
};

static bool is(const struct ms_der *e, const void *der, size_t len)
{
	return e->der_len == len && memcmp(e->der, der, len) == 0;
}

/* TBSCertificate up to its key (RFC 5280, 4.1). */
static int find_info(const struct ms_cert *cert, struct ms_der *ret)
{
	struct ms_reader r = MS_READER(cert->tbs, cert->tbs_len);
	struct ms_der tbs, skipped;

	if (ms_der_get(&r, MS_DER_SEQUENCE, &tbs) < 0)
		return -EBADMSG;
	if (ms_der_next_is(&tbs.body, MS_DER_CTX0C) &&
	    ms_der_any(&tbs.body, &skipped) < 0)
		return -EBADMSG;
	/* serial, algorithm, issuer, validity, subject */
	for (int i = 0; i < 5; i++)
		if (ms_der_any(&tbs.body, &skipped) < 0)
			return -EBADMSG;
	return ms_der_get(&tbs.body, MS_DER_SEQUENCE, ret);
}

static int number(struct ms_reader *r, const uint8_t **ret, size_t *ret_len)
{
	struct ms_der n;

	if (ms_der_integer(r, &n) < 0 || (n.body.p[0] & 0x80))
		return -EBADMSG;
	if (n.body.p[0] == 0)
		(void)ms_reader_u8(&n.body);
	*ret = n.body.p;
	*ret_len = n.body.left;
	return n.body.left ? 0 : -EBADMSG;
}

static int read_rsa(struct ms_reader bits, struct ms_p11_public *p)
{
	struct ms_der seq;

	if (ms_der_get(&bits, MS_DER_SEQUENCE, &seq) < 0 || ms_reader_end(&bits) < 0 ||
	    number(&seq.body, &p->n, &p->n_len) < 0 ||
	    number(&seq.body, &p->e, &p->e_len) < 0 || ms_reader_end(&seq.body) < 0)
		return -EBADMSG;
	p->sig_len = p->n_len;
	p->alg = p->n_len == 256   ? MS_ALG_RSA2048
		 : p->n_len == 384 ? MS_ALG_RSA3072
				   : MS_ALG_RSA4096;
	/* Of as many bits as bytes: the signature has as many, too. */
	if ((p->n_len != 256 && p->n_len != 384 && p->n_len != 512) || !(p->n[0] & 0x80))
		return -ENOPKG;
	return 0;
}

static int read_ec(const struct ms_der *curve, struct ms_reader bits,
		   struct ms_p11_public *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		const struct curve *c = &curves[i];

		if (!is(curve, c->oid, c->len))
			continue;
		if (bits.left != 1 + 2 * (size_t)c->width || bits.p[0] != 4)
			return -EBADMSG;
		p->alg = c->alg;
		p->curve = curve->der;
		p->curve_len = curve->der_len;
		p->point = bits.p;
		p->point_len = bits.left;
		p->sig_len = 2 * (size_t)c->width;
		return 0;
	}
	return -ENOPKG;
}

int ms_p11_public_read(const struct ms_cert *cert, struct ms_p11_public *ret)
{
	struct ms_p11_public p = {0};
	struct ms_der info, algorithm, oid, params, bits;
	int r = -ENOPKG;

	if (find_info(cert, &info) < 0 ||
	    ms_der_get(&info.body, MS_DER_SEQUENCE, &algorithm) < 0 ||
	    ms_der_oid(&algorithm.body, &oid) < 0 ||
	    ms_der_any(&algorithm.body, &params) < 0 ||
	    ms_reader_end(&algorithm.body) < 0 ||
	    ms_der_get(&info.body, MS_DER_BITS, &bits) < 0 ||
	    ms_reader_end(&info.body) < 0 || ms_reader_u8(&bits.body) != 0 ||
	    ms_reader_error(&bits.body) < 0)
		return -EBADMSG;
	p.info = info.der;
	p.info_len = info.der_len;
	if (is(&oid, rsa_oid, sizeof(rsa_oid)) && params.tag == MS_DER_NULL)
		r = read_rsa(bits.body, &p);
	else if (is(&oid, ec_oid, sizeof(ec_oid)))
		r = read_ec(&params, bits.body, &p);
	if (r == 0)
		*ret = p;
	return r;
}
