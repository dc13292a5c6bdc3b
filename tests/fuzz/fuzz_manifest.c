/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is whole, sorted, and found again by a tree that has it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf sig = MS_BUF_INIT(1u << 20);
	struct ms_manifest_file m = {0};
	struct ms_results none = {0};
	struct ms_error err;
	char tree[] = "t";
	size_t len = 0;

	if (ms_manifest_split(data, size, &len, &sig, &err))
		return 0;
	if (len > size)
		abort();
	if (ms_manifest_parse(data, len, &m, &err))
		return 0;
	for (size_t i = 0; i < m.n; i++) {
		if (!m.v[i].path || !strchr(m.v[i].digest, ':') ||
		    (i && strcmp(m.v[i - 1].path, m.v[i].path) > 0))
			abort();
	}
	if (ms_manifest_compare(&m, &none, tree) || none.n != m.n ||
	    none.findings != none.n)
		abort();
	ms_results_clear(&none);
	ms_manifest_file_clear(&m);
	return 0;
}
