/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "kbuild-hooks/x509_file.h"
#include "lib/limits.h"
#include "lib/pem.h"

/* Size of the DER SEQUENCE that @p starts with, tag and length included. */
static int sequence_size(const uint8_t *p, size_t len, size_t *ret)
{
	size_t octets, n = 0;

	if (len < 2 || p[0] != 0x30)
		return -EBADMSG;
	if (p[1] < 0x80) {
		n = 2u + p[1];
	} else {
		octets = p[1] & 0x7f;
		if (octets < 1 || octets > 3 || len < 2 + octets)
			return -EBADMSG;
		for (size_t i = 0; i < octets; i++)
			n = n << 8 | p[2 + i];
		n += 2 + octets;
	}
	if (n > len)
		return -EBADMSG;
	*ret = n;
	return 0;
}

static int der_holds(const uint8_t *file, size_t len, const uint8_t *der, size_t der_len)
{
	size_t pos = 0, n;

	while (pos < len) {
		int r = sequence_size(file + pos, len - pos, &n);

		if (r < 0)
			return r;
		if (n == der_len && memcmp(file + pos, der, n) == 0)
			return 0;
		pos += n;
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
