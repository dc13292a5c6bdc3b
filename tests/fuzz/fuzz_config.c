/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_config c;
	struct ms_error err = {};

	if (ms_config_init(&c) < 0)
		return 0;
	if (ms_config_parse("fuzz", (const char *)data, size, &c, &err) < 0) {
		/* every refusal has a sentence */
		if (!err.msg[0])
			abort();
	} else {
		/* a rule without identities or keys must not get through */
		for (size_t i = 0; i < c.n_rules; i++) {
			if (c.rules[i].who.n == 0 || c.rules[i].keys.n == 0)
				abort();
		}
		if (ms_config_check(&c, &err) < 0 && !err.msg[0])
			abort();
	}
	ms_config_clear(&c);
	return 0;
}
