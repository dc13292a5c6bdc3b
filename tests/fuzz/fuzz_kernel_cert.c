/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *data, size_t size, const struct ms_bytes *b)
{
	if (b->p &&
	    (b->p < data || b->len > size || (size_t)(b->p - data) > size - b->len))
		abort();
}

static void id_inside(const uint8_t *data, size_t size, const struct ms_kernel_id *id)
{
	inside(data, size, &id->a);
	inside(data, size, &id->b);
	if (id->there != ms_kernel_id_same(id, id))
		abort();
}

/* Whatever it is, each kernel has an answer, and what is found lies inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ms_kernel_profile *p;

	for (size_t i = 0; (p = ms_kernel_profile_at(i)); i++) {
		uint8_t digest[MS_DIGEST_MAX];
		struct ms_kernel_cert c;
		struct ms_kernel_sig sig;
		int rc = ms_kernel_cert_parse(p, data, size, &c);

		if (rc != 0 && rc != -EBADMSG && rc != -EINVAL && rc != -ENOPKG &&
		    rc != -EKEYREJECTED && rc != -ENOENT)
			abort();
		if (rc)
			continue;
		inside(data, size, &c.der);
		inside(data, size, &c.tbs);
		inside(data, size, &c.sig);
		inside(data, size, &c.key);
		id_inside(data, size, &c.id);
		id_inside(data, size, &c.skid);
		id_inside(data, size, &c.auth[0]);
		id_inside(data, size, &c.auth[1]);
		sig = ms_kernel_cert_signature(p, &c, digest);
		if (ms_kernel_key_verify(p, &c, &sig) > 0)
			abort();
	}
	return 0;
}
