/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include "lib/limits.h"
#include "signer/client/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_error err = {0};
	const char *path;
	size_t at = 0, before;
	int rc;

	for (;;) {
		before = at;
		rc = ms_spool_next(data, size, &at, &path, &err);
		if (rc < 0)
			break;
		/* Each is where the one before ended, and as long as it was moved. */
		if (path != (const char *)data + before || path[0] != '/' ||
		    strlen(path) + 1 != at - before || at - before > MS_PATH_MAX)
			abort();
	}
	if (rc == -ENODATA ? at != size : at != before || !err.msg[0])
		abort();
	return 0;
}
