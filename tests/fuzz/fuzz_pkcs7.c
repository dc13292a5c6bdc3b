/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "lib/pkcs7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the parser points at lies inside of the message. */
static void inside(const uint8_t *data, size_t size, const uint8_t *p, size_t len)
{
	if (p ? p < data || len > size || p > data + (size - len) : len != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_pkcs7 m;

	if (ms_pkcs7_parse(data, size, &m) < 0)
		return 0;
	if (m.n_signers > MS_PKCS7_SIGNERS_MAX || m.n_certs > MS_PKCS7_CERTS_MAX ||
	    m.trailing >= size)
		abort();
	for (size_t i = 0; i < m.n_certs; i++)
		inside(data, size, m.certs[i].der, m.certs[i].len);
	for (size_t i = 0; i < m.n_signers; i++) {
		const struct ms_pkcs7_signer *s = &m.signers[i];

		/* The sid is one of two kinds. */
		if (!s->skid == !s->issuer || !s->issuer != !s->serial)
			abort();
		inside(data, size, s->issuer, s->issuer_len);
		inside(data, size, s->serial, s->serial_len);
		inside(data, size, s->skid, s->skid_len);
		inside(data, size, s->digest_oid, s->digest_oid_len);
		inside(data, size, s->sig_oid, s->sig_oid_len);
		inside(data, size, s->signed_attrs, s->signed_attrs_len);
		inside(data, size, s->unsigned_attrs, s->unsigned_attrs_len);
		inside(data, size, s->sig, s->sig_len);
	}
	return 0;
}
