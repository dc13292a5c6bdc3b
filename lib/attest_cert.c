/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates of endorsement and attestation keys (TCG EK Credential Profile): chains,
 * usages, and the AK's certificate that ties the two together.
 */
#include "lib/attest_check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define AK_URN "urn:modseal:ak:"
#define EK_URN "urn:modseal:ek:"

static X509 *to_x509(const struct ms_cert *c)
{
	const uint8_t *p = c->der;

	return d2i_X509(NULL, &p, (long)c->der_len);
}

static void x509_freep(X509 **x)
{
	X509_free(*x);
}

/* ----------------------------------------------------------------------- chain */

static int add_to_store(X509_STORE *store, const struct ms_cert_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		_cleanup_(x509_freep) X509 *x = to_x509(l->v[i]);

		if (!x || X509_STORE_add_cert(store, x) != 1)
			return -ENOMEM;
	}
	return 0;
}

static int push_all(STACK_OF(X509) * stack, const struct ms_cert_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		X509 *x = to_x509(l->v[i]);

		if (!x || sk_X509_push(stack, x) <= 0) {
			X509_free(x);
			return -ENOMEM;
		}
	}
	return 0;
}

static int run_chain(X509 *x, X509_STORE *store, STACK_OF(X509) * extra, time_t now,
		     char *why, size_t size)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r = -ENOMEM;

	if (ctx && X509_STORE_CTX_init(ctx, store, x, extra) == 1) {
		/* Whoever is named as a root is trusted, self-signed or not. */
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
		X509_STORE_CTX_set_time(ctx, 0, now);
		r = X509_verify_cert(ctx) == 1 ? 0 : -EKEYREJECTED;
		if (r < 0)
			snprintf(why, size, "%s",
				 X509_verify_cert_error_string(
					 X509_STORE_CTX_get_error(ctx)));
	}
	X509_STORE_CTX_free(ctx);
	return r;
}

int ms_attest_chain(const struct ms_cert *cert, const uint8_t *extra, size_t extra_len,
		    const struct ms_cert_list *roots, time_t now, char *why, size_t size)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list between = {0};
	_cleanup_(x509_freep) X509 *x = NULL;
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *stack = sk_X509_new_null();
	int r = 0;

	ERR_set_mark();
	x = to_x509(cert);
	if (extra_len && ms_cert_list_parse(extra, extra_len, &between) < 0) {
		r = -EKEYREJECTED;
		snprintf(why, size, "the certificates between them are damaged");
	}
	if (r == 0 && (!x || !store || !stack))
		r = -ENOMEM;
	if (r == 0)
		r = add_to_store(store, roots);
	if (r == 0)
		r = push_all(stack, &between);
	if (r == 0)
		r = run_chain(x, store, stack, now, why, size);
	sk_X509_pop_free(stack, X509_free);
	X509_STORE_free(store);
	ERR_pop_to_mark();
	return r;
}

/* ------------------------------------------------------------------- extensions */

bool ms_attest_eku(const struct ms_cert *cert, const char *oid)
{
	_cleanup_(x509_freep) X509 *x = to_x509(cert);
	EXTENDED_KEY_USAGE *eku =
		x ? X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL) : NULL;
	bool found = false;
	char text[64];

	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku); i++)
		if (OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(eku, i), 1) >
			    0 &&
		    strcmp(text, oid) == 0)
			found = true;
	EXTENDED_KEY_USAGE_free(eku);
	return found;
}

/* "urn:...:HEX" into @dst; a second one is one too many. */
static int take_urn(const ASN1_IA5STRING *uri, const char *urn, char *dst, size_t size)
{
	const char *text = (const char *)ASN1_STRING_get0_data(uri);
	size_t len = (size_t)ASN1_STRING_length(uri), skip = strlen(urn);

	if (len <= skip || memcmp(text, urn, skip) != 0)
		return 0;
	len -= skip;
	if (*dst || len >= size)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		if (!memchr("0123456789abcdef", text[skip + i], 16))
			return -EBADMSG;
	memcpy(dst, text + skip, len);
	dst[len] = '\0';
	return 0;
}

