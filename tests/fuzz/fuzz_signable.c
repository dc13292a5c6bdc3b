/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include "signer/agent/signable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The whole input is such an element, says OpenSSL, which is lenient. */
#define WHOLE(type, free)                                   \
	do {                                                \
		const uint8_t *p = data;                    \
		type *t = d2i_##type(NULL, &p, (long)size); \
		bool whole = t && p == data + size;         \
		free(t);                                    \
		if (whole)                                  \
			abort();                            \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_error err = {0};

	if (ms_signable_file(data, size, &err)) {
		if (!err.code[0] || !err.msg[0])
			abort();
		return 0;
	}
	ERR_set_mark();
	WHOLE(X509_CINF, X509_CINF_free);
	WHOLE(X509_CRL_INFO, X509_CRL_INFO_free);
	WHOLE(X509_REQ_INFO, X509_REQ_INFO_free);
	ERR_pop_to_mark();
	return 0;
}
