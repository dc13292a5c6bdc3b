/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/kernel_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *data, size_t size, const uint8_t *p, size_t len)
{
	if (p && (p < data || len > size || (size_t)(p - data) > size - len))
		abort();
}

/* Ranges lie inside, and both parsers see the same end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_kernel_message km, judged;
	const struct ms_kernel_profile *p;
	struct ms_pkcs7 strict, m;
	int rc = ms_kernel_message_parse(NULL, data, size, &km);

	/* What a kernel takes has the right form, too. */
	for (size_t i = 0; (p = ms_kernel_profile_at(i)); i++)
		if (!ms_kernel_message_parse(p, data, size, &judged) && rc)
			abort();
	if (rc)
		return 0;
	m = km.m;
	if (!m.n_signers || m.n_signers > MS_PKCS7_SIGNERS_MAX ||
	    m.n_certs > MS_PKCS7_CERTS_MAX || m.trailing >= size)
		abort();
	for (size_t i = 0; i < m.n_signers; i++) {
		const struct ms_pkcs7_signer *s = &m.signers[i];

		inside(data, size, s->issuer, s->issuer_len);
		inside(data, size, s->serial, s->serial_len);
		inside(data, size, s->skid, s->skid_len);
		inside(data, size, s->sig, s->sig_len);
		inside(data, size, s->sig_oid, s->sig_oid_len);
		inside(data, size, s->signed_attrs, s->signed_attrs_len);
	}
	for (size_t i = 0; i < m.n_certs; i++)
		inside(data, size, m.certs[i].der, m.certs[i].len);
	if (!ms_pkcs7_parse(data, size, &strict) && strict.trailing != m.trailing)
		abort();
	return 0;
}
