/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is in a bundle: public areas, attestations, signatures, certificates, log. */
#include "lib/attest_check.h"
#include "lib/tpm_attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ms_cert cert = {0};
	const struct ms_attest_question q = {.cert = &cert, .now = 1};
	static struct ms_attest_result r;
	struct ms_tpm_attest a;
	struct ms_tpm_public pub;
	struct ms_tpm_evidence e;

	if (ms_tpm_public_parse(data, size, &pub) == 0 && pub.area.len + 2 != size)
		abort();
	(void)!ms_tpm_attest_parse(data, size, &a);
	if (ms_tpm_evidence_parse(data, size, &e) < 0)
		return 0;
	ms_attest_check_key(&e, &q, &r);
	/* Nobody vouches for anything here. */
	if (ms_attest_state(&r) == MS_ATTEST_GOOD)
		abort();
	ms_attest_check_srk(&e, &q, &r);
	if (ms_attest_state(&r) == MS_ATTEST_GOOD)
		abort();
	return 0;
}
