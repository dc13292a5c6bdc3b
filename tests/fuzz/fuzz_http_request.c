/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a request: every text that is cut out of it ends inside it. */
#include <stdint.h>

#include "signer/agent/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, const char *p, size_t size)
{
	if (!*text)
		return;
	if (text < p || text >= p + size || strnlen(text, size) >= size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own, so that a byte read behind it is found. */
	_cleanup_free_ char *p = malloc(size ? size : 1);
	struct ms_http_request r;

	if (!p)
		return 0;
	memcpy(p, data, size);
	if (ms_http_request_parse(p, size, &r) < 0)
		return 0;
	check(r.method, p, size);
	check(r.path, p, size);
	check(r.accept, p, size);
	check(r.content_type, p, size);
	check(r.idempotency_key, p, size);
	check(r.certificate, p, size);
	if (r.path[0] != '/' || r.n_params > MS_HTTP_PARAMS_MAX ||
	    strlen(r.idempotency_key) > MS_IDEMPOTENCY_MAX)
		abort();
	for (size_t i = 0; i < r.n_params; i++) {
		check(r.param[i].name, p, size);
		check(r.param[i].value, p, size);
		if (ms_http_request_param(&r, r.param[i].name) != r.param[i].value)
			abort();
	}
	return 0;
}
