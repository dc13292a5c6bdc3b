/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/mechanism.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t plain[2 * 66];
	const uint8_t *digest;
	enum ms_hash hash;

	if (ms_p11_digest_info(data, size, &hash, &digest) == 0 &&
	    (!ms_hash_may_sign(hash) || size != 19 + ms_hash_size(hash) ||
	     digest != data + 19))
		abort();
	for (size_t width = 32; width <= 66; width += 17)
		(void)!ms_p11_ecdsa_plain(data, size, width, plain);
	return 0;
}
