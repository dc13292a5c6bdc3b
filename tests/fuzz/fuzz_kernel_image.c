/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/builtin_certs.h"
#include "verifier/kernel_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An image is unpacked and searched; whatever is found lies inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *out = NULL;
	struct ms_builtin_certs certs;
	char release[65];
	size_t len;

	if (ms_kernel_unpack(data, size, &out, &len))
		return 0;
	if (!ms_kernel_release(out, len, release, sizeof(release)) && !*release)
		abort();
	if (ms_builtin_certs_find(out, len, &certs))
		return 0;
	for (size_t i = 0; i < certs.n; i++)
		if (!certs.v[i].len || certs.v[i].der < out ||
		    certs.v[i].len > len - (size_t)(certs.v[i].der - out))
			abort();
	return certs.n && !certs.v[0].revoked ? 0 : (abort(), 0);
}
