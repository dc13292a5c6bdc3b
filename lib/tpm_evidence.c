/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/tpm_evidence.h"

#include <errno.h>

static const char *const names[MS_EV_N] = {
	[MS_EV_EK_CERT] = "ek_certificate",
	[MS_EV_EK_CHAIN] = "ek_chain",
	[MS_EV_AK_PUBLIC] = "ak_public",
	[MS_EV_AK_CERT] = "ak_certificate",
	[MS_EV_KEY_PUBLIC] = "key_public",
	[MS_EV_CERTIFY] = "certify",
	[MS_EV_CERTIFY_SIG] = "certify_signature",
	[MS_EV_CREATION_DATA] = "creation_data",
	[MS_EV_CREATION] = "creation",
	[MS_EV_CREATION_SIG] = "creation_signature",
	[MS_EV_QUOTE] = "quote",
	[MS_EV_QUOTE_SIG] = "quote_signature",
	[MS_EV_PCR_VALUES] = "pcr_values",
	[MS_EV_CSR] = "csr",
	[MS_EV_NONCE] = "nonce",
	[MS_EV_EVENT_LOG] = "event_log",
	[MS_EV_SRK_PUBLIC] = "srk_public",
	[MS_EV_SRK_CERTIFY] = "srk_certify",
	[MS_EV_SRK_CERTIFY_SIG] = "srk_certify_signature",
	[MS_EV_CREDENTIAL] = "credential",
	[MS_EV_SECRET] = "secret",
	[MS_EV_SEALED_CERT] = "sealed_certificate",
};

const char *ms_tpm_evidence_name(enum ms_tpm_ev f)
{
	return (size_t)f < ARRAY_SIZE(names) ? names[f] : NULL;
}

enum ms_tpm_ev ms_tpm_evidence_from_name(const char *name)
{
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum ms_tpm_ev)i;
	return MS_EV_NONE;
}

void ms_tpm_evidence_put(struct ms_buf *out, enum ms_tpm_ev f, const void *p, size_t len)
{
	if (!len)
		return;
	ms_buf_put_u8(out, (uint8_t)f);
	ms_buf_put_bytes(out, p, len);
}

int ms_tpm_evidence_parse(const uint8_t *p, size_t len, struct ms_tpm_evidence *ret)
{
	struct ms_reader r = MS_READER(p, len);
	struct ms_tpm_evidence e = {0};

	if (len > MS_EV_MAX)
		return -EFBIG;
	while (r.left > 0) {
		uint8_t f = ms_reader_u8(&r);
		size_t n = 0;
		const uint8_t *at = ms_reader_bytes(&r, MS_EV_MAX, &n);

		if (ms_reader_error(&r) < 0 || f == MS_EV_NONE || f >= MS_EV_N || !n ||
		    e.f[f].p)
			return -EBADMSG;
		e.f[f].p = at;
		e.f[f].len = n;
	}
	*ret = e;
	return 0;
}
