/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/revocations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list in both forms; entries are complete or are not there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ms_anchors none;
	struct ms_revocations r = {0};
	struct ms_elf_facts f = {.name = "x", .version = "1"};
	struct ms_error err;
	int rc;

	rc = ms_revocations_parse_crl(&r, data, size, "crl", &none, 1800000000, &err);
	if (!rc || r.n)
		abort();
	rc = ms_revocations_parse_json(&r, (const char *)data, size, "list", 1800000000,
				       &err);
	for (size_t i = 0; i < r.n; i++)
		if (!r.v[i].source ||
		    (!r.v[i].key != (r.v[i].kind == MS_REVOKES_VERSION)) ||
		    (!r.v[i].name != (r.v[i].kind != MS_REVOKES_VERSION)))
			abort();
	if (!rc)
		(void)ms_revocations_version(&r, &f, 1800000000);
	ms_revocations_clear(&r);
	return 0;
}
