// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Approvals of PCR values, which come from a file: what is read is written back to the
 * same approval.
 */
#include <stdint.h>
#include <stdlib.h>
#include "lib/tpm_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_buf b = MS_BUF_INIT(2 * MS_PCR_APPROVAL_MAX);
	struct ms_pcr_approval a, again;
	struct ms_policy_key key, key_again;

	if (ms_pcr_approval_parse(data, size, &a, &key, NULL) < 0)
		return 0;
	(void)!ms_pcr_approval_check(&a, &key);
	if (ms_pcr_approval_write(&a, &key, &b) == 0 &&
	    (ms_pcr_approval_parse(b.data, b.len, &again, &key_again, NULL) < 0 ||
	     strcmp(a.name, again.name) != 0 || a.pcrs != again.pcrs ||
	     !ms_policy_key_same(&key, &key_again)))
		abort();
	ms_buf_clear(&b);
	return 0;
}
