/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tpm/provision_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(2 * MS_KEY_FILE_MAX);
	static struct ms_provision p;

	if (ms_provision_parse((const char *)data, size, &p, NULL) < 0)
		return 0;
	if (ms_provision_write(&p, &text) < 0 ||
	    ms_provision_parse((const char *)text.data, text.len, &p, NULL) < 0)
		abort();
	return 0;
}
