/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX),
				    text = MS_BUF_INIT(MS_BUNDLE_MAX),
				    again = MS_BUF_INIT(MS_EV_MAX);
	struct ms_tpm_evidence e;

	if (ms_bundle_parse((const char *)data, size, MS_BUNDLE_KEY, &msg, NULL) < 0)
		return 0;
	/* What is read can be written, and is then the same. */
	if (ms_tpm_evidence_parse(msg.data, msg.len, &e) < 0 ||
	    ms_bundle_write(MS_BUNDLE_KEY, &e, NULL, &text) < 0 ||
	    ms_bundle_parse((const char *)text.data, text.len, MS_BUNDLE_KEY, &again,
			    NULL) < 0 ||
	    again.len != msg.len)
		abort();
	return 0;
}
