/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>

#include "signer/client/key_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int answer(void *arg, const char **ret, struct ms_error *err)
{
	*ret = "1234";
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_key_source_ struct ms_key_source s = {0};
	struct ms_error err = {0};

	/* A passphrase may be stretched for as long as the file says. */
	if (size > 4096)
		return 0;
	if (ms_key_source_parse(data, size, answer, NULL, &s, &err) == 0)
		(void)ms_key_source_cert(s.key, &s.certs);
	return 0;
}
