/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include "lib/hash.h"
#include "lib/limits.h"
#include "verifier/identity.h"

struct identity_maker {
	struct ms_intern_maker m;
	const struct ms_anchors *anchors;
	const struct ms_pkcs7_signer *si;
};

void ms_identity_free(void *p)
{
	struct ms_identity *id = p;

	if (!id)
		return;
	free(id->issuer);
	free(id->serial);
	free(id->ski);
	free(id);
}

char *ms_name_text(const uint8_t *der, size_t len)
{
	const unsigned long flags =
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	const unsigned char *p = der;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data;
	long n;

	if (name && bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
		n = BIO_get_mem_data(bio, &data);
		text = n > 0 ? strndup(data, (size_t)n) : strdup("");
	} else if (bio) {
		text = strdup("(damaged name)");
	}
	X509_NAME_free(name);
	BIO_free(bio);
	return text;
}

static char *hex_of(const uint8_t *p, size_t len)
{
	char *hex = malloc(2 * len + 1);

	return hex ? ms_hex(p, len, hex) : NULL;
}

/* Content of a small DER value: the parser has seen that tag and length are sound. */
static const uint8_t *content_of(const uint8_t *der, size_t len, size_t *ret_len)
{
	size_t head = len > 1 && der[1] & 0x80 ? 2 + (size_t)(der[1] & 0x7f) : 2;

	*ret_len = len > head ? len - head : 0;
	return der + MS_MIN(head, len);
}

const struct ms_anchor *ms_identity_next(const struct ms_anchors *anchors,
					 const struct ms_pkcs7_signer *si,
					 const struct ms_anchor *after)
{
	if (si->skid)
		return ms_anchors_by_ski(anchors, si->skid, si->skid_len, after);
	return ms_anchors_by_serial(anchors, si->issuer, si->issuer_len, si->serial,
				    si->serial_len, after);
}

static int make_identity(const struct ms_intern_maker *m, void **ret)
{
	const struct identity_maker *im = (const void *)m;
	const struct ms_pkcs7_signer *si = im->si;
	struct ms_identity *id = calloc(1, sizeof(*id));
	bool ok;

	if (!id)
		return -ENOMEM;
	id->anchor = ms_identity_next(im->anchors, si, NULL);
	if (si->skid) {
		id->ski = hex_of(si->skid, si->skid_len);
		ok = id->ski;
	} else {
		size_t n;
		const uint8_t *serial = content_of(si->serial, si->serial_len, &n);

		id->serial = hex_of(serial, n);
		id->issuer = ms_name_text(si->issuer, si->issuer_len);
		ok = id->serial && id->issuer;
		if (id->anchor && id->anchor->cert->ski) {
			id->ski =
				hex_of(id->anchor->cert->ski, id->anchor->cert->ski_len);
			ok = ok && id->ski;
		}
	}
	if (!ok) {
		ms_identity_free(id);
		return -ENOMEM;
	}
	*ret = id;
	return 0;
}

int ms_identity_get(struct ms_intern *t, const struct ms_anchors *anchors,
		    const struct ms_pkcs7_signer *si, const struct ms_identity **ret)
{
	const struct identity_maker im = {
		.m.make = make_identity,
		.anchors = anchors,
		.si = si,
	};
	struct ms_buf key = MS_BUF_INIT(MS_MESSAGE_MAX);
	void *id;
	int rc;

	/* Tags and lengths are in there, so that no two sids run together alike. */
	ms_buf_put_u8(&key, si->skid ? 1 : 0);
	ms_buf_put_bytes(&key, si->skid ? si->skid : si->issuer,
			 si->skid ? si->skid_len : si->issuer_len);
	if (!si->skid)
		ms_buf_put_bytes(&key, si->serial, si->serial_len);
	rc = ms_buf_error(&key);
	if (!rc)
		rc = ms_intern_get(t, key.data, key.len, &im.m, &id);
	ms_buf_clear(&key);
	if (!rc)
		*ret = id;
	return rc;
}
