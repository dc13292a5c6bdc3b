/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(const uint8_t *p, size_t len, const uint8_t *data, size_t size)
{
	return !p || (p >= data && len && len <= size - (size_t)(p - data));
}

/* A TBSCertificate, whether or not ms_cert_parse() would have taken it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ms_cert cert = {.tbs = data, .tbs_len = size};
	struct ms_p11_public p;

	if (ms_p11_public_read(&cert, &p) < 0)
		return 0;
	if (!inside(p.info, p.info_len, data, size) ||
	    !inside(p.n, p.n_len, data, size) || !inside(p.e, p.e_len, data, size) ||
	    !inside(p.curve, p.curve_len, data, size) ||
	    !inside(p.point, p.point_len, data, size) || !p.sig_len ||
	    p.sig_len > MS_SIG_MAX || !p.info || !!p.n == !!p.point)
		abort();
	return 0;
}