int ms_attest_sans(const struct ms_cert *cert, char ret_ak[133], char ret_ek[65])
{
	_cleanup_(x509_freep) X509 *x = to_x509(cert);
	GENERAL_NAMES *names =
		x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
	char ak[133] = "", ek[65] = "";
	int r = 0;

	for (int i = 0; r == 0 && names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type != GEN_URI)
			continue;
		r = take_urn(g->d.uniformResourceIdentifier, AK_URN, ak, sizeof(ak));
		if (r == 0)
			r = take_urn(g->d.uniformResourceIdentifier, EK_URN, ek,
				     sizeof(ek));
	}
	GENERAL_NAMES_free(names);
	if (r < 0 || !*ak || !*ek)
		return -EBADMSG;
	memcpy(ret_ak, ak, sizeof(ak));
	memcpy(ret_ek, ek, sizeof(ek));
	return 0;
}

/* ------------------------------------------------------------------------ issue */

static int add(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	int r = e && X509_add_ext(x, e, -1) == 1 ? 0 : -EIO;

	X509_EXTENSION_free(e);
	return r;
}

static int add_extensions(X509 *x, X509 *ca, const char *ak_name, const char *ek_sha256)
{
	char san[400];
	X509V3_CTX ctx;
	int r;

	snprintf(san, sizeof(san), "URI:" AK_URN "%s,URI:" EK_URN "%s", ak_name,
		 ek_sha256);
	X509V3_set_ctx(&ctx, ca, x, NULL, NULL, 0);
	r = add(x, &ctx, NID_basic_constraints, "critical,CA:FALSE");
	if (r == 0)
		r = add(x, &ctx, NID_key_usage, "critical,digitalSignature");
	if (r == 0)
		r = add(x, &ctx, NID_ext_key_usage, MS_OID_AIK_CERT);
	if (r == 0)
		r = add(x, &ctx, NID_subject_key_identifier, "hash");
	if (r == 0)
		r = add(x, &ctx, NID_authority_key_identifier, "keyid:always");
	return r == 0 ? add(x, &ctx, NID_subject_alt_name, san) : r;
}

static int fill_in(X509 *x, EVP_PKEY *ak, X509 *ca, unsigned int days)
{
	X509_NAME *name = X509_get_subject_name(x);
	uint8_t serial[16];
	BIGNUM *bn = NULL;
	int r = -EIO;

	if (RAND_bytes(serial, sizeof(serial)) == 1)
		bn = BN_bin2bn(serial, sizeof(serial), NULL);
	if (bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) &&
	    X509_set_version(x, X509_VERSION_3) == 1 && X509_set_pubkey(x, ak) == 1 &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)"TPM attestation key", -1,
				       -1, 0) == 1 &&
	    X509_set_issuer_name(x, X509_get_subject_name(ca)) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
	    X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL))
		r = 0;
	BN_free(bn);
	return r;
}

int ms_attest_issue(EVP_PKEY *ak, const char *ak_name, const char *ek_sha256,
		    const struct ms_cert *ca, EVP_PKEY *ca_key, unsigned int days,
		    uint8_t **ret, size_t *ret_len)
{
	_cleanup_(x509_freep) X509 *issuer = to_x509(ca), *x = X509_new();
	uint8_t *der = NULL, *copy;
	int r = -ENOMEM, len = -1;

	if (!ca->is_ca || !ca->ski || !issuer ||
	    EVP_PKEY_eq(X509_get0_pubkey(issuer), ca_key) != 1)
		return -EINVAL;
	ERR_set_mark();
	if (x)
		r = fill_in(x, ak, issuer, days);
	if (r == 0)
		r = add_extensions(x, issuer, ak_name, ek_sha256);
	if (r == 0 && X509_sign(x, ca_key, EVP_sha256()) <= 0)
		r = -EIO;
	if (r == 0)
		len = i2d_X509(x, &der);
	ERR_pop_to_mark();
	copy = len > 0 ? malloc((size_t)len) : NULL;
	if (r == 0 && !copy)
		r = -ENOMEM;
	if (r == 0) {
		memcpy(copy, der, (size_t)len);
		*ret = copy;
		*ret_len = (size_t)len;
	} else {
		free(copy);
	}
	OPENSSL_free(der);
	return r;
}
