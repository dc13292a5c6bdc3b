/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of certificates: PEM or DER, any number of them.
 */
#include "lib/cert.h"
#include <errno.h>
#include "lib/buf.h"
#include "lib/der.h"
#include "lib/limits.h"
#include "lib/pem.h"

#define LABEL "CERTIFICATE"

void ms_cert_list_clear(struct ms_cert_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		ms_cert_free(l->v[i]);
	free(l->v);
	*l = (struct ms_cert_list){ 0 };
}

static int add(struct ms_cert_list *l, const uint8_t *der, size_t len)
{
	struct ms_cert **v;
	int rc;

	v = reallocarray(l->v, l->n + 1, sizeof(*l->v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	rc = ms_cert_parse(der, len, &l->v[l->n]);
	if (rc == 0)
		l->n++;
	return rc;
}

/* No certificate is so short that its length would be one byte, and no text starts so. */
static bool looks_like_der(const uint8_t *data, size_t len)
{
	return len >= 2 && data[0] == MS_DER_SEQUENCE && data[1] >= 0x81 &&
	       data[1] <= 0x84;
}

static int parse_der(const uint8_t *data, size_t len, struct ms_cert_list *l)
{
	struct ms_reader r = MS_READER(data, len);
	struct ms_der e;
	int rc;

	while (r.left) {
		rc = ms_der_get(&r, MS_DER_SEQUENCE, &e);
		if (rc == 0)
			rc = add(l, e.der, e.der_len);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int parse_pem(const char *text, size_t len, struct ms_cert_list *l)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
	size_t used;
	int rc;

	while ((rc = ms_pem_find(text, len, LABEL, &der, &used)) == 0) {
		rc = add(l, der.data, der.len);
		if (rc < 0)
			return rc;
		text += used;
		len -= used;
		der.len = 0;
	}
	return rc == -ENODATA && l->n ? 0 : rc;
}

int ms_cert_list_parse(const uint8_t *data, size_t len, struct ms_cert_list *ret)
{
	struct ms_cert_list l = { 0 };
	int rc;

	if (len > MS_CERT_FILE_MAX)
		return -EFBIG;
	rc = looks_like_der(data, len) ? parse_der(data, len, &l) :
					 parse_pem((const char *)data, len, &l);
	if (rc < 0) {
		ms_cert_list_clear(&l);
		return rc;
	}
	*ret = l;
	return 0;
}

int ms_cert_pem(const uint8_t *der, size_t len, struct ms_buf *out)
{
	ms_pem_put(out, LABEL, der, len);
	return ms_buf_error(out);
}
