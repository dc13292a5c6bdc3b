/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "lib/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct ms_cert *c, const uint8_t *p, size_t len)
{
	if (p ? p < c->der || len > c->der_len || p > c->der + (c->der_len - len) :
		len != 0)
		abort();
}

static void check(const struct ms_cert *c)
{
	if (!c->issuer || !c->serial || !c->subject || !c->tbs)
		abort();
	inside(c, c->issuer, c->issuer_len);
	inside(c, c->serial, c->serial_len);
	inside(c, c->subject, c->subject_len);
	inside(c, c->ski, c->ski_len);
	inside(c, c->akid, c->akid_len);
	inside(c, c->tbs, c->tbs_len);
	if (strnlen(c->subject_cn, sizeof(c->subject_cn)) == sizeof(c->subject_cn))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_cert_list l;
	struct ms_cert *c;

	if (ms_cert_parse(data, size, &c) == 0) {
		check(c);
		if (c->der_len != size || memcmp(c->der, data, size))
			abort();
		ms_cert_free(c);
	}
	if (ms_cert_list_parse(data, size, &l) == 0) {
		if (!l.n)
			abort();
		for (size_t i = 0; i < l.n; i++)
			check(l.v[i]);
		ms_cert_list_clear(&l);
	}
	return 0;
}
