/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of an answer: what is taken whole must be refused or unfinished in every part,
 * and what is said of it must be true.
 */
#include <errno.h>
#include <stdint.h>
#include "lib/http.h"
#include "lib/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ms_http_head *h, size_t used, size_t size)
{
	if (used < 16 || used > size || used > MS_HTTP_HEAD_MAX)
		abort();
	if (h->status < 100 || h->status > 599)
		abort();
	if (strnlen(h->content_type, sizeof(h->content_type)) ==
		    sizeof(h->content_type) ||
	    strnlen(h->request_id, sizeof(h->request_id)) == sizeof(h->request_id))
		abort();
	for (const char *p = h->request_id; *p; p++)
		if ((unsigned char)*p < 0x21 || (unsigned char)*p > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_http_head h, part;
	size_t used = 0, ignored;
	int r = ms_http_head_parse(data, size, &h, &used);

	if (r == -EAGAIN && size >= MS_HTTP_HEAD_MAX)
		abort();
	if (r < 0)
		return 0;
	check(&h, used, size);
	for (size_t i = 0; i < used; i += 1 + used / 64)
		if (ms_http_head_parse(data, i, &part, &ignored) != -EAGAIN)
			abort();
	/* What follows the head is not looked at. */
	if (ms_http_head_parse(data, used, &part, &ignored) != 0 || ignored != used)
		abort();
	return 0;
}
