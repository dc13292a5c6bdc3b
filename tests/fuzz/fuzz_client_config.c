/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clients' configuration: taken whole or not at all, and then valid.
 */
#include <stdint.h>
#include "lib/agent_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ms_client_config c, before;
	struct ms_error err = {0};

	memset(&c, 0, sizeof(c));
	memcpy(c.agent, "unix:/a", 8);
	before = c;
	if (ms_client_config_parse((const char *)data, size, &c, &err) < 0) {
		if (memcmp(&c, &before, sizeof(c)) != 0 ||
		    strncmp(err.msg, "line ", 5) != 0)
			abort();
		for (const char *p = err.msg; *p; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				abort();
		return 0;
	}
	if (strncmp(c.agent, "unix:/", 6) != 0 || (*c.key && !ms_key_name_valid(c.key)))
		abort();
	return 0;
}
