/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "kbuild-hooks/x509_file.h"
#include "lib/der.h"
#include "lib/limits.h"
#include "lib/pem.h"

static int der_holds(const uint8_t *file, size_t len, const uint8_t *der, size_t der_len)
{
	struct ms_reader r = MS_READER(file, len);
	struct ms_der cert;

	while (r.left) {
		if (ms_der_get(&r, MS_DER_SEQUENCE, &cert) < 0)
			return -EBADMSG;
		if (cert.der_len == der_len && memcmp(cert.der, der, der_len) == 0)
			return 0;
	}
	return -ENOKEY;
}

static int pem_holds(const char *text, size_t len, const uint8_t *der, size_t der_len)
{
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_CERT_MAX);
	size_t pos = 0, used;
	bool any = false;

	for (;;) {
		int r = ms_pem_find(text + pos, len - pos, "CERTIFICATE", &cert, &used);

		if (r == -ENODATA)
			return any ? -ENOKEY : -ENODATA;
		if (r < 0)
			return r;
		if (cert.len == der_len && memcmp(cert.data, der, der_len) == 0)
			return 0;
		cert.len = 0;
		any = true;
		pos += used;
	}
}

int ms_x509_file_holds(const uint8_t *file, size_t len, const uint8_t *der,
		       size_t der_len)
{
	if (len == 0)
		return -ENODATA;
	if (file[0] == 0x30)
		return der_holds(file, len, der, der_len);
	return pem_holds((const char *)file, len, der, der_len);
}

static int der_only(const uint8_t *file, size_t len, struct ms_buf *out)
{
	struct ms_reader r = MS_READER(file, len);
	struct ms_der cert;

	if (ms_der_get(&r, MS_DER_SEQUENCE, &cert) < 0)
		return -EBADMSG;
	if (r.left)
		return -ENOTUNIQ;
	ms_buf_put(out, cert.der, cert.der_len);
	return ms_buf_error(out);
}

static int pem_only(const char *text, size_t len, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf next = MS_BUF_INIT(MS_CERT_MAX);
	size_t used, more;
	int r = ms_pem_find(text, len, "CERTIFICATE", out, &used);

	if (r < 0)
		return r;
	r = ms_pem_find(text + used, len - used, "CERTIFICATE", &next, &more);
	return r == -ENODATA ? 0 : -ENOTUNIQ;
}

int ms_x509_file_only(const uint8_t *file, size_t len, struct ms_buf *out)
{
	if (len == 0)
		return -ENODATA;
	if (file[0] == 0x30)
		return der_only(file, len, out);
	return pem_only((const char *)file, len, out);
}
