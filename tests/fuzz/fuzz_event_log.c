/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/event_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t pcr[MS_PCRS][32];

	(void)!ms_event_log_replay(data, size, pcr);
	return 0;
}
