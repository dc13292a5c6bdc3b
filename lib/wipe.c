/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wiping and comparing secrets. Apart from secmem.c, so that programs without libcrypto
 * can have these.
 */
#include "lib/secmem.h"

void ms_wipe(void *p, size_t len)
{
	if (p && len)
		explicit_bzero(p, len);
}

bool ms_equal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= (unsigned char)(x[i] ^ y[i]);
	return diff == 0;
}
